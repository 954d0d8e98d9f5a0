"""Importing the package is light; its classes are known to Keras in time."""

import subprocess
import sys

import pytest

from keras_artkd import models

HEAVY = ("keras", "tensorflow", "tensorflow_datasets", "matplotlib", "numpy")


def run_python(program, *arguments):
    return subprocess.run(
        [sys.executable, "-c", program, *map(str, arguments)],
        capture_output=True,
        text=True,
    )


def test_the_package_alone_imports_nothing():
    result = run_python(
        "import sys, keras_artkd; print(keras_artkd.__version__);"
        "print(*sys.modules)"
    )
    assert result.returncode == 0, result.stderr
    assert not set(HEAVY) & set(result.stdout.split())


@pytest.mark.parametrize(
    "module", ["lite", "predict", "runtimes", "evaluate", "datasets", "report"]
)
def test_light_modules_import_no_framework(module):
    result = run_python(
        f"import sys, keras_artkd.{module}; print(*sys.modules)"
    )
    assert result.returncode == 0, result.stderr
    assert not set(HEAVY[:3]) & set(result.stdout.split())


@pytest.mark.slow
@pytest.mark.parametrize(
    "imports",
    [
        "import keras, keras_artkd",
        "import keras_artkd.models, keras",
        "from keras_artkd import Distiller; import keras",
        "import keras_artkd; keras_artkd.losses; import keras",
    ],
)
def test_saved_networks_load(tmp_path, imports):
    path = tmp_path / "student.keras"
    models.build("wrn_10_1", 3, (16, 16, 3), head="awgram").save(path)
    result = run_python(
        f"import sys; {imports}; keras.models.load_model(sys.argv[1])", path
    )
    assert result.returncode == 0, result.stderr


def test_what_there_is_is_listed():
    import keras_artkd

    assert {"Distiller", "distillers", "layers", "losses", "models"} <= set(
        dir(keras_artkd)
    )
    with pytest.raises(AttributeError, match="no attribute 'modles'"):
        keras_artkd.modles  # noqa: B018
