"""Recipes read the archives of their data sets, in the official layouts."""

import pytest

from keras_artkd.cli.train import parse_plan
from keras_artkd.runs.runner import load_data, run
from tests.datasets import archives
from tests.runs.settings import SMALL, small_plan

SMALLEST = [
    word
    for name, value in SMALL.items()
    for word in (f"--{name.replace('_', '-')}", str(value))
]


def sizes(splits):
    return [len(splits[name]) for name in ("train", "validation", "test")]


@pytest.mark.parametrize(
    ("recipe", "names", "expected"),
    [
        (
            "pandora",
            "01_Byzantin_Iconography, 05_Baroque, 16_AbstractArt",
            [31, 7, 7],
        ),
        ("wikiart", "Art_Nouveau_Modern, Baroque, Cubism", [36, 9, 8]),
        (
            "painting100k",
            "Analytical\xa0Realism, Naïve Art (Primitivism), Perceptism",
            [34, 7, 7],
        ),
        (
            "tiny_imagenet",
            "goldfish, crane (n02012849), Egyptian cat, crane (n03126707)",
            [34, 4, 12],
        ),
        (
            "stanford40",
            "applauding, riding_a_bike, watching_TV",
            [18, 3, 12],
        ),
        ("mit67", "airport_inside, bar, mall", [19, 3, 9]),
    ],
)
def test_archives(recipe, names, expected, tmp_path):
    """Made small, with the traps that are known of them."""
    getattr(archives, f"make_{recipe}")(tmp_path / "archive")
    plan = parse_plan(
        [
            *("--recipe", recipe, *SMALLEST),
            *("--data-dir", str(tmp_path / "archive")),
            *("--data-options", "cache_dir", str(tmp_path / "cache")),
        ]
    )
    data = load_data(plan)
    assert ", ".join(data.class_names) == names
    assert sizes(vars(data)) == expected


def test_a_streamed_training_split(tmp_path, short_runs):
    """ImageNet's official archives, made small, from data to metrics."""
    archives.make_imagenet(tmp_path / "archives")
    plan = small_plan(
        "imagenet",
        data_dir=str(tmp_path / "archives"),
        data_options={
            "validation_fraction": 0.2,
            "cache_dir": str(tmp_path / "cache"),
        },
        method="baseline",
        batch_size=8,
        workdir=str(tmp_path / "runs"),
    )
    metrics = run(plan)
    assert len(metrics["class_names"]) == 4
    assert sizes(plan.folder.data["splits"]) == [28, 8, 4]
    assert metrics["test"]["num_examples"] == 4
