"""Runs that learn from images without labels, from folder to report."""

import dataclasses
import shlex

import numpy as np
import pytest
from PIL import Image

from keras_artkd import models
from keras_artkd.cli.train import parse_plan
from keras_artkd.data.store import NO_LABEL
from keras_artkd.datasets.records import content_digest
from keras_artkd.label.pictures import Pictures
from keras_artkd.label.session import NONE, Session
from keras_artkd.report import write_report
from keras_artkd.runs.checkpoint import Checkpoint
from keras_artkd.runs.labelling import teach
from keras_artkd.runs.plan import resolve
from keras_artkd.runs.pseudo_labels import NothingToLearn
from keras_artkd.runs.runner import load_data, run
from tests.runs.settings import small_plan
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
    """Arrays, and a folder of images without labels."""
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


def plan(place, workdir=None, **changes):
    settings = {
        "data_dir": str(place / "colours.npz"),
        "workdir": str(workdir or place / "runs"),
        "unlabelled": 0.8,
        "method": "pseudo_soft",
    }
    return small_plan("npz", **{**settings, **changes})


@pytest.fixture(scope="module")
def data(place):
    return load_data(plan(place))


@pytest.fixture(scope="module")
def expert(place):
    """Path of an expert that learned nothing yet, but answers."""
    path = place / "expert.keras"
    models.build("wrn_10_1", 3, (16, 16, 3)).save(path)
    return str(path)


def assert_same_training(first, second):
    """All of it is the same, but how long it took."""
    with np.load(first.checkpoint) as one, np.load(second.checkpoint) as two:
        assert {*one.files} == {*two.files}
        for name in {*one.files} - {"meta"}:
            np.testing.assert_array_equal(one[name], two[name], err_msg=name)


def test_from_expert_to_report(place, short_runs, tmp_path):
    """With collaborative teaching, a share and a folder in addition."""
    whole = plan(
        place,
        tmp_path,
        method="pseudo_soft+collaborative",
        unlabelled_dir=str(place / "others"),
    )
    metrics = run(whole)
    folder, known = whole.folder, metrics["pseudo_labels"]
    described = folder.data
    assert len(described["splits"]["unlabelled"]) == known["images"]
    assert known["used"] == known["images"] == known["known"] + 6
    assert len(read_table(folder.pseudo_labels)) == known["images"]
    reasons = {item["key"]: item["reason"] for item in described["skipped"]}
    assert "test" in reasons["unlabelled/mine.png"]
    assert metrics["expert"]["name"] == "wrn_10_1" and "initial" in metrics
    write_report(folder.path)
    for page in (folder.report, folder.card):
        assert "images without labels" in page.read_text(encoding="utf-8")
    # The expert is that of a student of the labels alone.
    alone = plan(place, tmp_path, method="kd")
    assert whole.expert.folder == alone.expert.folder
    described = whole.expert.folder.data
    assert "unlabelled" not in described["splits"]
    assert "unlabelled_dir" not in described["load"]


def test_what_is_learned_is_in_no_other_split(place, expert):
    """By content, of the share and of the folder."""
    both = plan(place, unlabelled_dir=str(place / "others"))
    data = load_data(both)
    taught, labels = teach(both, data, expert)
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
        each = plan(place, method=method)
        first, labels = teach(each, data, expert)
        second, same = teach(each, others, expert)
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
    taught, labels = teach(plan(place, method="kd"), data, None)
    assert taught is data and labels is None
    assert NO_LABEL not in data.train.labels


def test_labelled_images_alone(place, expert):
    alone = plan(place, unlabelled=0.0, method="equation")
    data = load_data(alone)
    taught, labels = teach(alone, data, expert)
    assert labels is None and len(taught.train) == len(data.train)
    np.testing.assert_allclose(taught.train.targets.sum(1), 2, rtol=1e-5)


def test_thresholds(place, data, expert):
    confidence = np.sort(teach(plan(place), data, expert)[1].confidence)
    # Between two of them, so that rounding does not decide.
    threshold = float(confidence[2:4].mean())
    some = plan(place, options={"threshold": threshold})
    taught, labels = teach(some, data, expert)
    assert labels.used.sum() == len(labels) - 3
    assert len(taught.train) == len(data.train) + len(labels) - 3
    none = plan(place, options={"threshold": 1.0})
    with pytest.raises(NothingToLearn, match="confidences is 0"):
        teach(none, data, expert)


def test_labels_only(place, expert, tmp_path, capsys):
    first = plan(place, tmp_path, expert=expert, labels_only=True)
    known = run(first)
    assert known["used"] == known["images"] and known["corrected"] == 0
    assert not first.folder.checkpoint.exists()
    # Again it is the same, and not written over.
    written = first.folder.pseudo_labels.stat().st_mtime_ns
    assert run(first) == known
    assert first.folder.pseudo_labels.stat().st_mtime_ns == written
    assert str(first.folder.pseudo_labels) in capsys.readouterr().out


def test_what_is_said_on_the_page_is_learned(place, data, expert, tmp_path):
    """A guess confirmed is a label; what is none of the classes is left out."""
    first = plan(place, tmp_path, expert=expert, labels_only=True)
    known = run(first)
    session = Session(first.folder)
    pictures = Pictures(session.load, session.images)
    confirmed, none = (row["image"] for row in table_of(first)[:2])
    asked = session.state()["picture"]
    assert pictures.read(session.images[asked["number"]])[:2] == b"\xff\xd8"
    likeliest = asked["guesses"][0]["class"]
    session.answer(asked["number"], likeliest)
    session.answer(session.state()["picture"]["number"], NONE)
    learning = plan(
        place, expert=expert, pseudo_labels=str(first.folder.pseudo_labels)
    )
    taught, labels = teach(learning, data, expert)
    assert labels.corrected.sum() == 2
    assert labels.measure()["corrected"] == 1
    assert labels.measure()["used"] == known["used"] - 1
    keys = taught.train.keys.tolist()
    assert none not in keys
    np.testing.assert_array_equal(
        taught.train.targets[keys.index(confirmed)], np.eye(3)[likeliest]
    )


def table_of(plan):
    return read_table(plan.folder.pseudo_labels)


def test_look_correct_and_learn(place, expert, short_runs, tmp_path, capsys):
    """As a person would."""
    correct_and_learn(place, expert, tmp_path, capsys)


def correct_and_learn(place, expert, tmp_path, capsys):
    """The plan that learns from a corrected table, and its metrics."""
    first = plan(place, tmp_path, expert=expert, labels_only=True, epochs=2)
    known = run(first)
    command = capsys.readouterr().out.partition("then: ")[2].split("\n")[0]
    rows = read_table(first.folder.pseudo_labels)
    names = ["red", "green", "blue"]
    rows[0]["label"] = names[(names.index(rows[0]["label"]) + 1) % 3]
    rows[1]["used"] = "no"
    write_table(first.folder.pseudo_labels, rows)
    # Where it lies it is not written over, nor learned from unasked.
    with pytest.raises(ValueError, match="was changed.*--pseudo-labels"):
        run(resolve(first.config.replace(labels_only=False)))

    whole = parse_plan(shlex.split(command)[2:])
    assert whole.folder != first.folder
    metrics = run(whole)
    assert metrics["pseudo_labels"]["corrected"] == 1
    assert metrics["pseudo_labels"]["used"] == known["used"] - 1
    return whole, metrics


@pytest.mark.exhaustive
def test_interrupted_it_resumes_with_the_table_it_began_with(
    place, expert, short_runs, tmp_path, capsys, monkeypatch
):
    whole, metrics = correct_and_learn(place, expert, tmp_path, capsys)
    # Again elsewhere, killed after an epoch.
    config = whole.config.replace(workdir=str(tmp_path / "again"))
    killed = resolve(config)
    assert killed.folder.name == whole.folder.name

    def kill(self, epoch, logs=None):
        written(self, epoch, logs)
        raise KeyboardInterrupt

    written = Checkpoint.on_epoch_end
    with monkeypatch.context() as patched, pytest.raises(KeyboardInterrupt):
        patched.setattr(Checkpoint, "on_epoch_end", kill)
        run(killed)
    table = killed.folder.pseudo_labels
    rows = read_table(table)
    resumed = resolve(config.replace(resume=True))
    write_table(table, [{**rows[0], "used": "no"}, *rows[1:]])
    with pytest.raises(ValueError, match="began with.*which was changed"):
        run(resumed)
    table.unlink()
    with pytest.raises(ValueError, match="began with. Received: no .*csv"):
        run(resumed)
    # The order of its lines is of no account.
    write_table(table, rows[::-1])
    assert run(resumed)["pseudo_labels"] == metrics["pseudo_labels"]
    assert_same_training(resumed.folder, whole.folder)


def test_a_bad_table_comes_before_the_expert(place, tmp_path):
    path = tmp_path / "p.csv"
    path.write_text("image,label,confidence,used\nnobody.jpg,red,1,yes\n")
    bad = plan(place, tmp_path / "runs", pseudo_labels=str(path))
    with pytest.raises(ValueError, match="line 2: 'nobody.jpg' is none of"):
        run(bad)
    assert not (tmp_path / "runs").exists()
