"""Runs that learn from images without labels, from folder to report."""

import dataclasses
import importlib
import shlex

import numpy as np
import pytest
from keras_tuner.errors import FailedTrialError
from PIL import Image

from keras_artkd import models
from keras_artkd.datasets.records import content_digest
from keras_artkd.files import read_json, write_json
from keras_artkd.image_store import NO_LABEL
from keras_artkd.pseudo_labels import NothingToLearn
from keras_artkd.training import Checkpoint
from recipes.common import find_expert, load_data, run
from recipes.config import Config
from recipes.flags import parse_flags
from recipes.pseudo_labelling import FILE, teach
from recipes.search import search
from recipes.searching.report import _recipe
from recipes.searching.settings import Settings
from recipes.searching.tuner import _train_trial
from tests.tables import read_table, write_table


def colours(count, seed):
    """Noise, a third of it of each of three colours, and which that is."""
    rng = np.random.default_rng(seed)
    labels = np.arange(count) % 3
    images = rng.integers(0, 120, (count, 16, 16, 3))
    images[np.arange(count), :, :, labels] += 100
    return images.astype("uint8"), labels


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    """Arrays, a folder of images without labels, and an expert's run."""
    root = tmp_path_factory.mktemp("pseudo_labels")
    train, test = colours(72, 0), colours(18, 1)
    np.savez(
        root / "colours.npz",
        x_train=train[0],
        y_train=train[1],
        x_test=test[0],
        y_test=test[1],
        class_names=["red", "green", "blue"],
    )
    (root / "others" / "deep").mkdir(parents=True)
    for number, image in enumerate(colours(6, 2)[0]):
        Image.fromarray(image).save(root / "others" / "deep" / f"{number}.png")
    # A test picture, under another name.
    Image.fromarray(test[0][4]).save(root / "others" / "mine.png")
    return root


def config(place, workdir=None, **changes):
    default = importlib.import_module("recipes.npz").CONFIG
    settings = {
        "data_dir": str(place / "colours.npz"),
        "workdir": str(workdir or place / "runs"),
        "unlabelled": 0.8,
        "method": "pseudo_soft",
        "student": "wrn_10_1",
        "initial": "wrn_10_1",
        "expert_network": "wrn_10_1",
        "image_size": 16,
        "batch_size": 8,
        "epochs": 2,
        "expert_epochs": 1,
    }
    return dataclasses.replace(default, **{**settings, **changes})


@pytest.fixture(scope="module")
def data(place):
    return load_data(config(place))


@pytest.fixture(scope="module")
def expert(place, data):
    """Path of an expert that learned nothing yet, but answers."""
    path = place / "expert.keras"
    models.build("wrn_10_1", 3, (16, 16, 3)).save(path)
    return str(path)


def weights(run_dir):
    """All that a training is, but how long it took."""
    with np.load(run_dir / "checkpoint.npz") as state:
        return {k: state[k] for k in state.files if k != "meta"}


def assert_same(first, second):
    assert set(first) == set(second)
    for name, value in first.items():
        np.testing.assert_array_equal(value, second[name], err_msg=name)


@pytest.mark.slow
def test_from_expert_to_report(place, tmp_path):
    """With collaborative teaching, a share and a folder besides."""
    config_ = config(
        place,
        tmp_path,
        method="pseudo_soft+collaborative",
        unlabelled_dir=str(place / "others"),
        epochs=1,
    )
    metrics = run(config_)
    run_dir = config_.run_dir
    known = metrics["pseudo_labels"]
    described = read_json(run_dir / "data.json")
    assert len(described["splits"]["unlabelled"]) == known["images"]
    assert known["used"] == known["images"] == known["known"] + 6
    assert len(read_table(run_dir / FILE)) == known["images"]
    reasons = {item["key"]: item["reason"] for item in described["skipped"]}
    assert "test" in reasons["unlabelled/mine.png"]
    assert metrics["expert"]["name"] == "wrn_10_1" and "initial" in metrics
    assert "images without labels" in (run_dir / "report.html").read_text()
    assert "images without labels" in (run_dir / "MODEL_CARD.md").read_text()
    # The expert is that of a student of the labels alone.
    of_expert = config_.expert_config()
    alone = config(place, tmp_path, method="kd").expert_config()
    assert of_expert.run_dir == alone.run_dir
    described = read_json(of_expert.run_dir / "data.json")
    assert "unlabelled" not in described["splits"]
    assert "unlabelled_dir" not in described["load"]


def test_what_is_learned_is_in_no_other_split(place, expert):
    """By content, of the share and of the folder."""
    config_ = config(place, unlabelled_dir=str(place / "others"))
    data = load_data(config_)
    taught, labels = teach(config_, data, expert)
    learned = {
        content_digest(taught.train.image(i)) for i in range(len(taught.train))
    }
    assert len(learned) == len(data.train) + len(labels)
    for split in ("validation", "test"):
        store = getattr(taught, split)
        assert store is getattr(data, split)
        held_out = {content_digest(store.image(i)) for i in range(len(store))}
        assert not learned & held_out


def test_hidden_labels_are_looked_at_by_nobody(place, data, expert):
    wrong = (data.hidden_labels + 1) % 3
    others = dataclasses.replace(data, hidden_labels=wrong)
    for method in ("pseudo_hard", "equation"):
        config_ = config(place, method=method)
        first, labels = teach(config_, data, expert)
        second, same = teach(config_, others, expert)
        assert labels.fingerprint() == same.fingerprint()
        for field in dataclasses.fields(first.train):
            np.testing.assert_array_equal(
                getattr(first.train, field.name),
                getattr(second.train, field.name),
            )
        # Only what is said of them changes.
        said = labels.labels
        assert labels.measure(said)["right"] == len(said)
        assert labels.measure((said + 1) % 3)["right"] == 0


def test_methods_of_labels_see_those_that_are_left(place, data):
    taught, labels = teach(config(place, method="kd"), data, None)
    assert taught is data and labels is None
    assert NO_LABEL not in data.train.labels


@pytest.mark.slow
def test_look_correct_and_learn(
    place, expert, short_runs, tmp_path, capsys, monkeypatch
):
    """As a person would; interrupted, it goes on to the same weights."""
    first = config(place, tmp_path, expert=expert, labels_only=True)
    known = run(first)
    path = first.run_dir / FILE
    assert known["used"] == known["images"] and known["corrected"] == 0
    assert not (first.run_dir / "checkpoint.npz").exists()
    command = capsys.readouterr().out.partition("then: ")[2].split("\n")[0]

    rows = read_table(path)
    names = ["red", "green", "blue"]
    rows[0]["label"] = names[(names.index(rows[0]["label"]) + 1) % 3]
    rows[1]["used"] = "no"
    write_table(path, rows)
    # Where it lies it is not written over, nor learned from unasked.
    with pytest.raises(ValueError, match="was changed.*--pseudo-labels"):
        run(dataclasses.replace(first, labels_only=False))

    flags = shlex.split(command)[3:]
    default = importlib.import_module("recipes.npz").CONFIG
    corrected = parse_flags(Config, default, "", flags)
    assert corrected.run_dir != first.run_dir
    metrics = run(corrected)
    assert metrics["pseudo_labels"]["corrected"] == 1
    assert metrics["pseudo_labels"]["used"] == known["used"] - 1

    # Again elsewhere, killed after an epoch.
    again = dataclasses.replace(corrected, workdir=str(tmp_path / "again"))
    assert again.run_dir.name == corrected.run_dir.name

    def killed(self, epoch, logs=None):
        written(self, epoch, logs)
        raise KeyboardInterrupt

    written = Checkpoint.on_epoch_end
    with monkeypatch.context() as patched:
        patched.setattr(Checkpoint, "on_epoch_end", killed)
        with pytest.raises(KeyboardInterrupt):
            run(again)
    own = again.run_dir / FILE
    kept = own.read_text(encoding="utf-8")
    again = dataclasses.replace(again, resume=True)
    rows = read_table(own)
    write_table(own, [{**rows[0], "used": "no"}, *rows[1:]])
    with pytest.raises(ValueError, match="began with.*which was changed"):
        run(again)
    own.unlink()
    with pytest.raises(ValueError, match="began with. Received: no .*csv"):
        run(again)
    # The order of its lines is of no account.
    write_table(own, rows[::-1])
    assert own.read_text(encoding="utf-8") != kept
    assert run(again)["pseudo_labels"] == metrics["pseudo_labels"]
    assert_same(weights(again.run_dir), weights(corrected.run_dir))


def test_thresholds(place, data, expert):
    sure = np.sort(teach(config(place), data, expert)[1].confidence)
    some = config(place, options={"threshold": float(sure[3])})
    taught, labels = teach(some, data, expert)
    assert labels.used.sum() == len(labels) - 3
    assert len(taught.train) == len(data.train) + len(labels) - 3
    none = config(place, options={"threshold": 1.0})
    with pytest.raises(NothingToLearn, match=f"confidences is {sure[-1]:.4f}"):
        teach(none, data, expert)
    # A search goes on with the next trial.
    with pytest.raises(FailedTrialError, match="threshold=1"):
        _train_trial(none, data, expert, place)


def test_labelled_images_alone(place, expert):
    config_ = config(place, unlabelled=0.0, method="equation")
    data = load_data(config_)
    taught, labels = teach(config_, data, expert)
    assert labels is None and len(taught.train) == len(data.train)
    np.testing.assert_allclose(taught.train.targets.sum(1), 2, rtol=1e-5)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"unlabelled": 0.0}, "needs images without labels.*--unlabelled-dir"),
        (
            {"unlabelled": 0.0, "method": "mixed", "labels_only": True},
            "needs images without labels",
        ),
        ({"method": "kd", "labels_only": True}, "pseudo_hard.*method='kd'"),
        ({"pseudo_labels": "nowhere.csv"}, "can be read.*nowhere.csv"),
        ({"unlabelled_dir": "nowhere"}, "nowhere.*does not exist"),
    ],
)
def test_mistakes_come_before_the_expert(changes, message, place, tmp_path):
    with pytest.raises(ValueError, match=message):
        run(config(place, tmp_path, **changes))
    assert not list(tmp_path.iterdir())


def test_a_bad_table_comes_before_the_expert(place, tmp_path):
    path = tmp_path / "p.csv"
    path.write_text("image,label,confidence,used\nnobody.jpg,red,1,yes\n")
    config_ = config(place, tmp_path / "runs", pseudo_labels=str(path))
    with pytest.raises(ValueError, match="line 2: 'nobody.jpg' is none of"):
        run(config_)
    assert not (tmp_path / "runs").exists()


def test_searches_train_students(place, tmp_path):
    with pytest.raises(ValueError, match="A search trains.*--labels-only"):
        search(
            Settings(recipe="npz"), config(place, tmp_path, labels_only=True)
        )


def test_an_expert_that_knows_the_hidden_labels(place, data, tmp_path):
    """From a run of all the labels; it may know the others."""
    path = tmp_path / "student.keras"
    models.build("wrn_10_1", 3, (16, 16, 3)).save(path)
    given = config(place, expert=str(path))
    known = {
        "name": data.name,
        "class_names": data.class_names,
        "splits": {
            "train": data.train.keys.tolist(),
            "validation": data.validation.keys.tolist(),
            "unlabelled": data.unlabelled.keys.tolist(),
        },
    }
    write_json(tmp_path / "data.json", known)
    assert find_expert(given, data) == path
    told = known["splits"].pop("unlabelled")
    known["splits"]["train"] += told[:2]
    write_json(tmp_path / "data.json", known)
    with pytest.raises(ValueError, match="not know the labels that are hidden"):
        find_expert(given, data)


def test_what_decides_a_run(place, tmp_path):
    first = config(place)
    path = tmp_path / "p.csv"
    path.write_text("image,label,confidence,used\n")
    by_file = dataclasses.replace(first, pseudo_labels=str(path))
    folders = {
        first.run_dir,
        by_file.run_dir,
        config(place, unlabelled=0.7).run_dir,
        config(place, unlabelled_dir="x").run_dir,
        config(place, stem="small").run_dir,
        config(place, crop_and_mirror=False).run_dir,
    }
    assert len(folders) == 6
    # By content, not by name, as it was when the run began.
    copy = tmp_path / "copy.csv"
    copy.write_text(path.read_text())
    moved = dataclasses.replace(first, pseudo_labels=str(copy))
    assert moved.run_dir == by_file.run_dir
    path.write_text("image,label,confidence,used\nx,y,1,yes\n")
    assert moved.run_dir == by_file.run_dir
    assert dataclasses.replace(by_file).run_dir != by_file.run_dir
    labelled = dataclasses.replace(first, labels_only=True)
    assert labelled.run_dir == first.run_dir
    # What a method of labels does not read makes no other run of it.
    baseline = config(place, method="baseline")
    for field, value in (
        ("unlabelled_dir", "x"),
        ("pseudo_labels", "nowhere.csv"),
    ):
        other = dataclasses.replace(baseline, **{field: value})
        assert other.run_dir == baseline.run_dir
        assert other.load_arguments() == baseline.load_arguments()


def test_the_best_of_a_search_runs_from_any_folder(
    place, tmp_path, monkeypatch
):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "p.csv").write_text("x")
    config_ = config(place, unlabelled_dir="o", pseudo_labels="p.csv")
    settings = {"learning_rate": 0.1, "threshold": 0.2, "temperature": 2.0}
    best = {
        "trial": "0",
        "settings": settings,
        "val_accuracy": 0.5,
        "best_epoch": 1,
        "epochs": 1,
    }
    written = _recipe(config_, best, 1, 9)
    for name in ("o", "p.csv"):
        assert repr(str(tmp_path / name)) in written
    assert "unlabelled=0.8," in written


def test_the_command_gives_it_again(place, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "p.csv").write_text("x")
    config_ = config(
        place,
        unlabelled_dir="others",
        pseudo_labels="p.csv",
        labels_only=True,
        stem="imagenet",
        crop_and_mirror=False,
        options={"threshold": 0.5},
    )
    words = shlex.split(config_.command())[3:]
    assert words[words.index("--pseudo-labels") + 1] == str(tmp_path / "p.csv")
    default = importlib.import_module("recipes.npz").CONFIG
    again = parse_flags(Config, default, "", words)
    assert again.identity() == config_.identity()
    assert again.labels_only and again.unlabelled == 0.8


# As the version without unlabelled images had them.
BEFORE = {
    ("atelier", "baseline"): "baseline-wrn_16_2-seed0-65a8ee",
    ("demo", "collaborative"): "collaborative-wrn_10_1-seed0-3031b0",
    ("cifar100", "kd+rkd"): "kd+rkd-wrn_16_2-seed0-e48d9a",
    ("cub200", "skdsam"): "skdsam-resnet18-seed0-f345fd",
}


@pytest.mark.parametrize(("recipe", "method"), BEFORE)
def test_runs_of_before_keep_their_folders(recipe, method):
    default = importlib.import_module(f"recipes.{recipe}").CONFIG
    name = dataclasses.replace(default, method=method).run_dir.name
    assert name == BEFORE[recipe, method]
