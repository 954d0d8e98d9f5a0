"""What `artkd predict` takes, and where: files, pictures, or the network.

    python -m benchmarks.inference MODEL [MODEL ...]

MODEL is a file that a run left, `student.tflite` or `student.onnx`. Two lots
of JPEGs are made: 1,000 of 96 pixels and 12 of 20 megapixels. Of each, the time
of a core for an image, so that other programs disturb it little:

- `artkd predict`: `Classifier.classify`, from paths to names;
- reading alone: `Classifier.read`, from a path to the pixels of the network;
- by Pillow: the file decoded whole, then resized, as a short script does it;
- the network, as the package runs it, on pixels that are ready;
- the library alone: the same file in LiteRT or ONNX Runtime, one image a call.

The last column is the most memory that was resident when `artkd predict` had
answered to all.
"""

import argparse
import pathlib
import re
import subprocess
import sys
import tempfile
import time

import numpy as np
from PIL import Image

from benchmarks.generated_images import jpeg, picture
from keras_artkd.deploy.predict import Classifier

LOTS = {"1,000 of 96 x 96": (1000, 96, 96), "12 of 20 MP": (12, 3648, 5472)}


def per_image(do, count):
    """Milliseconds of all cores that `do` takes for an image."""
    start = time.process_time()
    do()
    return 1000 * (time.process_time() - start) / count


def resident_peak():
    """MB; `getrusage` would count what the parent had when it forked."""
    status = pathlib.Path("/proc/self/status").read_text()
    (kilobytes,) = re.findall(r"VmHWM:\s+(\d+) kB", status)
    return int(kilobytes) / 1024


def library_alone(model, pixels):
    """A function that has the library answer to every image."""
    if model.suffix == ".onnx":
        import onnxruntime

        options = onnxruntime.SessionOptions()
        options.log_severity_level = 3
        session = onnxruntime.InferenceSession(model, options)
        (given,) = session.get_inputs()
        kind = "uint8" if "uint8" in given.type else "float32"
        batches = [one[None].astype(kind) for one in pixels]
        return lambda: [session.run(None, {given.name: b}) for b in batches]
    from ai_edge_litert.interpreter import Interpreter

    interpreter = Interpreter(str(model))
    interpreter.allocate_tensors()
    (given,) = interpreter.get_input_details()
    (answer,) = interpreter.get_output_details()
    batches = [one[None].astype(given["dtype"]) for one in pixels]

    def run():
        for batch in batches:
            interpreter.set_tensor(given["index"], batch)
            interpreter.invoke()
            interpreter.get_tensor(answer["index"])

    return run


def by_pillow(path, side):
    """A picture as a short script reads it."""
    with Image.open(path) as opened:
        image = opened.convert("RGB")
    shorter = min(image.size)
    size = [round(length * side / shorter) for length in image.size]
    return np.asarray(image.resize(size, Image.Resampling.BICUBIC))


def measure(model, folder, lot):
    """A row of the table."""
    paths = sorted(folder.iterdir())
    count = len(paths)
    classifier = Classifier(model)
    # Threads and kernels are made at the first use.
    list(classifier.classify(paths))
    peak = resident_peak()
    pixels = np.stack([classifier.read(path) for path in paths[:12]])
    pixels = np.repeat(pixels, -(-200 // len(pixels)), axis=0)
    alone = library_alone(model, pixels)
    side = classifier.info.short_side
    times = [
        per_image(lambda: list(classifier.classify(paths)), count),
        per_image(lambda: [classifier.read(path) for path in paths], count),
        per_image(lambda: [by_pillow(path, side) for path in paths], count),
        per_image(lambda: classifier.probabilities(pixels), len(pixels)),
        per_image(alone, len(pixels)),
    ]
    shown = " | ".join(f"{ms:.2f} ms" for ms in times)
    print(f"| {model.name}, {lot} | {shown} | {peak:.0f} MB |", flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("models", type=pathlib.Path, nargs="+")
    parser.add_argument("--part", nargs=2, help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.part:
        folder, lot = args.part
        measure(args.models[0], pathlib.Path(folder), lot)
        return
    print(
        "| file, pictures | `artkd predict` | reading alone | by Pillow | "
        "the network | the library alone | peak of memory |\n"
        "| --- | ---: | ---: | ---: | ---: | ---: | ---: |",
        flush=True,
    )
    with tempfile.TemporaryDirectory() as folder:
        for lot, (count, height, width) in LOTS.items():
            place = pathlib.Path(folder) / lot
            place.mkdir()
            base = picture(height, width, 0)
            for number in range(count):
                content = jpeg(np.roll(base, 7 * number, axis=1))
                (place / f"{number:05d}.jpg").write_bytes(content)
            for model in args.models:
                command = [sys.executable, "-m", "benchmarks.inference"]
                command += [str(model), "--part", str(place), lot]
                subprocess.run(command, check=True)


if __name__ == "__main__":
    main()
