"""The card says what was measured, of any run."""

import pytest

from keras_artkd.deploy.model_card import model_card

CONFIG = {
    "method": "collaborative",
    "group": "none",
    "seed": 3,
    "image_size": 48,
    "licence": 'CC "BY" 4.0',
}
DATA = {
    "name": "folder",
    "class_names": ["Cubism", "Rococo", "浮世絵"],
    "splits": {
        "train": ["a"] * 1200,
        "validation": ["b"] * 20,
        "test": ["c"] * 200,
    },
    "skipped": [{"key": "x", "reason": "empty"}],
}
METRICS = {
    "student": "wrn_10_1",
    "parameters": 78590,
    "epochs": 30,
    "test_intervals": {
        "accuracy": [0.670, 0.791],
        "macro_accuracy": [0.555, 0.66],
    },
    "best_epoch": 21,
    "test": {
        "num_examples": 200,
        "accuracy": 0.735,
        "macro_accuracy": 0.61,
        "expected_calibration_error": 0.0432,
        "per_class": [
            {"name": "Cubism", "count": 150, "accuracy": 0.8},
            {"name": "Rococo", "count": 50, "accuracy": 0.54},
            {"name": "浮世絵", "count": 0, "accuracy": None},
        ],
    },
}


@pytest.mark.parametrize(
    ("chosen_by", "epoch", "kept"),
    [
        ("validation", 21, "of which epoch 21 was best on the validation"),
        ("latest", 30, "of which the last is kept"),
        ("latest", 21, "of which epoch 21 is kept: later ones are worse"),
        ("latest", 0, "of which epoch 0 (the classifier on inherited"),
        ("folds", 30, "of which the last is kept"),
    ],
)
def test_which_epoch_is_kept(chosen_by, epoch, kept):
    told = {"best_epoch": epoch, "epoch_chosen_by": chosen_by}
    card = model_card(CONFIG, DATA, {**METRICS, **told})
    assert kept in " ".join(card.split())


def test_numbers():
    card = model_card(CONFIG, DATA, METRICS)
    assert "| accuracy | 73.5% | 67.0% to 79.1% |" in card
    assert "| mean over the classes | 61.0% | 55.5% to 66.0% |" in card
    assert "| expected calibration error | 4.3% | – |" in card
    assert "1,200 images to train" in card and "78,590 parameters" in card
    assert "Rococo (54% of 50); Cubism (80% of 150)" in card
    assert "top 5" not in card and "taught by" not in card
    assert "This file" not in card
    assert "浮世絵" in card


def test_augmentations_are_named():
    config = {**CONFIG, "augment": ["cutout", "sla"]}
    card = model_card(config, DATA, METRICS)
    assert ", images augmented by cutout, sla. " in card
    assert "augmented" not in model_card(CONFIG, DATA, METRICS)


def test_front_matter_is_quoted():
    card = model_card(CONFIG, DATA, METRICS)
    assert card.startswith('---\nlicense: "CC \\"BY\\" 4.0"\n')
    without = {key: CONFIG[key] for key in CONFIG if key != "licence"}
    assert "## Licence\n\nnot stated\n" in model_card(without, DATA, METRICS)


def test_teacher_groups_and_file():
    metrics = {
        **METRICS,
        "expert": {"name": "big", "parameters": 9000, "test_accuracy": 0.8},
        "initial": {"name": "small", "parameters": 90, "test_accuracy": 0.7},
        "test": {**METRICS["test"], "top5_accuracy": 0.99},
        "test_intervals": {"top5_accuracy": [0.964, 0.997]},
    }
    export = {
        "format": "tflite",
        "quantize": "int8",
        "calibration_images": 256,
        "agreement": 0.976,
        "accuracy": 0.731,
        "held_out": "200 test images",
    }
    card = model_card({**CONFIG, "group": "artist"}, DATA, metrics, export)
    assert "No artist is in two splits" in card
    assert (
        "taught by the expert teacher big (9,000 parameters, 80.0% of the "
        "test images) and an initial teacher small (90 " in card
    )
    assert "| top 5 | 99.0% | 96.4% to 99.7% |" in card
    assert "quantisation: int8, calibration: static: ranges" in card
    assert "on 256 training images" in card
    assert "97.6% of 200 test images" in card


@pytest.mark.parametrize("part", ["Intended use", "Limits", "Licence"])
def test_every_part_is_there(part):
    assert f"\n## {part}\n" in model_card(CONFIG, DATA, METRICS)


def test_pseudo_labels():
    known = {
        "images": 1000,
        "used": 900,
        "corrected": 0,
        "confidence": 0.8123,
        "known": 0,
        "right": 0,
    }
    card = model_card(CONFIG, DATA, {**METRICS, "pseudo_labels": known})
    assert (
        "Also 1,000 images without labels: from 900 of them the student "
        "learned what the expert says (mean confidence 81.2%)."
    ) in card
    known |= {"corrected": 20, "known": 400, "right": 300}
    card = model_card(CONFIG, DATA, {**METRICS, "pseudo_labels": known})
    assert (
        "81.2%, 20 labelled by hand); 75.0% of these are right, by labels "
        "that were hidden from 400."
    ) in card
    assert "without labels" not in model_card(CONFIG, DATA, METRICS)
