"""The command `artkd`.

Nothing heavy is imported here, and of the commands only the one that runs:
`artkd --help` answers at once, and `artkd predict` of a `.tflite` file needs
neither TensorFlow nor Keras.
"""

import argparse
import importlib
import os
import sys
from collections.abc import Sequence
from typing import NoReturn

from keras_artkd.cli.status import exit_status
from keras_artkd.output import ending_with_its_reader
from keras_artkd.version import __version__

# Name of the command, and of its module in `keras_artkd.cli` -> help. A module
# has `main(arguments)`, which reads the words of its command line itself, or
# `add_arguments(parser)` and `run(arguments)`. Both return the exit status.
COMMANDS = {
    "train": "train a small classifier from a folder of images, or by a recipe",
    "predict": "classify image files with a model",
    "evaluate": "measure a model on labelled images",
    "export": "turn a finished run into a file to deploy, checked",
    "serve": "show a finished run's student as a page in the browser",
    "report": "make the HTML report of a run, or of several side by side",
    "samples": "draw training images of each class, or as training sees them",
    "doctor": "look for what is wrong in a folder of labelled images",
    "label": "label pictures that nobody has labelled, most telling first",
    "search": "search the settings of a recipe",
    "study": "run the papers' tables on any images",
    "methods": "list the methods and their options, or explain one",
}


class _Parser(argparse.ArgumentParser):
    """Reports an error in one line."""

    def error(self, message: str) -> NoReturn:
        self.exit(2, f"error: {message} (see {self.prog} --help)\n")


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs `artkd`.

    Args:
        arguments: list of str; those of the command line by default.

    Returns:
        Exit status: 0, another that the command documents, or 2 for input
        that cannot be used, with one line saying why.
    """
    arguments = sys.argv[1:] if arguments is None else list(arguments)
    with ending_with_its_reader():
        return _main(arguments)


def _main(arguments: list[str]) -> int:
    parser = _Parser(
        prog="artkd",
        description="Small image classifiers by knowledge distillation.",
        formatter_class=argparse.RawDescriptionHelpFormatter,
        epilog="commands:\n"
        + "".join(f"  {name:10}{text}\n" for name, text in COMMANDS.items())
        + "\nartkd COMMAND --help tells more.",
        usage="artkd [-h] [--version] COMMAND ...",
    )
    parser.add_argument(
        "--version", action="version", version=f"artkd {__version__}"
    )
    parser.add_argument("command", help=argparse.SUPPRESS, choices=COMMANDS)
    if not arguments:
        parser.print_help()
        return 2
    command = parser.parse_args(arguments[:1]).command

    # A user can do nothing about TensorFlow's messages at its start.
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    return _run(command, arguments[1:])


def _run(command: str, arguments: list[str]) -> int:
    module = importlib.import_module(f"keras_artkd.cli.{command}")
    if hasattr(module, "main"):
        return exit_status(lambda: module.main(arguments))
    parser = _Parser(
        prog=f"artkd {command}",
        description=module.__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    module.add_arguments(parser)
    parsed = parser.parse_args(arguments)
    return exit_status(lambda: module.run(parsed))


if __name__ == "__main__":
    raise SystemExit(main())
