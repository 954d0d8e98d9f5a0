import json
import re
import warnings

import numpy as np
import pytest

from keras_artkd.files import read_json, write_json
from keras_artkd.measure.confusions import confusion_matrix
from keras_artkd.output import TURNS
from keras_artkd.report import figures, predictions
from keras_artkd.report.figures import draw_run
from keras_artkd.report.run import read_run
from keras_artkd.report.text import small_text
from tests.report.pages import Page, draft, render
from tests.report.runs import HOSTILE_NAMES, write_run


def test_headline_numbers_are_those_of_the_predictions(seventeen):
    path, page = seventeen
    arrays = np.load(path / "predictions.npz")
    labels, logits = arrays["labels"], arrays["student"]
    right = logits.argmax(1) == labels
    macro = np.mean([right[labels == c].mean() for c in np.unique(labels)])
    top5 = np.mean(
        [c in row.argsort()[-5:] for c, row in zip(labels, logits, strict=True)]
    )
    for name, share in (
        ("Accuracy", right.mean()),
        ("Mean of the classes", macro),
        ("Top 5", top5),
    ):
        assert f"{name} {100 * share:.1f}% 95%: " in page.text
    # Wilson's interval, by its formula.
    n, p, z = len(right), right.mean(), 1.959964
    centre = (p + z * z / 2 / n) / (1 + z * z / n)
    half = z * np.sqrt(p * (1 - p) / n + (z / 2 / n) ** 2) / (1 + z * z / n)
    interval = f"{100 * (centre - half):.1f}–{100 * (centre + half):.1f}%"
    assert f"{100 * p:.1f}% 95%: {interval}" in page.text
    commonest = np.bincount(labels).max() / n
    assert re.search(
        rf"commonest class \(.*?\) {100 * commonest:.1f}%", page.text
    )


def test_agreement_with_each_teacher_is_counted(seventeen):
    path, page = seventeen
    arrays = np.load(path / "predictions.npz")
    labels = arrays["labels"]
    student = arrays["student"].argmax(1)
    for role in ("initial", "expert"):
        teacher = arrays[role].argmax(1)
        assert f"on {100 * (teacher == student).mean():.1f}%" in page.text
        right, its = student == labels, teacher == labels
        both, alone = (right & its).sum(), (right & ~its).sum()
        pattern = rf"Student right {both} \(\d+%\) {alone} \(\d+%\)"
        assert re.search(pattern, page.text)
        wrong = (~right & ~its).sum()
        same = (~right & (student == teacher)).sum()
        assert f"Of the {wrong} that both have wrong, {same} get" in page.text


def test_matrix_has_every_cell(seventeen):
    path, page = seventeen
    metrics = json.loads((path / "metrics.json").read_text())
    matrix = confusion_matrix(metrics["test"])
    source = (path / "report.html").read_text(encoding="utf-8")
    table = re.search(r'<table class="matrix">.*?</table>', source, re.DOTALL)
    rows = re.findall(r"<tr><th scope=\"row\">.*?</tr>", table[0])
    cells = [[int(c) for c in re.findall(r">(\d+)</td>", row)] for row in rows]
    expected = np.concatenate([matrix, matrix.sum(1, keepdims=True)], axis=1)
    np.testing.assert_array_equal(cells, expected)


def test_every_section_is_there(seventeen):
    path, page = seventeen
    sections = [attributes["id"] for attributes in page.all("section")]
    assert sections == (
        "classes mistakes confidence predictions attention teachers training "
        "cost data reproduce".split()
    )
    for link in page.all("a"):
        assert link["href"].removeprefix("#") in sections
    assert "python -m recipes.folder --data-dir paintings" in page.text
    assert "102 million" in page.text and "760 kB" in page.text
    assert "test images of the data set “paintings”" in page.text
    assert "Initial supervised" in page.text and "Awgram" in page.text
    # Six pictures, as seen and by three networks and four mappings.
    alts = [image["alt"] for image in page.all("img")]
    assert sum("teacher, max2" in alt for alt in alts) == 12
    assert all(alts)


@pytest.mark.parametrize(
    ("values", "last"),
    [
        ([3e-8, 0.0, 1.24e-8], "1.2 × 10⁻⁸"),
        ([0.2, 0.1, 0.043], "0.043"),
        ([0.0, 0.0], "0"),
        ([0.0], "0"),
    ],
)
def test_attention_of_exits_is_shown_beside_the_terms(tmp_path, values, last):
    run = write_run(
        tmp_path / "run",
        2,
        images=12,
        epochs=len(values),
        logged={"skdsam_spread": values, "skdsam": values},
    )
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        page = Page(render(run))
    assert "0 means that all exits counted the same" in page.text
    first = small_text(values[0])
    assert f"First epoch {first} Last epoch {last} " in page.text
    assert page.text.count("Attention spread, skdsam") == 1
    names = {*draw_run(read_run(run))}
    assert "spread-skdsam_spread" in names and "training-skdsam" in names
    # No term of the loss, though it is in the history.
    assert "Skdsam spread" not in page.text
    assert "training-skdsam_spread" not in names


def test_weights_of_exits_are_drawn_together(tmp_path):
    weights = {"skdsam_exit1_weight": [0.35, 0.4], "kd": [0.1, 0.1]}
    weights |= {"skdsam_exit2_weight": [0.33, 0.32]}
    weights |= {"skdsam_exit3_weight": [0.32, 0.28]}
    run = write_run(
        tmp_path / "run",
        2,
        images=12,
        epochs=2,
        logged={**weights, "skdsam_spread": [0.02, 0.07]},
    )
    drawn = draw_run(read_run(run))
    drawing = drawn["weights-skdsam"]
    assert "exit 3 0.3200 in the first epoch and 0.2800" in drawing.caption
    assert not [n for n in drawn if n.startswith("training-") and "exit" in n]
    (axes,) = drawing.figure.axes
    assert axes.get_ylabel() == "weight, mean of the images"
    assert [text.get_text() for text in axes.get_legend().texts] == [
        *("exit 1", "exit 2", "exit 3")
    ]
    page = Page(render(run))
    assert "Exit 1, last epoch 0.4000 Exit 2, last epoch 0.3200" in page.text
    assert "Possible 0.1554 to 0.5761" in page.text
    assert page.text.count("Weights of the exits, skdsam") == 1


def test_without_attention_of_exits_nothing_is_said(seventeen):
    path, page = seventeen
    assert "exits" not in page.text
    assert not [*(path / "figures").glob("spread-*")]
    assert not [*(path / "figures").glob("weights-*")]


def test_many_classes_are_told_by_the_worst(tmp_path, monkeypatch):
    # Of very many no matrix is drawn, or made.
    for module in (figures, predictions):
        monkeypatch.setattr(module, "DRAWN_CLASSES", 100)
    without = ("gallery", "attention.npz")
    path = write_run(tmp_path / "run", 125, without=without)
    drawn = draw_run(read_run(path))
    assert not {"confusion", "predictions"} & {*drawn}
    assert "predictions-means" in drawn
    page = draft(path)
    metrics = json.loads((path / "metrics.json").read_text())
    assert not any(t.get("class") == "matrix" for t in page.all("table"))
    matrix = confusion_matrix(metrics["test"])
    counts = matrix.sum(1)
    recall = np.diag(matrix) / np.maximum(counts, 1)
    recall[counts == 0] = 2
    worst = np.lexsort((-counts, recall))[0]
    name = metrics["class_names"][worst].replace("_", " ")
    first = page.text.index(f"{name} ({counts[worst]})")
    mistakes = matrix[worst].copy()
    mistakes[worst] = 0
    taken = metrics["class_names"][mistakes.argmax()].replace("_", " ")
    share = f"({100 * mistakes.max() / counts[worst]:.0f}%)"
    row = page.text[first : first + 200]
    assert f"{100 * recall[worst]:.0f}%" in row
    assert f"{taken} {share}" in row
    shown = (counts > 0).sum()
    assert f"The other {shown - 12} classes" in page.text


def test_names_are_only_text(tmp_path):
    page = Page(render(write_run(tmp_path / "run", names=HOSTILE_NAMES)))
    assert not page.all("script")
    assert all("onerror" not in image for image in page.all("img"))
    for name in HOSTILE_NAMES:
        assert " ".join(name.replace("_", " ").split()) in page.text
    assert "<b>the same</b> as another" in page.text


@pytest.mark.parametrize(
    "missing, says",
    [
        (("predictions.npz",), "kept no predictions.npz"),
        (("gallery",), "kept no pictures"),
        (("attention.npz",), ""),
        (("versions.json", "command.txt"), "kept no command.txt"),
    ],
)
def test_older_runs_have_a_report_too(tmp_path, missing, says):
    run = write_run(tmp_path / "run", 2, images=20, without=missing)
    page = draft(run)
    assert says in page.text
    assert "Telling 2 classes of images apart" in page.text
    assert "Top 5" not in page.text


def test_a_run_without_teachers_or_networks(tmp_path):
    run = write_run(tmp_path / "run", 6, teachers=(), epochs=1)
    metrics = json.loads((run / "metrics.json").read_text())
    del metrics["networks"], metrics["exports"]
    (run / "metrics.json").write_text(json.dumps(metrics))
    page = draft(run)
    assert "Agreement is" not in page.text
    assert "1 epoch by the method" in page.text
    assert "703,217" in page.text


def test_networks_have_a_file_size_where_it_is_known(seventeen, tmp_path):
    _, page = seventeen
    assert "wrn_16_2 703,217 102 million 2.8 MB 12.3 ms" in page.text
    assert "wrn_40_2 2.25 million 102 million 9.2 MB 12.3 ms" in page.text
    run = write_run(tmp_path / "run", 2, images=12)
    metrics = read_json(run / "metrics.json")
    for network in metrics["networks"]:
        del network["size_bytes"]
    write_json(run / "metrics.json", metrics)
    page = draft(run)
    assert "wrn_16_2 703,217 102 million – 12.3 ms" in page.text


@pytest.mark.parametrize("images", [1, 3, 9])
def test_few_images_have_no_narrow_intervals(tmp_path, images):
    page = draft(write_run(tmp_path / "run", 3, images=images))
    assert "no interval: too few test images of some classes" in page.text
    assert "no interval: too few test images how far" in page.text
    for width in re.findall(r"95%: ([\d.]+)–([\d.]+)%", page.text):
        assert float(width[1]) - float(width[0]) > 25
    assert "it is as sure as it should be" not in page.text


def test_few_images_do_not_tell_how_sure_it_should_be(tmp_path):
    few, many = (
        draft(write_run(tmp_path / str(images), 3, images=images, seed=1)).text
        for images in (9, 60)
    )
    assert "; 9 test images are too few to tell whether it is too sure" in few
    assert ": it is as sure as it should be, as far as so many" in many
    assert "no interval" in few and "no interval" not in many


def test_a_perfect_network_has_no_mistakes(tmp_path):
    page = draft(write_run(tmp_path / "run", 3, skill=100))
    assert "Accuracy 100.0%" in page.text
    assert "taken for" not in page.text.replace("often taken for", "")


def test_pseudo_labels_are_told(seventeen, tmp_path):
    assert "without labels" not in seventeen[1].text
    run = write_run(tmp_path / "run", 2, images=12)
    metrics = read_json(run / "metrics.json")
    known = {
        "images": 1200,
        "used": 1000,
        "corrected": 0,
        "confidence": 0.8123,
        "known": 0,
        "right": 0,
    }

    def text(**changes):
        metrics["pseudo_labels"] = known | changes
        write_json(run / "metrics.json", metrics)
        return draft(run).text

    plain = text()
    assert "1,000 of 1,200 images without labels" in plain
    assert "on average 81.2% sure of its answer. They are in" in plain
    whole = text(corrected=20, known=400, right=300)
    assert "; a person labelled 20 of them. The true labels of 400" in whole
    assert "75.0% were learned rightly" in whole
    with pytest.raises(ValueError, match="its used is 'many'"):
        text(used="many")


def test_no_text_turns_what_stands_after_it(tmp_path):
    """Marks of direction, in the names of classes and elsewhere."""
    names = ["\u200fעברית", "a\u2067b\u2069", "c"]
    folder = write_run(tmp_path / "run", 3, names=names)
    assert read_json(folder / "data.json")["class_names"] == names
    config = read_json(folder / "config.json")
    write_json(folder / "config.json", {**config, "workdir": "a\u202eb\u2066c"})
    page = draft(folder)
    assert "abc" in page.text and "עברית" in page.text
    assert not TURNS & set(page.text)
