"""Turn a finished run into a file to deploy, checked before it is kept.

  artkd export saved_models/folder/RUN
  artkd export RUN --format tflite --quantize int8
  artkd export RUN --fine-tune 5
  artkd export RUN --format onnx --quantize float16 --output style.onnx
  artkd export RUN --format hub --licence CC-BY-4.0
  artkd export RUN --format web

--format hub writes a folder for the Hugging Face Hub, with what the run has
exported before; nothing is uploaded.
--format web writes a folder with a page in which the model runs, for any
server of files and for `artkd serve RUN`. LiteRT.js comes with npm, or from
--runtime; where neither is there, the page loads it from the network.

--fine-tune trains the student some epochs more while it computes as its int8
file will, by its own answers in floats and the labels. The int8 file of it is
kept if it is better on the validation images than the one before; the run's
student stays as it is.

The file's answers on the run's validation images are compared with the Keras
model's. A file that falls short of the thresholds is not kept: the exit
status is 2 and the error says by how much.
"""

import argparse
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from keras_artkd.deploy.export import ParityGate


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declares the command line."""
    from keras_artkd.deploy.bundles import BUNDLES
    from keras_artkd.deploy.formats import EXPORT_FORMATS
    from keras_artkd.deploy.formats.base import BATCHES

    bundles = [f"{each.name} ({each.summary})" for each in BUNDLES.values()]
    offers = [
        f"{name}: {', '.join(file_format.quantisations)}"
        for name, file_format in EXPORT_FORMATS.items()
    ]
    parser.add_argument("run", metavar="RUN", help="folder of a finished run")
    parser.add_argument(
        "--format",
        default="tflite",
        metavar="FORMAT",
        help=f"{', '.join([*EXPORT_FORMATS, *bundles])} (tflite)",
    )
    parser.add_argument(
        "--quantize",
        metavar="KIND",
        help=f"{'; '.join(offers)} (none); of the model in a page as of "
        "tflite (float16)",
    )
    parser.add_argument(
        "--batch",
        choices=BATCHES,
        help="images that the file takes at once: 1, as clients on phones and "
        "in browsers want it, or any number (1 of tflite, open of the others)",
    )
    parser.add_argument(
        "--fine-tune",
        type=int,
        metavar="EPOCHS",
        help="train the student so many epochs more for its int8 file, where "
        "that loses accuracy (5 are mostly enough); implies --quantize int8",
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
        metavar="SHARE",
        help="of images to be classified as the Keras model does, as far as "
        "so many images can tell (0.9)",
    )
    parser.add_argument(
        "--max-accuracy-drop",
        type=float,
        metavar="SHARE",
        help="how much less accurate the file may be, as far as so many "
        "images can tell (0.01)",
    )
    parser.add_argument(
        "--licence", help="for the model card; the run's own by default"
    )
    parser.add_argument(
        "--runtime",
        metavar="DIR",
        help="of a page: folder with the npm package @litertjs/core, unpacked "
        "or in node_modules",
    )


def run(arguments: argparse.Namespace) -> int:
    """Exports, and prints what was measured."""
    from keras_artkd.deploy.bundles import BUNDLES
    from keras_artkd.deploy.formats import EXPORT_FORMATS

    if arguments.format not in (known := [*EXPORT_FORMATS, *BUNDLES]):
        raise ValueError(
            f"--format must be one of {', '.join(known)}. Received: --format "
            f"{arguments.format}."
        )
    given = {
        name: value
        for name, value in vars(arguments).items()
        if name in _OPTIONS and value is not None
    }
    is_bundle = arguments.format in BUNDLES
    taken = BUNDLES[arguments.format].options if is_bundle else _OF_FORMATS
    for option in given:
        if option not in taken:
            flag = f"--{option.replace('_', '-')}"
            raise ValueError(
                f"{flag} has no meaning for --format {arguments.format}. "
                f"Received: {flag} {given[option]}. Fix: leave it out."
            )
    return (_write_bundle if is_bundle else _export)(arguments, given)


# What a format may be asked for; a bundle says it itself.
_OF_FORMATS = (
    "quantize",
    "batch",
    "fine_tune",
    "data_dir",
    "min_agreement",
    "max_accuracy_drop",
    "licence",
)
_OPTIONS = (*_OF_FORMATS, "runtime")


def _write_bundle(arguments: argparse.Namespace, given: dict[str, Any]) -> int:
    from keras_artkd.deploy.bundles import write_bundle
    from keras_artkd.deploy.export.parity import size_of

    folder, remark = write_bundle(
        arguments.format, arguments.run, arguments.output, **given
    )
    print(f"{folder}: {size_of(folder) / 1024:.0f} KiB. {remark}")
    return 0


def _export(arguments: argparse.Namespace, given: dict[str, Any]) -> int:
    from keras_artkd.deploy.export import ParityGate, export_run

    gate = ParityGate(
        **{
            name: given.pop(name)
            for name in ("min_agreement", "max_accuracy_drop")
            if name in given
        }
    )
    if "fine_tune" in given:
        return _fine_tune(arguments, given, gate)
    path, report = export_run(
        arguments.run,
        arguments.format,
        path=arguments.output,
        gate=gate,
        **given,
    )
    print(f"{path}: {_words(report)}")
    _print_next(arguments.run, report)
    return 0


def _fine_tune(
    arguments: argparse.Namespace,
    given: dict[str, Any],
    gate: "ParityGate",
) -> int:
    from keras_artkd.runs.fine_tuning import fine_tune_run

    if given.pop("quantize", "int8") != "int8":
        raise ValueError(
            "--fine-tune is for int8 files. Received: --quantize "
            f"{arguments.quantize}. Fix: leave one of them out."
        )
    result = fine_tune_run(
        arguments.run,
        given.pop("fine_tune"),
        arguments.format,
        path=arguments.output,
        gate=gate,
        **given,
    )
    before, after = (
        f"{each['accuracy']:.2%} (agrees with the Keras model on "
        f"{each['agreement']:.2%})"
        for each in (result.before, result.after)
    )
    print(
        f"int8 on the validation images: {before} before, {after} after "
        f"{arguments.fine_tune} epochs; the Keras model has "
        f"{result.before['accuracy'] + result.before['accuracy_drop']:.2%}."
    )
    if result.report is None:
        left = "is as it was" if result.path.exists() else "is not there"
        print(f"It is no better: nothing is written, {result.path} {left}.")
        return 0
    print(f"{result.path}: {_words(result.report)}")
    _print_next(arguments.run, result.report)
    return 0


def _words(report: dict[str, Any]) -> str:
    """What was measured of a file."""
    low, high = report["accuracy_drop_interval"]
    return (
        f"{report['size_bytes'] / 1024:.0f} KiB, agrees with the Keras "
        f"model on {report['agreement']:.2%} of {report['held_out']}, accuracy "
        f"{report['accuracy']:.2%} ({report['accuracy_drop']:.2%} below it; "
        f"95%: {low:.2%} to {high:.2%}), {report['milliseconds']:.2f} ms an "
        f"image ({report['runtime']})"
    )


def _print_next(run: str, report: dict[str, Any]) -> None:
    """Names the command that may help an int8 file that loses much."""
    from keras_artkd.measure.verdict import int8_concern

    if (concern := int8_concern(report, run)) is not None:
        print(f"  {concern['what']} Next: {concern['next']}.")
