"""What it costs that a client makes pictures square in its own way.

  python -m benchmarks.fit RUN [RUN ...]

For each finished run, of its student on its test images: accuracy where
pictures are made square as the run did, where the whole picture is stretched by
this package, and where MediaPipe Tasks gets the picture as it is (it stretches,
too, without antialiasing). All three with the very same float network.
"""

import argparse
import pathlib
import tempfile

import numpy as np
from PIL import Image

from keras_artkd.data.images import fit_square, read_image
from keras_artkd.data.resampling import resize_squares
from keras_artkd.deploy.export import export_tflite
from keras_artkd.deploy.finished_run import (
    crop_size,
    load_data,
    model_info,
    read_facts,
)
from keras_artkd.deploy.formats import open_model, write_info
from keras_artkd.deploy.formats.keras_file import load_keras_model
from keras_artkd.deploy.predict import Classifier
from keras_artkd.run_folder import RunFolder


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("runs", nargs="+", metavar="RUN")
    for run in parser.parse_args().runs:
        measure(RunFolder(run))


def measure(folder: RunFolder) -> None:
    facts = read_facts(folder)
    test = load_data(facts.data, None).test
    root = pathlib.Path(facts.data["load"]["data_dir"])
    files = [root / key for key in test.keys]
    student = load_keras_model(folder.student)
    side = facts.settings["image_size"]
    with tempfile.TemporaryDirectory() as place:
        path = pathlib.Path(place, "student.tflite")
        export_tflite(student, path)
        write_info(path, model_info(*facts))
        classifier = Classifier(path)
        own = np.stack([classifier.read(file) for file in files])
        crop = crop_size(facts.settings)
        whole = [fit_square(read_image(f, crop), "stretch") for f in files]
        stretched = resize_squares(np.stack(whole), side)
        runtime = open_model(path)
        answers = {
            f"as trained ({classifier.info.fit})": runtime.predict(own),
            "stretched here": runtime.predict(stretched),
            "stretched by MediaPipe": ask_mediapipe(
                path, files, classifier.info.class_names
            ),
        }
    print(f"{folder.name}, {len(files)} test images")
    for name, shares in answers.items():
        accuracy = np.mean(shares.argmax(axis=1) == test.labels)
        print(f"  {name:24} {accuracy:7.2%}")


def ask_mediapipe(path, files, names):
    """Probabilities `(n, classes)` of picture files by MediaPipe Tasks."""
    import mediapipe
    from mediapipe.tasks.python import BaseOptions, vision

    options = vision.ImageClassifierOptions(
        base_options=BaseOptions(model_asset_path=str(path))
    )
    shares = np.zeros((len(files), len(names)), "float32")
    with vision.ImageClassifier.create_from_options(options) as classifier:
        for row, file in zip(shares, files, strict=True):
            pixels = np.array(Image.open(file).convert("RGB"))
            picture = mediapipe.Image(mediapipe.ImageFormat.SRGB, pixels)
            (classes,) = classifier.classify(picture).classifications
            for each in classes.categories:
                row[names.index(each.category_name)] = each.score
    return shares


if __name__ == "__main__":
    main()
