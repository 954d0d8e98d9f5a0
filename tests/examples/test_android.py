"""The Android sample compiles, and sees what `artkd predict` sees."""

import pathlib
import shutil
import subprocess

import numpy as np
import pytest

from keras_artkd.deploy.predict import Classifier
from tests.examples.android import write_declarations
from tests.examples.conftest import INFO

SAMPLE = pathlib.Path(__file__).parents[2] / "examples" / "android"
KOTLINC, KOTLIN = shutil.which("kotlinc"), shutil.which("kotlin")
# Prints the pixels that a picture becomes.
CHECK = """
import java.io.File
import javax.imageio.ImageIO

fun main(words: Array<String>) {
    val (short, crop, side) = words.take(3).map { it.toInt() }
    for (path in words.drop(3)) {
        val image = ImageIO.read(File(path))
        val (width, height) = image.width to image.height
        val data = image.getRGB(0, 0, width, height, null, 0, width)
        val seen = square(Pixels(width, height, data), short, crop, side)
        println(seen.data.joinToString(" "))
    }
}
"""


@pytest.mark.skipif(KOTLINC is None, reason="no kotlinc")
def test_compiles_and_sees_the_very_pixels(model, pictures, tmp_path):
    write_declarations(tmp_path / "declarations")
    (tmp_path / "Check.kt").write_text(CHECK)
    sources = [*SAMPLE.glob("*.kt"), tmp_path / "Check.kt"]
    assert len(sources) == 3
    words = [KOTLINC, "-d", tmp_path / "out", *sources]
    result = subprocess.run(
        [*map(str, words), str(tmp_path / "declarations")],
        capture_output=True,
        text=True,
    )
    assert result.returncode == 0, result.stderr
    pictures = [path for path in pictures if path.suffix == ".png"]
    sizes = (INFO.short_side, INFO.crop_size, INFO.image_size)
    words = ["-cp", tmp_path / "out", "CheckKt", *sizes, *pictures]
    lines = subprocess.run(
        [KOTLIN, *map(str, words)], capture_output=True, text=True, check=True
    ).stdout.splitlines()
    classifier = Classifier(model)
    for picture, line in zip(pictures, lines, strict=True):
        packed = np.array(line.split(), "int64")
        rgb = np.stack([packed >> shift & 255 for shift in (16, 8, 0)], -1)
        expected = classifier.read(picture).astype(int)
        # Weights of the second resize are multiples of 1/256 there.
        assert np.abs(rgb.reshape(expected.shape) - expected).max() <= 1
