"""Turn a finished run into a file to deploy, checked before it is kept.

  artkd export saved_models/folder/RUN
  artkd export RUN --format tflite --quantize int8
  artkd export RUN --format onnx --quantize float16 --output style.onnx

The file's answers on the run's validation images are compared with the Keras
model's. A file that falls short of the thresholds is not kept: the exit
status is 2 and the error says by how much.
"""

import argparse


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declares the command line."""
    from keras_artkd.deploy.formats import EXPORT_FORMATS
    from keras_artkd.deploy.formats.base import BATCHES

    offers = [
        f"{name}: {', '.join(file_format.quantisations)}"
        for name, file_format in EXPORT_FORMATS.items()
    ]
    parser.add_argument("run", metavar="RUN", help="folder of a finished run")
    parser.add_argument(
        "--format",
        default="tflite",
        metavar="FORMAT",
        help=f"{', '.join(EXPORT_FORMATS)} (tflite)",
    )
    parser.add_argument(
        "--quantize",
        default="none",
        metavar="KIND",
        help=f"{'; '.join(offers)} (none)",
    )
    parser.add_argument(
        "--batch",
        choices=BATCHES,
        help="images that the file takes at once: 1, as clients on phones and "
        "in browsers want it, or any number (1 of tflite, open of the others)",
    )
    parser.add_argument(
        "--output", metavar="PATH", help="the file or folder to write (in RUN)"
    )
    parser.add_argument(
        "--data-dir",
        metavar="DIR",
        help="folder of the run's images, if they moved since",
    )
    parser.add_argument(
        "--min-agreement",
        type=float,
        default=0.9,
        metavar="SHARE",
        help="of images to be classified as the Keras model does, as far as "
        "so many images can tell (0.9)",
    )
    parser.add_argument(
        "--max-accuracy-drop",
        type=float,
        default=0.01,
        metavar="SHARE",
        help="how much less accurate the file may be, as far as so many "
        "images can tell (0.01)",
    )
    parser.add_argument(
        "--licence", help="for the model card; the run's own by default"
    )


def run(arguments: argparse.Namespace) -> int:
    """Exports, and prints what was measured."""
    from keras_artkd.deploy.export import ParityGate, export_run

    path, report = export_run(
        arguments.run,
        arguments.format,
        arguments.quantize,
        path=arguments.output,
        data_dir=arguments.data_dir,
        gate=ParityGate(arguments.min_agreement, arguments.max_accuracy_drop),
        licence=arguments.licence,
        batch=arguments.batch,
    )
    low, high = report["accuracy_drop_interval"]
    print(
        f"{path}: {report['size_bytes'] / 1024:.0f} KiB, agrees with the Keras "
        f"model on {report['agreement']:.2%} of {report['held_out']}, accuracy "
        f"{report['accuracy']:.2%} ({report['accuracy_drop']:.2%} below it; "
        f"95%: {low:.2%} to {high:.2%}), {report['milliseconds']:.2f} ms an "
        f"image ({report['runtime']})"
    )
    return 0
