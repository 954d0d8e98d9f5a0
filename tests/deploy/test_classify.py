"""The script of a run's folder answers what `artkd predict` answers."""

import json
import pathlib
import shutil
import subprocess
import sys

import keras
import numpy as np
import pytest
from PIL import Image

from keras_artkd.cli.main import main
from keras_artkd.data.images import FITS
from keras_artkd.deploy.export import export_tflite
from keras_artkd.deploy.formats import write_info
from keras_artkd.deploy.model_info import ModelInfo
from keras_artkd.deploy.predict import Classifier
from tests.data.pictures import encoded, smooth

SCRIPT = (
    pathlib.Path(main.__code__.co_filename)
    .parents[1]
    .joinpath("deploy", "classify.py")
)
CLASSES = ["red", "Jugendstil, um 1900", "浮世絵", "other"]
SIDE = 24

# Everything in a process that has NumPy, Pillow and ai-edge-litert alone.
ON_A_DEVICE = """
import json, runpy, sys
for name in ("absl", "keras", "keras_artkd", "matplotlib", "tensorflow"):
    sys.modules[name] = None
Classifier = runpy.run_path(sys.argv[1])["Classifier"]
answers = {}
for model in json.loads(sys.argv[2]):
    classifier = Classifier(model)
    answers[model] = {
        picture: [
            classifier.read(picture).tolist(),
            classifier.classify(picture),
        ]
        for picture in json.loads(sys.argv[3])
    }
print(json.dumps(answers))
"""


def pictures():
    """Name -> an encoded picture, of every kind that is read in its own way."""
    exif = Image.Exif()
    for turn in range(1, 9):
        exif[0x0112] = turn
        yield f"turned{turn}.png", encoded(smooth(50, 71), "PNG", exif=exif)
    yield "turned6.jpg", encoded(smooth(90, 61), "JPEG", exif=exif)
    yield "exif.png", encoded(smooth(40, 40), "PNG", exif=b"Exif\0\0MM\0*junk")
    for size in ((1, 1), (36, 36), (35, 37), (30, 99), (99, 31), (400, 7)):
        yield f"{size[0]}x{size[1]}.png", encoded(smooth(*size), "PNG")
    large = smooth(1201, 1603)
    yield "large.jpg", encoded(large, "JPEG", quality=95)
    yield "progressive.jpg", encoded(large, "JPEG", progressive=True)
    frames = {"save_all": True, "append_images": [Image.new("RGB", (70, 60))]}
    picture = Image.fromarray(smooth(60, 70))
    for image_format in ("GIF", "WEBP", "PNG", "MPO"):
        yield (
            f"frames.{image_format}",
            encoded(picture.copy(), image_format, **frames),
        )
    small = Image.fromarray(smooth(8, 8, 1))
    yield (
        "pages.tiff",
        encoded(small, "TIFF", save_all=True, append_images=[picture.copy()]),
    )
    alpha = np.dstack([smooth(41, 43), smooth(41, 43, 1)[..., 0]])
    yield "alpha.png", encoded(alpha, "PNG")
    yield "alpha.webp", encoded(alpha, "WEBP", lossless=True, exact=True)
    yield "grey_alpha.png", encoded(Image.fromarray(alpha).convert("LA"), "PNG")
    palette = picture.convert("P")
    yield "palette.png", encoded(palette, "PNG")
    yield "clear.png", encoded(palette, "PNG", transparency=3)
    yield "clear.gif", encoded(palette, "GIF", transparency=3)
    yield (
        "key.png",
        encoded(picture, "PNG", transparency=picture.getpixel((3, 4))),
    )
    yield "bits.png", encoded(picture.convert("1"), "PNG")
    cmyk = encoded(picture.convert("CMYK"), "JPEG")
    start = cmyk.index(b"\xff\xee\x00\x0eAdobe")
    yield "cmyk.jpg", cmyk
    yield "cmyk_bare.jpg", cmyk[:start] + cmyk[start + 16 :]
    yield "cmyk.tiff", encoded(picture.convert("CMYK"), "TIFF")
    deep = smooth(50, 60)[..., 0].astype("uint16") * 257
    yield "16.png", encoded(Image.fromarray(deep), "PNG")
    yield "16.tiff", encoded(Image.fromarray(deep), "TIFF")
    for low, high in ((0, 1), (0, 200), (0, 65535), (-3, 9), (5, 1e9)):
        values = np.linspace(low, high, 40 * 50, dtype="float32")
        values[7] = np.nan
        image = Image.fromarray(values.reshape(40, 50))
        yield f"float{low},{high}.tiff", encoded(image, "TIFF")
    whole = np.arange(2000, dtype="int32").reshape(40, 50) * 30
    yield "32.tiff", encoded(Image.fromarray(whole), "TIFF")
    yield "a PNG.jpeg", encoded(picture, "PNG")


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """The pictures, and models that see every pixel."""
    folder = tmp_path_factory.mktemp("device")
    for name, content in pictures():
        (folder / name).write_bytes(content)
    keras.utils.set_random_seed(0)
    network = keras.Sequential(
        [
            keras.Input((SIDE, SIDE, 3)),
            keras.layers.Rescaling(1 / 255),
            keras.layers.Flatten(),
            keras.layers.Dense(len(CLASSES)),
        ]
    )
    seen = np.random.default_rng(0).integers(0, 256, (9, SIDE, SIDE, 3))
    for quantize in ("none", "int8"):
        bare = folder / f"{quantize}.tflite"
        export_tflite(network, bare, quantize, seen.astype("uint8"))
        for fit in FITS:
            path = shutil.copy(bare, folder / f"{quantize}_{fit}.tflite")
            write_info(path, ModelInfo(CLASSES, SIDE, 36, "", 32, fit))
        bare.unlink()
    return folder


@pytest.fixture(scope="module")
def answers(folder):
    """Model -> picture -> pixels and classes, by the script."""
    models = [str(path) for path in folder.glob("*.tflite")]
    names = [str(folder / name) for name, _ in pictures()]
    command = [sys.executable, "-c", ON_A_DEVICE, str(SCRIPT)]
    result = subprocess.run(
        [*command, json.dumps(models), json.dumps(names)],
        capture_output=True,
        text=True,
        cwd=folder,
    )
    assert result.returncode == 0, result.stderr
    return json.loads(result.stdout)


@pytest.mark.parametrize("fit", FITS)
@pytest.mark.parametrize("quantize", ["none", "int8"])
def test_answers_as_predict_does(folder, answers, quantize, fit):
    path = str(folder / f"{quantize}_{fit}.tflite")
    classifier = Classifier(path)
    assert len(answers[path]) > 40
    predictions = classifier.classify(answers[path], top=len(CLASSES))
    for (picture, (pixels, classes)), prediction in zip(
        answers[path].items(), predictions, strict=True
    ):
        name = pathlib.Path(picture).name
        np.testing.assert_array_equal(pixels, classifier.read(picture), name)
        assert [n for n, _ in classes] == [n for n, _ in prediction.classes]
        np.testing.assert_allclose(
            [share for _, share in classes],
            [share for _, share in prediction.classes],
            atol=1e-6,
            err_msg=name,
        )


def test_prints_what_predict_prints(folder, capsys, monkeypatch):
    monkeypatch.chdir(folder)
    words = ["none_crop.tflite", "35x37.png", "none.tiff", "cmyk.jpg"]
    result = subprocess.run(
        [sys.executable, str(SCRIPT), *words], capture_output=True, text=True
    )
    assert main(["predict", *words]) == result.returncode == 2
    assert result.stdout == capsys.readouterr().out
    assert "error: none.tiff" in result.stderr
    assert "Traceback" not in result.stderr


def test_without_pictures_it_says_what_to_type():
    result = subprocess.run(
        [sys.executable, str(SCRIPT)], capture_output=True, text=True
    )
    assert result.returncode == 1
    assert "python classify.py student.tflite PICTURE" in result.stderr
