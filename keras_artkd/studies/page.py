"""A study as Markdown, a page and figures: paper beside measured."""

import pathlib
import statistics

from keras_artkd.files import write_json, write_text
from keras_artkd.report.figures import save_figures
from keras_artkd.report.page import environment
from keras_artkd.runs.commands import command as command_of
from keras_artkd.runs.config import Config
from keras_artkd.runs.expert_config import EXPERT_METHOD
from keras_artkd.runs.plan import Plan, resolve
from keras_artkd.studies.figures import draw_study
from keras_artkd.studies.results import Results
from keras_artkd.studies.results_file import as_json
from keras_artkd.studies.tables import percent, tables
from keras_artkd.studies.text import markdown_table

# Of a study's figures, as files beside its page.
FIGURES = "figures"
_KEPT = {
    "best": "best epoch by validation",
    "last_unless_worse": "latest epoch that is not worse by validation",
    "last": "last epoch",
}
_ROLES = ("student", "expert", "initial teacher")


def write_study(folder: pathlib.Path, results: Results, command: str) -> None:
    """Writes `results.json`, `study.md`, `study.html` and `figures/`.

    Args:
        folder: path.
        results: `Results`.
        command: str, what to type to run it again.
    """
    folder.mkdir(parents=True, exist_ok=True)
    write_json(folder / "results.json", as_json(results, command))
    write_text(folder / "study.md", as_markdown(results, command))
    drawings = draw_study(results)
    page = (
        environment(pathlib.Path(__file__).parent)
        .get_template("study.html")
        .render(
            results=results,
            command=command,
            sentence=setting(results),
            tables=tables(results),
            drawings=drawings,
            command_of=command_of,
        )
    )
    write_text(folder / "study.html", page)
    save_figures(drawings, folder / FIGURES)


def as_markdown(results: Results, command: str) -> str:
    """The study as Markdown: command, tables, and what they say."""
    done, runs = results.done
    study = results.study
    parts = [
        f"# {study.key}: {study.caption}",
        f"```\n{command}\n```",
        setting(results),
    ]
    if done < runs:
        parts.append(f"{done} of {runs} runs have ended; the others are empty.")
    for caption, header, rows in tables(results):
        parts.append(f"{caption}\n\n{markdown_table(header, rows)}")
    if results.order:
        parts.append(results.order["verdict"])
    if study.notes:
        parts.append(f"Note: {study.notes}")
    parts.append(
        "The command of each run is in results.json and study.html; to check a "
        "number, give it another --workdir."
    )
    return "\n\n".join(parts) + "\n"


def setting(results: Results) -> str:
    """Describes the training in a sentence or two."""
    base = results.base
    images = "test images"
    known = [cell.metrics[s] for cell in results.cells for s in cell.metrics]
    if known:
        images = f"{known[0]['test']['num_examples']} {images}"
    plans = [p for cell in results.cells for p in cell.plans.values()]
    data, schedule = base.data, base.schedule
    networks = {
        role: ", ".join(
            dict.fromkeys(name for p in plans if (name := _network(p, role)))
        )
        for role in _ROLES
    }
    awgram = any(
        "awgram" in (p.student_head, p.config.networks.teacher_head)
        for p in plans
    )
    options = " ".join(f"{k} {v}" for k, v in data.data_options.items())
    facts = [
        *(f"{role} {names}" for role, names in networks.items() if names),
        f"{schedule.epochs} epoch{'s' * (schedule.epochs > 1)} of batches of "
        f"{schedule.batch_size} at {data.image_size} pixels",
        _rate(results),
        *[f"norm of AWGram's output {base.networks.feature_scale:g}"] * awgram,
        f"{data.dataset}{f' ({options})' if options else ''}",
        *(f"{k} {v}" for k, v in results.settings.method_options.items()),
        f"seeds {', '.join(map(str, results.seeds))}"
        f"{', each with a split of its own' * results.study.splits}",
    ]
    text = (
        f"Budget {results.settings.budget!r}: {'; '.join(facts)}. Percent of "
        f"{images} at the {_KEPT[schedule.keep_epoch]}, ± the standard "
        "deviation over seeds."
    )
    if not results.comparable and any(
        cell.published is not None for cell in results.cells
    ):
        text += (
            f" The paper's numbers are of {results.dataset} and its own "
            "training: compare the order, not the values."
        )
    return text + _what_rotations(results) + _what_experts_know(results)


def _what_rotations(results: Results) -> str:
    """Sentences, where cells are measured over rotations."""
    cells = [cell for cell in results.cells if cell.aggregated]
    if not cells:
        return ""
    names = ", ".join(cell.name for cell in cells)
    text = (
        " Measured as the paper does, by the mean logits over four rotations "
        f"of each test image: {names}. Upright validation images choose their "
        "epochs, as all others'."
    )
    lacking = [
        cell.runs[seed].folder.name
        for cell in cells
        for seed, correct in cell.correct.items()
        if correct is None
    ]
    if lacking:
        text += (
            f" {len(lacking)} of their runs kept no such logits (older "
            "versions did not): their differences have no interval of images, "
            "and their order cannot be told. To have it, remove these folders "
            f"and type the command again: {', '.join(lacking)}."
        )
    return text


def _what_experts_know(results: Results) -> str:
    """A sentence, where experts are no better than the student alone."""
    experts = [share for _, share in results.experts if share is not None]
    networks = {p.config.networks.student for p, _ in results.experts}
    alone = [
        statistics.fmean(cell.values().values())
        for cell in results.cells
        if cell.values()
        and all(_is_alone(p, results.base) for p in cell.runs.values())
    ]
    if not experts or len(networks) > 1 or len(alone) != 1:
        return ""
    mean = statistics.fmean(experts)
    if mean > alone[0]:
        return ""
    return (
        f" The experts, with {percent(mean)}, are no better than the student "
        f"alone, with {percent(alone[0])}: they have little to teach."
    )


def _is_alone(plan: Plan, base: Config) -> bool:
    """Whether it is the study's student, trained as the others, alone."""
    config = plan.config
    return (
        plan.method.name == EXPERT_METHOD
        and plan.student_head == "pool"
        and config.networks.student == base.networks.student
        and config.augmentation.augment == base.augmentation.augment
        and config.schedule.epochs == base.schedule.epochs
    )


def _rate(results: Results) -> str:
    if not results.settings.rates:
        rate = resolve(results.base).first_rate
        return f"first learning rate {rate:g}"
    rates = ", ".join(f"{rate:g}" for rate in results.settings.rates)
    return f"first learning rate the best of {rates} by validation"


def _network(plan: Plan, role: str) -> str | None:
    """Its name, where the run has one in this role."""
    networks = plan.config.networks
    if role == "student":
        return networks.student
    if role == "expert" and plan.has_expert:
        return "from a file" if networks.expert else networks.expert_network
    if role == "initial teacher" and plan.method.needs_initial:
        return networks.initial
    return None
