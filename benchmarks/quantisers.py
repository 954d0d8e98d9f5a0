"""int8 by TensorFlow's converter and by ai-edge-quantizer, same students.

    pip install ai-edge-quantizer
    python -m benchmarks.quantisers RUN [RUN ...]

For each finished run, of its student on its validation and test images: the
share of images classified as the network does, accuracy, size, milliseconds of
one image on one thread, the processor's seconds to write it (the float file
included), and by how much the process grew. The converter quantises in the
network's own conversion; ai-edge-quantizer, which is no dependency of this
package, a float file. Both see the same 256 training images.
"""

import argparse
import gc
import os
import pathlib
import statistics
import tempfile
import time

import numpy as np

from keras_artkd.data.pipeline import evaluation_arrays
from keras_artkd.deploy.export import export_tflite, verify
from keras_artkd.deploy.export.run import choose_calibration_images
from keras_artkd.deploy.finished_run import crop_size, load_data, read_facts
from keras_artkd.deploy.formats.keras_file import load_keras_model
from keras_artkd.deploy.formats.lite_graph import INPUT
from keras_artkd.deploy.lite import LiteModel
from keras_artkd.run_folder import RunFolder

ROW = "| {:23} | {:>9} | {:>8} | {:>6} | {:>6} | {:>7} | {:>6} |"


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("runs", nargs="+", metavar="RUN")
    for run in parser.parse_args().runs:
        measure(RunFolder(run))


def measure(folder: RunFolder) -> None:
    facts = read_facts(folder)
    data = load_data(facts.data, None)
    sizes = crop_size(facts.settings), facts.settings["image_size"]
    calibration = choose_calibration_images(data.train, *sizes)
    held_out = [
        evaluation_arrays(part, *sizes) for part in (data.validation, data.test)
    ]
    images, labels = map(np.concatenate, zip(*held_out, strict=True))
    student = load_keras_model(folder.student)
    logits = student.predict(images, verbose=0)
    accuracy = np.mean(logits.argmax(axis=1) == labels)
    print(f"{folder.name}: {len(images)} images, Keras {accuracy:.2%}")
    print(ROW.format("", "agreement", "accuracy", "KiB", "ms", "written", "MB"))
    writers = {
        "float": lambda path: export_tflite(student, path),
        "int8, converter": lambda path: export_tflite(
            student, path, "int8", calibration
        ),
        "int8, ai-edge-quantizer": lambda path: by_quantizer(
            student, path, calibration
        ),
    }
    with tempfile.TemporaryDirectory() as place:
        path = pathlib.Path(place, "student.tflite")
        for name, write in writers.items():
            before, start = resident(), time.process_time()
            write(path)
            seconds = time.process_time() - start
            gc.collect()
            grown = resident() - before
            report = verify(path, images, logits, labels)
            print(
                ROW.format(
                    name,
                    f"{report['agreement']:.1%}",
                    f"{report['accuracy']:.2%}",
                    f"{report['size_bytes'] / 1024:.0f}",
                    f"{milliseconds(path, images):.2f}",
                    f"{seconds:.1f} s",
                    f"{grown:.0f}",
                ),
                flush=True,
            )


def by_quantizer(model, path, images):
    """An int8 file as ai-edge-quantizer makes it, of the float file."""
    from ai_edge_quantizer import calibrator, quantizer
    from ai_edge_quantizer.utils import qsv_utils

    recipe = make_recipe()
    export_tflite(model, path)
    calibration = calibrator.Calibrator(
        str(path),
        num_threads=os.cpu_count() or 1,
        # Its own default is a moving average, which forgets most images.
        qsv_update_func=qsv_utils.min_max_update,
    )
    seen = [{INPUT: image[None].astype("float32")} for image in images]
    calibration.calibrate({"serving_default": seen}, recipe)
    ranges = calibration.get_model_qsvs()
    # Scale 1 and zero point 0: the bytes of an image are the quantised input,
    # even where no calibration image has a black and a white pixel.
    shape = np.shape(ranges[INPUT]["min"])
    ranges[INPUT] = {
        "min": np.full(shape, 0.0, "float32"),
        "max": np.full(shape, 255.0, "float32"),
    }
    result = quantizer.Quantizer(
        str(path), recipe.get_quantization_recipe()
    ).quantize(ranges, enable_progress_report=False)
    path.write_bytes(result.quantized_model)


def make_recipe():
    """What the quantiser does with which operation."""
    from ai_edge_quantizer import algorithm_manager, qtyping, recipe_manager

    operations = qtyping.TFLOperationName
    bits = qtyping.TensorQuantizationConfig
    recipe = recipe_manager.RecipeManager()
    recipe.add_static_config(".*", operations.ALL_SUPPORTED, 8, 8)
    recipe.add_quantization_config(
        ".*",
        operations.INPUT,
        qtyping.OpQuantizationConfig(
            bits(8, symmetric=False, dtype=qtyping.TensorDataType.UINT),
            bits(8),
            qtyping.ComputePrecision.INTEGER,
        ),
    )
    # Probabilities in 256 steps would make near classes equal.
    for name in (operations.SOFTMAX, operations.OUTPUT):
        recipe.add_quantization_config(
            ".*",
            name,
            algorithm_key=algorithm_manager.AlgorithmName.NO_QUANTIZE,
        )
    return recipe


def milliseconds(path, images, repeats=200):
    """The median of one image on one thread, of the processor's own time."""
    model, durations = LiteModel(path, num_threads=1), []
    for index in range(repeats):
        start = time.process_time()
        model.predict(images[index % len(images)][None])
        durations.append(1000 * (time.process_time() - start))
    return statistics.median(durations)


def resident() -> float:
    """Memory that this process holds, MB (Linux)."""
    pages = pathlib.Path("/proc/self/statm").read_text().split()[1]
    return int(pages) * 4096 / 1e6


if __name__ == "__main__":
    main()
