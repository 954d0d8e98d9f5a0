"""`artkd samples`."""

import pytest
from PIL import Image

from keras_artkd.cli.main import main
from tests.images import write_folder


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return write_folder(tmp_path_factory.mktemp("samples") / "images", 8)


def test_classes_and_what_training_sees(folder, tmp_path, capsys):
    path = tmp_path / "new" / "classes.png"
    words = [str(folder), "--recipe-style", "thesis", "--image-size", "16"]
    assert main(["samples", *words, "--each", "2", "-o", str(path)]) == 0
    assert capsys.readouterr().out.splitlines()[-1] == str(path)
    with Image.open(path) as image:
        # Two classes, one below the other, at 120 dots an inch.
        assert image.format == "PNG" and image.size == (240, 300)
    words += ["--augmented", "--images", "3", "--augment", "sla"]
    assert main(["samples", *words, "-o", str(path)]) == 0
    with Image.open(path) as image:
        assert image.size == (600, 480)


def test_generated_paintings_by_recipe(tmp_path):
    path = tmp_path / "samples.png"
    words = ["--recipe", "demo", "--data-options", "scenes", "4"]
    assert main(["samples", *words, "--each", "1", "-o", str(path)]) == 0
    assert path.is_file()


@pytest.mark.parametrize(
    ("flags", "says"),
    [
        (["--each", "0"], "Received: each=0"),
        (["--images", "0"], "Received: images=0"),
        (["-o", "samples.jpg"], "must be a PNG file"),
        (["--augment", "blur"], "blur"),
    ],
)
def test_bad_input(folder, failing, flags, says):
    assert says in failing("samples", folder, *flags)


def test_a_missing_folder(failing, tmp_path):
    assert str(tmp_path / "no") in failing("samples", tmp_path / "no")
