import io
import json
import shutil
import zipfile

import numpy as np
import pytest
from PIL import Image

from keras_artkd.files import read_json, write_json
from keras_artkd.report import write_comparison, write_report
from keras_artkd.report.run import read_run
from tests.report.runs import write_run


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    return write_run(tmp_path_factory.mktemp("runs") / "run", 3)


@pytest.fixture
def run_dir(finished, tmp_path):
    return shutil.copytree(finished, tmp_path / "run")


def test_reads_what_there_is(run_dir):
    run = read_run(run_dir)
    assert run.teachers == ["initial", "expert"]
    assert [*run.logits] == ["student", "initial", "expert"]
    assert run.correct().mean() == run.metrics["test"]["accuracy"]
    assert [*run.attention.maps["expert"]] == ["sum", "sum2", "sum4", "max2"]
    assert run.command.startswith("python -m recipes.folder")
    assert all(path.is_file() for path in run.gallery.values())


@pytest.mark.parametrize(
    "name", ["config.json", "data.json", "history.json", "metrics.json"]
)
def test_names_the_file_that_is_missing(run_dir, name):
    (run_dir / name).unlink()
    with pytest.raises(ValueError, match=name.replace(".", r"\.")) as error:
        read_run(run_dir)
    assert "Fix: " in str(error.value)
    assert str(run_dir) in str(error.value)


def test_says_how_to_finish_an_unfinished_run(run_dir):
    (run_dir / "metrics.json").unlink()
    with pytest.raises(ValueError, match="not finished.*--resume"):
        read_run(run_dir)


def test_rejects_what_is_no_run(tmp_path):
    with pytest.raises(ValueError, match="has no config.json"):
        read_run(tmp_path)
    with pytest.raises(ValueError, match="which is not a folder"):
        read_run(tmp_path / "nowhere")


@pytest.mark.parametrize(
    "name, content, reason",
    [
        ("metrics.json", "{", "not JSON"),
        ("metrics.json", "[]", "not a JSON object"),
        ("metrics.json", "{}", "lacks parameters"),
        ("config.json", "\xff", "not JSON"),
        ("versions.json", "nothing", "not JSON"),
        ("predictions.npz", "PK half a file", "damaged"),
        ("predictions.npz", "", "damaged"),
        ("attention.npz", "text", "damaged"),
    ],
)
def test_names_the_file_that_is_damaged(run_dir, name, content, reason):
    (run_dir / name).write_text(content, encoding="latin-1")
    with pytest.raises(ValueError, match=reason) as error:
        write_report(run_dir)
    assert name in str(error.value)
    assert not (run_dir / "report.html").exists()
    assert not (run_dir / "figures").exists()


def test_rejects_metrics_of_other_classes(run_dir):
    data = json.loads((run_dir / "data.json").read_text())
    data["class_names"].append("one more")
    (run_dir / "data.json").write_text(json.dumps(data))
    with pytest.raises(ValueError, match="classes are not those of data.json"):
        read_run(run_dir)
    metrics = json.loads((run_dir / "metrics.json").read_text())
    del metrics["test"]["per_class"]
    (run_dir / "metrics.json").write_text(json.dumps(metrics))
    with pytest.raises(ValueError, match="its test lacks per_class"):
        read_run(run_dir)


def test_rejects_predictions_of_another_run(run_dir):
    file = run_dir / "predictions.npz"
    arrays = dict(np.load(file))
    np.savez(file, **{**arrays, "student": arrays["student"][::-1]})
    with pytest.raises(ValueError, match="not those of metrics.json"):
        read_run(run_dir)
    np.savez(file, **{**arrays, "expert": arrays["expert"][:-1]})
    with pytest.raises(ValueError, match="predictions.npz"):
        read_run(run_dir)


def test_answers_over_rotations_are_no_network(run_dir):
    write_report(run_dir)
    page = (run_dir / "report.html").read_bytes()
    file = run_dir / "predictions.npz"
    arrays = dict(np.load(file))
    np.savez(file, **arrays, rotations=arrays["expert"])
    assert [*read_run(run_dir).logits] == ["student", "initial", "expert"]
    write_report(run_dir)
    assert (run_dir / "report.html").read_bytes() == page


def test_rejects_attention_of_other_images(run_dir):
    file = run_dir / "attention.npz"
    arrays = dict(np.load(file))
    np.savez(file, **{**arrays, "rows": arrays["rows"] + 10_000})
    with pytest.raises(ValueError, match="attention.npz"):
        read_run(run_dir)


@pytest.mark.parametrize(
    ("name", "change"),
    [
        ("metrics.json", lambda m: m.update(test=[1])),
        ("metrics.json", lambda m: m["test"].pop("accuracy")),
        ("metrics.json", lambda m: m["networks"][0].pop("role")),
        ("metrics.json", lambda m: m["test"].update(per_class=[{}])),
        ("data.json", lambda d: d["splits"].pop("test")),
    ],
)
def test_what_is_not_as_written_is_one_error(run_dir, name, change):
    content = read_json(run_dir / name)
    change(content)
    write_json(run_dir / name, content)
    before = sorted(run_dir.rglob("*"))
    with pytest.raises(ValueError, match="Fix: ") as error:
        write_report(run_dir)
    assert str(run_dir) in str(error.value)
    assert "\n" not in str(error.value)
    assert sorted(run_dir.rglob("*")) == before


# None of these can be what a recipe writes; bool is an int to Python.
WRONG = (None, True, 7, -1.5, "text", [], [None], {}, {"a": {}})
PLACES = {
    "config.json": ("method", "student", "seed", "image_size"),
    "data.json": ("class_names", "splits", "skipped"),
    "history.json": ("loss", "accuracy"),
    "metrics.json": (
        "test",
        "test.accuracy",
        "test.macro_accuracy",
        "test.num_examples",
        "test.per_class",
        "test.confusions",
        "parameters",
        "best_epoch",
        "networks",
        "exports",
        "expert.test_accuracy",
    ),
}
# What is as it may be, or says so little that nothing can be wrong with it.
RIGHT = [
    ("method", "text"),
    ("student", "text"),
    ("seed", 7),
    ("image_size", 7),
    ("skipped", []),
    ("loss", []),
    ("accuracy", None),
    ("accuracy", []),
    ("accuracy", {}),
    ("parameters", 7),
    ("best_epoch", 7),
    ("networks", []),
    ("exports", {}),
]


def wrong_values():
    for name, places in PLACES.items():
        for place in places:
            for value in WRONG:
                if (place, value) not in RIGHT:
                    yield pytest.param(name, place, value)
    for name in (*PLACES, "versions.json"):
        for value in (None, True, 7, "text", []):
            yield pytest.param(name, "", value)


def put(path, place, value):
    content = read_json(path)
    inner, *keys = content, *place.split(".")
    for key in keys[:-1]:
        inner = inner[key]
    inner[keys[-1]] = value
    write_json(path, content if place else value)


@pytest.fixture(scope="module")
def small(tmp_path_factory):
    folder = tmp_path_factory.mktemp("small")
    without = ("gallery", "attention.npz")
    return write_run(folder / "run", 2, images=12, epochs=2, without=without)


@pytest.mark.parametrize(("name", "place", "value"), [*wrong_values()])
def test_a_wrong_value_is_one_error(small, tmp_path, name, place, value):
    run = shutil.copytree(small, tmp_path / "run")
    put(run / name, place, value)
    before = sorted(run.rglob("*"))
    with pytest.raises(ValueError, match="Fix: ") as error:
        write_report(run)
    assert str(run) in str(error.value)
    assert "\n" not in str(error.value)
    assert sorted(run.rglob("*")) == before


@pytest.mark.parametrize(
    ("place", "value"),
    [
        ("class_names", None),
        ("class_names", 7),
        ("splits", None),
    ],
)
def test_a_comparison_names_the_run_that_is_damaged(
    small, tmp_path, place, value
):
    run = shutil.copytree(small, tmp_path / "damaged")
    put(run / "data.json", place, value)
    with pytest.raises(ValueError, match="Fix: ") as error:
        write_comparison([small, run], tmp_path / "both.html")
    assert str(run) in str(error.value) and str(small) not in str(error.value)
    assert [p.name for p in tmp_path.iterdir()] == ["damaged"]


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("command.txt", b"python -m recipes \xff"),
        ("versions.json", b"\xff"),
        ("config.json", b"[" * 100_000),
    ],
)
def test_bytes_that_are_no_text_are_one_error(small, tmp_path, name, content):
    run = shutil.copytree(small, tmp_path / "run")
    (run / name).write_bytes(content)
    with pytest.raises(ValueError, match="Fix: ") as error:
        write_report(run)
    assert str(run / name) in str(error.value)


def test_letters_that_are_none_are_one_error(small, tmp_path):
    run = shutil.copytree(small, tmp_path / "run")
    data = json.loads((run / "data.json").read_text())
    data["class_names"] = ["\ud800", "b"]
    (run / "data.json").write_text(json.dumps(data))
    with pytest.raises(ValueError, match="Fix: ") as error:
        write_report(run)
    assert str(run) in str(error.value)


def test_a_picture_that_is_cut_off_is_named(run_dir):
    arrays = np.load(run_dir / "predictions.npz")
    wrong = arrays["student"].argmax(1) != arrays["labels"]
    for row in np.flatnonzero(wrong):
        file = run_dir / "gallery" / f"{row}.jpg"
        if file.exists():
            file.write_bytes(file.read_bytes()[:500])
    with pytest.raises(ValueError, match=r"gallery/\d+\.jpg.*Fix: "):
        write_report(run_dir)


def test_a_picture_that_claims_to_be_huge_is_named(run_dir):
    """Pillow's error for it is none of those of damaged files."""
    huge = io.BytesIO()
    Image.new("1", (20_000, 20_000)).save(huge, "PNG")
    for file in (run_dir / "gallery").iterdir():
        file.write_bytes(huge.getvalue())
    with pytest.raises(ValueError, match=r"gallery/\d+\.jpg.*too large.*Fix: "):
        write_report(run_dir)


def test_an_array_that_claims_to_be_huge_is_named(run_dir):
    path = run_dir / "attention.npz"
    with zipfile.ZipFile(path) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    name = "student/sum.npy"
    start = members[name].index(b"(")
    end = members[name].index(b")")
    claim = b"(6,90000,90000".ljust(end - start)
    members[name] = members[name][:start] + claim + members[name][end:]
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    with pytest.raises(ValueError, match="attention.npz.*are there.*Fix: "):
        write_report(run_dir)


@pytest.mark.parametrize("share", [0.5, 1])
def test_a_gallery_that_lost_pictures(run_dir, share):
    files = sorted((run_dir / "gallery").iterdir())
    for file in files[: int(share * len(files))]:
        file.unlink()
    page = write_report(run_dir).read_text(encoding="utf-8")
    assert ("kept no pictures in gallery/" in page) == (share == 1)
