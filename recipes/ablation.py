"""Table 4.13 of thesis 000: what each part of the method contributes."""

import dataclasses
import json

from keras_artkd.files import write_json, write_text
from recipes.common import load_data, run_or_read

# Rows are not increments of one objective: rows 2 and 3 repeat KD and ATKD of
# table 4.11, and row 4 lies below CTKD there, so it has no L2 term.
ROWS = (
    ("baseline", 60.76, {"method": "baseline"}),
    ("+ expert teacher", 62.04, {"method": "kd"}),
    ("+ attention maps", 63.21, {"method": "attention"}),
    (
        "+ initial teacher",
        64.71,
        {"method": "collaborative", "head": "pool", "options": {"alpha": 0.0}},
    ),
    ("+ AWGram", 66.83, {"method": "collaborative", "head": "awgram"}),
)


def run_ablation(config):
    """Runs the five rows on one data set, seed and budget, and prints them.

    Rows that an earlier call finished are read, not run again; an
    interrupted row goes on. `config`'s method, head and options are
    replaced.

    Returns:
        list of dicts: row, paper and measured percentages, run folder.
    """
    data = load_data(config)
    results = []
    for name, paper, changes in ROWS:
        row = dataclasses.replace(
            config,
            **{"head": "pool", "options": {}, **changes},
            ablation=False,
        )
        metrics = run_or_read(row, data)
        results.append(
            {
                "row": name,
                "paper": paper,
                "accuracy": 100 * metrics["test"]["accuracy"],
                "macro_accuracy": 100 * metrics["test"]["macro_accuracy"],
                "last_epoch": 100 * metrics["test_last_epoch"]["accuracy"],
                "run": row.run_dir.name,
            }
        )
    table = format_table(results)
    print(table)
    folder = config.run_dir.parent
    stem = f"ablation-seed{config.seed}-{config.run_dir.name[-6:]}"
    identity = json.loads(json.dumps(config.identity()))
    write_json(folder / f"{stem}.json", {"config": identity, "rows": results})
    write_text(folder / f"{stem}.md", table + "\n")
    print(f"Written to {folder / stem}.md and .json")
    return results


def format_table(results):
    """The rows as a Markdown table, percent of the test split."""
    lines = [
        "| configuration | paper (MultitaskPainting100k) | measured | macro "
        "| last epoch |",
        "| --- | ---: | ---: | ---: | ---: |",
    ]
    lines += [
        f"| {r['row']} | {r['paper']:.2f} | {r['accuracy']:.2f} "
        f"| {r['macro_accuracy']:.2f} | {r['last_epoch']:.2f} |"
        for r in results
    ]
    return "\n".join(lines)
