"""Importing the package is light; its classes are known to Keras in time."""

import os
import pathlib
import subprocess
import sys

import pytest

import keras_artkd
from keras_artkd import models

ROOT = pathlib.Path(__file__).parents[1]
WITHOUT_NUMPY = [
    "keras_artkd",
    "keras_artkd.catalogue.methods",
    "keras_artkd.catalogue.networks",
    "keras_artkd.cli.main",
    "keras_artkd.cli.doctor",
    "keras_artkd.cli.evaluate",
    "keras_artkd.cli.export",
    "keras_artkd.cli.label",
    "keras_artkd.cli.methods",
    "keras_artkd.cli.predict",
    "keras_artkd.cli.report",
]
WITHOUT_A_FRAMEWORK = [
    "keras_artkd.data.images",
    "keras_artkd.datasets",
    "keras_artkd.deploy.lite",
    "keras_artkd.deploy.predict",
    "keras_artkd.deploy.model_info",
    "keras_artkd.label.pictures",
    "keras_artkd.label.server",
    "keras_artkd.label.session",
    "keras_artkd.measure.metrics",
    "keras_artkd.measure.intervals",
    "keras_artkd.report",
    "keras_artkd.run_folder",
    "keras_artkd.cli.train",
    "keras_artkd.cli.search",
    "keras_artkd.cli.study",
]
IMPORTING = """
import importlib
import sys

forbidden, *modules = sys.argv[1:]
for module in modules:
    importlib.import_module(module)
    found = sorted(set(forbidden.split()) & set(sys.modules))
    assert not found, f"{module} imports {', '.join(found)}"
"""
FRAMEWORKS = "keras tensorflow tensorflow_datasets jax torch"


def run_python(program, *arguments, **environment):
    result = subprocess.run(
        [sys.executable, "-c", program, *map(str, arguments)],
        capture_output=True,
        text=True,
        cwd=ROOT,
        env={**os.environ, **environment},
    )
    assert result.returncode == 0, result.stderr


def test_commands_start_without_numpy():
    run_python(IMPORTING, f"{FRAMEWORKS} matplotlib numpy", *WITHOUT_NUMPY)


def test_light_modules_import_no_framework():
    run_python(IMPORTING, FRAMEWORKS, *WITHOUT_A_FRAMEWORK)


@pytest.fixture(scope="module")
def saved_network(tmp_path_factory):
    path = tmp_path_factory.mktemp("saved") / "student.keras"
    models.build("wrn_10_1", 3, (16, 16, 3), head="awgram").save(path)
    return path


@pytest.mark.parametrize(
    "imports",
    [
        "import keras, keras_artkd",
        "import keras_artkd.models, keras",
        "import keras_artkd; keras_artkd.Distiller; import keras",
    ],
)
def test_saved_networks_load(saved_network, imports):
    run_python(
        f"import sys; {imports}; keras.models.load_model(sys.argv[1])",
        saved_network,
        # The backend that starts the soonest.
        KERAS_BACKEND="numpy",
    )


def test_what_there_is_is_listed():
    assert {"Distiller", "distillers", "layers", "losses", "models"} <= set(
        dir(keras_artkd)
    )
    with pytest.raises(AttributeError, match="no attribute 'modles'"):
        keras_artkd.modles  # noqa: B018
