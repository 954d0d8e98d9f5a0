"""Folders of finished runs as a recipe leaves them, made up with NumPy."""

import json

import numpy as np
from PIL import Image, ImageDraw

from keras_artkd.measure.metrics import agreement, classification_metrics
from keras_artkd.report.gallery import choose_attention_rows, choose_rows

HOSTILE_NAMES = [
    "<script>alert(1)</script>",
    '"><img src=x onerror=alert(2)>',
    "a" * 60,
    "Northern Renaissance and Flemish Primitives of the Fifteenth C",
    "印象派与后印象派绘画风格以及其他许多非常长的名字",
    "🎨🖼️ emoji",
    "$x^2$ & {{ 7 * 7 }}",
    "-",
]
MAPPINGS = ("sum", "sum2", "sum4", "max2")
_STYLES = (
    "Academicism Art_Nouveau Biedermeier Classicism Divisionism "
    "High_Renaissance Impressionism International_Gothic Japonism Naturalism "
    "Northern_Renaissance Proto_Renaissance Realism Rococo Symbolism "
    "Tonalism Ukiyo_e"
).split()


def class_names(classes):
    """Names as painting data sets have them, as many as asked for."""
    return [
        _STYLES[i] if i < len(_STYLES) else f"{_STYLES[i % 17]}_{i // 17}"
        for i in range(classes)
    ]


def write_run(
    path,
    classes=17,
    names=None,
    images=None,
    teachers=("initial", "expert"),
    seed=0,
    skill=1.5,
    epochs=30,
    test_seed=0,
    without=(),
    logged=None,
    **settings,
):
    """Writes the folder of a run that never was.

    Args:
        path: the folder.
        classes: int.
        names: class names; those of painting styles by default.
        images: int, test images; some twenty a class by default.
        teachers: roles.
        seed: int, of the networks' answers.
        skill: float, how much better than chance the networks are.
        epochs: int.
        test_seed: int, of the test images: runs of the same are comparable.
        without: names of files that are left out.
        logged: dict of name -> values by epoch, more of `history.json`.
        **settings: of `config.json`.

    Returns:
        `path`.
    """
    names = names or class_names(classes)
    classes = len(names)
    path.mkdir(parents=True, exist_ok=True)
    world = np.random.default_rng(test_seed)
    shares = world.dirichlet(np.full(classes, 4.0))
    labels = world.choice(classes, images or 20 * classes, p=shares)
    labels = labels.astype("int32")
    # Neighbouring classes are alike, some more than others.
    likeness = np.zeros((classes, classes))
    likeness[np.arange(classes), np.arange(classes) - 1] = world.random(classes)
    likeness[np.arange(classes), np.arange(classes)] = 1.0
    chance = np.random.default_rng(1000 + seed)
    logits = {
        role: (
            chance.normal(size=(len(labels), classes))
            + (skill + 0.4 * place) * 2 * likeness[labels]
        ).astype("float32")
        for place, role in enumerate(("student", *teachers))
    }
    keys = np.array(
        [
            f"{names[c]}/painter_{i % 40}_work-{i}.jpg"
            for i, c in enumerate(labels)
        ]
    )
    files = {
        "config.json": {
            "recipe": "folder",
            "dataset": "folder",
            "data_dir": "paintings",
            "data_options": {},
            "image_size": 64,
            "method": "collaborative" if teachers else "baseline",
            "options": {},
            "student": "wrn_16_2",
            "head": "auto",
            "epochs": epochs,
            "drops": [0.3, 0.6],
            "seed": seed,
            "workdir": "saved_models",
            "resume": False,
            **settings,
        },
        "data.json": {
            "name": "folder",
            "load": {"name": "folder", "short_side": 72},
            "class_names": names,
            "fingerprint": f"{test_seed:064x}",
            "splits": {
                "train": [f"train{i}" for i in range(5 * len(labels))],
                "validation": [f"validation{i}" for i in range(len(labels))],
                "test": keys.tolist(),
            },
            "skipped": [
                {"key": "Realism/empty.jpg", "reason": "not an image"},
                {"key": "x" * 90, "reason": "<b>the same</b> as another"},
            ],
        },
        "versions.json": {
            "python": "3.11.7",
            "cpu": "A processor of a long name @ 2.40GHz",
            "cores": 8,
            "gpus": 0,
            "keras": "3.15.1",
        },
        "history.json": _history(epochs, teachers, skill) | (logged or {}),
        "metrics.json": _metrics(names, labels, logits, seed, epochs),
    }
    for name, content in files.items():
        if name not in without:
            (path / name).write_text(json.dumps(content), encoding="utf-8")
    if "command.txt" not in without:
        command = "python -m recipes.folder --data-dir paintings --seed 0\n"
        (path / "command.txt").write_text(command)
    if "predictions.npz" not in without:
        np.savez(path / "predictions.npz", keys=keys, labels=labels, **logits)
    if "gallery" not in without:
        _gallery(
            path / "gallery", labels, choose_rows(labels, logits["student"])
        )
    if "attention.npz" not in without:
        rows = choose_attention_rows(labels, logits["student"])
        maps = {
            f"{role}/{mapping}": chance.random((len(rows), 8, 8), "float32")
            for role in logits
            for mapping in MAPPINGS
        }
        np.savez(path / "attention.npz", rows=rows, endpoint="group3", **maps)
    return path


def _history(epochs, teachers, skill):
    fall = np.exp(-np.arange(epochs) / 8)
    history = {
        "loss": 4 * fall + 1,
        "val_loss": 3 * fall + 1.5,
        "accuracy": 0.8 - 0.6 * fall,
        "val_accuracy": 0.6 - 0.4 * fall,
        "supervised": 2 * fall + 0.5,
        "regularization": fall / 10 + 1,
        "awgram": fall * skill,
    }
    # The expert is frozen.
    if "initial" in teachers:
        history["initial_supervised"] = fall + 0.3
    return {name: values.tolist() for name, values in history.items()}


def _metrics(names, labels, logits, seed, epochs):
    student = logits["student"]
    teachers = {role: v for role, v in logits.items() if role != "student"}
    test = classification_metrics(labels, student, names)
    return {
        "method": "collaborative",
        "student": "wrn_16_2",
        "seed": seed,
        "parameters": 703_217,
        "epochs": epochs,
        "best_epoch": max(1, epochs - 3),
        "class_names": names,
        "test": test,
        "test_last_epoch": {"accuracy": 0.5, "macro_accuracy": 0.45},
        "validation": test,
        **{
            role: {
                "name": "wrn_40_2",
                "parameters": 2_249_857,
                "test_accuracy": float((v.argmax(1) == labels).mean()),
                "agreement_with_student": agreement(v, student),
            }
            for role, v in teachers.items()
        },
        "networks": [
            {
                "role": role,
                "name": "wrn_16_2" if role == "student" else "wrn_40_2",
                "parameters": 703_217 if role == "student" else 2_249_857,
                "multiply_adds": 102_000_000,
                "size_bytes": 2_810_000 if role == "student" else 9_240_000,
                "milliseconds": 12.34,
            }
            for role in logits
        ],
        "exports": {
            "tflite": _export("student.tflite", 2_800_000, test["accuracy"]),
            "tflite_int8": _export("student_int8.tflite", 760_000, 0.5),
        },
    }


def _export(file, size, accuracy):
    return {
        "file": file,
        "runtime": "LiteRT",
        "size_bytes": size,
        "milliseconds": 1.234,
        "accuracy": accuracy,
        "agreement": 0.9876,
    }


def _gallery(folder, labels, rows):
    """Simple abstract pictures, of any aspect."""
    folder.mkdir()
    for row in rows:
        chance = np.random.default_rng(row)
        width, height = chance.integers(160, 320, 2).tolist()
        hue = int(labels[row]) * 37 % 255
        image = Image.new("HSV", (width, height), (hue, 60, 220))
        draw = ImageDraw.Draw(image)
        for _ in range(8):
            x, y = chance.integers(0, 250, 2).tolist()
            size = int(chance.integers(20, 120))
            colour = ((hue + int(chance.integers(0, 40))) % 255, 150, 160)
            draw.ellipse((x, y, x + size, y + size // 2), fill=colour)
        image.convert("RGB").save(folder / f"{row}.jpg", quality=70)
