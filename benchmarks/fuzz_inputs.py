"""Sound files to mutate, for `benchmarks.fuzz`: models, a run, images."""

import shutil

import numpy as np
from PIL import Image

# The last is read from right to left, with a mark that says so.
CLASSES = ["red", "green", "\u200fכחול (1)"]
_TRAINING = (
    "--method kd --student wrn_10_1 --initial wrn_10_1 --expert-network "
    "wrn_10_1 --image-size 16 --epochs 1 --batch-size 16"
).split()
# Pillow's format -> what it is saved with.
_SAVED = {"JPEG2000": {}, "TIFF": {"compression": "tiff_lzw"}}


def make_inputs(folder):
    """Makes the files, unless they are there.

    Args:
        folder: `pathlib.Path`.
    """
    if (folder / "done").exists():
        return
    from keras_artkd.cli.main import main

    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    random = np.random.default_rng(0)
    _write_images(folder, random)
    _write_arrays(folder / "arrays.npz", random)
    _write_models(folder)
    words = ["train", str(folder / "arrays.npz"), *_TRAINING]
    if main([*words, "--workdir", str(folder / "runs")]) != 0:
        raise SystemExit("The run that is to be mutated has failed.")
    runs = sorted((folder / "runs").glob("*/*/metrics.json"))
    # The student's run has more than its expert's.
    run = max(runs, key=lambda path: len([*path.parent.iterdir()])).parent
    shutil.move(run, folder / "run")
    shutil.rmtree(folder / "runs")
    (folder / "done").touch()


def _picture(random, label):
    pixels = random.integers(0, 90, (40, 48, 3), dtype="uint8")
    pixels[..., label] += 150
    return Image.fromarray(pixels)


def _write_images(folder, random):
    """A folder of classes, and a file of each kind of picture."""
    from keras_artkd.data.formats import readable

    for label, name in enumerate(CLASSES):
        (folder / "classes" / name).mkdir(parents=True)
        for number in range(3):
            path = folder / "classes" / name / f"{number}.png"
            _picture(random, label).save(path)
    (folder / "images").mkdir()
    for image_format, (suffix, *_) in readable().items():
        options = _SAVED.get(image_format, {})
        path = folder / "images" / f"a{suffix}"
        _picture(random, 0).save(path, image_format, **options)
    turned = Image.Exif()
    turned[0x0112] = 6
    more = {"save_all": True, "append_images": [Image.new("L", (9, 9))]}
    variants = {
        "turned.jpg": {"exif": turned, "progressive": True},
        "palette.png": {"mode": "P"},
        "alpha.webp": {"mode": "RGBA", "lossless": True},
        "grey.tif": {"mode": "I;16"},
        "cmyk.jpg": {"mode": "CMYK"},
        "pages.tif": {**more},
        "moving.gif": {**more},
    }
    for name, options in variants.items():
        image = _picture(random, 1)
        mode = options.pop("mode", "RGB")
        image = image.convert("I" if mode == "I;16" else mode)
        image.convert(mode).save(folder / "images" / name, **options)


def _write_arrays(path, random):
    arrays = {}
    for split, count in (("train", 64), ("test", 16)):
        labels = np.arange(count) % 3
        images = random.integers(0, 90, (count, 16, 16, 3), dtype="uint8")
        images[np.arange(count), :, :, labels] += 60
        arrays |= {f"x_{split}": images, f"y_{split}": labels}
    np.savez(path, class_names=np.array(CLASSES), **arrays)


def _write_models(folder):
    """The same small network in every format, with its classes inside."""
    import keras

    from keras_artkd.deploy.formats import EXPORT_FORMATS, write_info
    from keras_artkd.deploy.formats.writing import export_model
    from keras_artkd.deploy.model_info import ModelInfo

    inputs = keras.Input((16, 16, 3))
    x = keras.layers.Rescaling(1 / 32)(inputs)
    x = keras.layers.Conv2D(4, 3, strides=2, activation="relu")(x)
    x = keras.layers.DepthwiseConv2D(3, padding="same")(x)
    x = keras.layers.GlobalAveragePooling2D()(x)
    network = keras.Model(inputs, keras.layers.Dense(3)(x))
    info = ModelInfo(CLASSES, image_size=16, short_side=18, card="# A card\n")
    for file_format in EXPORT_FORMATS.values():
        path = folder / f"model{file_format.suffix or '_folder'}"
        export_model(file_format, network, path)
        write_info(path, info)
    network.save(folder / "model.keras")
    write_info(folder / "model.keras", info)
    images = np.random.default_rng(0).integers(0, 256, (9, 16, 16, 3), "uint8")
    path = folder / "model_int8.tflite"
    tflite = EXPORT_FORMATS["tflite"]
    export_model(tflite, network, path, "int8", images)
    write_info(path, info)
