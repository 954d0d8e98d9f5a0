"""int8 by TensorFlow's converter and by ai-edge-quantizer, same students.

  python -m benchmarks.quantisers RUN [RUN ...]

For each finished run, of its student on its validation and test images: the
share of images classified as the network does, accuracy, size, milliseconds of
one image on one thread, the processor's seconds to write it (the float file
included), and by how much the process grew. The converter quantises in the
network's own conversion; ai-edge-quantizer a float file. Both see the same 256
training images.
"""

import argparse
import gc
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
from keras_artkd.deploy.formats.lite_graph import finish_graph
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
        "int8, converter": lambda path: by_converter(
            student, path, calibration
        ),
        "int8, ai-edge-quantizer": lambda path: export_tflite(
            student, path, "int8", calibration
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


def by_converter(model, path, images):
    """An int8 file as TensorFlow's converter makes it."""
    import tensorflow as tf

    def seen():
        for index, image in enumerate(images.astype("float32")):
            if index == 0:  # Pins the scale of the input to 1.
                image.flat[0], image.flat[-1] = 0.0, 255.0
            yield [image[None]]

    model.export(
        str(path),
        format="litert",
        input_signature=[tf.TensorSpec((1, *images.shape[1:]), name="image")],
        verbose=False,
        optimizations=[tf.lite.Optimize.DEFAULT],
        representative_dataset=seen,
        target_spec={"supported_ops": [tf.lite.OpsSet.TFLITE_BUILTINS_INT8]},
        inference_input_type=tf.uint8,
        inference_output_type=tf.float32,
    )
    finish_graph(path, gives_logits=True)


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
