"""The wheel: the package alone, with all that it reads."""

import os
import pathlib
import shutil
import subprocess
import sys
import zipfile

import pytest

ROOT = pathlib.Path(__file__).parents[1]
COPIED = ("keras_artkd", "recipes", "pyproject.toml", "README.md", "LICENSE")


@pytest.fixture(scope="module")
def wheel(tmp_path_factory):
    """A wheel, built from a copy: building leaves files in the sources."""
    source = tmp_path_factory.mktemp("source")
    for name in COPIED:
        copy = shutil.copytree if (ROOT / name).is_dir() else shutil.copy
        copy(ROOT / name, source / name)
    built = tmp_path_factory.mktemp("wheel")
    subprocess.run(
        [sys.executable, "-m", "build", "--wheel", "--no-isolation"]
        + ["--outdir", str(built), str(source)],
        check=True,
        capture_output=True,
    )
    (path,) = built.glob("*.whl")
    return path


def test_holds_the_package_and_its_data(wheel):
    with zipfile.ZipFile(wheel) as archive:
        names = archive.namelist()
    folders = {name.partition("/")[0] for name in names}
    info = {folder for folder in folders if folder.endswith(".dist-info")}
    assert folders == {"keras_artkd"} | info and len(info) == 1
    read = {
        str(path.relative_to(ROOT))
        for path in (ROOT / "keras_artkd").rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }
    assert read <= set(names)


def test_runs_where_there_is_no_checkout(wheel, tmp_path):
    """Recipes and methods are found in what was installed."""
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(tmp_path / "site")
    program = (
        "import sys, keras_artkd\n"
        "from keras_artkd.cli.main import main\n"
        "from keras_artkd.cli.train import parse_plan\n"
        "print(keras_artkd.__file__)\n"
        "assert main(['methods', 'kd']) == 0\n"
        "print(parse_plan(['--recipe', 'pandora']).folder.name)\n"
        "print(parse_plan(['x', '--method', 'kd+rkd']).folder.name)"
    )
    result = subprocess.run(
        [sys.executable, "-c", program],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(tmp_path / "site")},
        capture_output=True,
        text=True,
    )
    assert result.returncode == 0, result.stderr
    assert str(tmp_path / "site") in result.stdout
    assert "collaborative-wrn_16_2-seed0-" in result.stdout
    assert "kd+rkd-efficientnet_lite0_first8-seed0-" in result.stdout
