"""A run that ended with its table of pseudo-labels, made by hand."""

import csv

import numpy as np
from PIL import Image

from keras_artkd.run_folder import DATA, RunFolder
from keras_artkd.runs.label_table import write_labels
from keras_artkd.runs.pseudo_labels import PseudoLabels

CLASSES = (
    "Art_Nouveau",
    "Baroque",
    '<b>"Cubism"</b>',
    "Dada",
    "Early_Renaissance",
    "Fauvism",
    "Gothic",
    "High_Renaissance",
    "=Impressionism",
    "Japonism",
    "Kitsch",
    "浮世絵",
)
# The third is no picture.
NAMES = (
    "deep/plain.png",
    '<img src="x" onerror="alert(1)">.jpg',
    "broken.jpg",
    "scan.tif",
    "=formula.png",
    "last.webp",
)


def write_label_run(place, classes=CLASSES, names=NAMES):
    """Writes pictures and the run's files.

    Returns:
        `RunFolder`, and the keys of its pictures as the table has them.
    """
    others = place / "others"
    rng = np.random.default_rng(0)
    for number, name in enumerate(names):
        # A slash in markup is a folder.
        path = others / name
        path.parent.mkdir(parents=True, exist_ok=True)
        if name == "broken.jpg":
            path.write_bytes(b"\xff\xd8\xffno picture")
            continue
        pixels = rng.integers(0, 120, (40, 30 + 20 * number, 3), dtype="uint8")
        pixels[..., number % 3] += 120
        Image.fromarray(pixels).save(path)
    keys = [f"unlabelled/{name}" for name in names]
    folder = RunFolder(place / "runs" / "run")
    folder.path.mkdir(parents=True)
    folder.write(
        DATA,
        {
            "class_names": list(classes),
            "splits": {"train": [], "unlabelled": keys},
            "load": {
                "name": "folder",
                "data_dir": str(place / "labelled"),
                "unlabelled_dir": str(others),
            },
        },
    )
    folder.write_command(
        "artkd train labelled --method pseudo_soft --labels-only"
    )
    logits = 2 * rng.normal(size=(len(names), len(classes))).astype("float32")
    labels = PseudoLabels(
        keys=np.array(keys),
        logits=logits,
        labels=logits.argmax(axis=1).astype("int32"),
        used=np.ones(len(names), bool),
        corrected=np.zeros(len(names), bool),
    )
    write_labels(folder.pseudo_labels, labels, classes)
    folder.write_arrays(folder.expert_answers, keys=labels.keys, logits=logits)
    return folder, [row["image"] for row in table(folder.pseudo_labels)]


def table(path):
    """The rows of a table, formulas as they were before they were quoted."""
    with open(path, encoding="utf-8", newline="") as file:
        return [
            {k: v.removeprefix("'") for k, v in row.items()}
            for row in csv.DictReader(file)
        ]
