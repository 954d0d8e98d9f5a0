"""The command `artkd`.

Nothing heavy is imported here, and of the commands only the one that runs:
`artkd --help` answers at once, and `artkd predict` of a `.tflite` file needs
neither TensorFlow nor Keras.
"""

import argparse
import importlib
import os
import sys

from keras_artkd.output import ending_with_its_reader
from keras_artkd.version import __version__

# Name of the command, and of its module in `keras_artkd.commands` -> help.
COMMANDS = {
    "predict": "classify image files with a model file",
    "evaluate": "measure a model file on a folder of labelled images",
    "export": "turn a finished run into a file to deploy, checked",
    "report": "make the HTML report of a run, or of several side by side",
    "doctor": "look for what is wrong in a folder of labelled images",
    "methods": "list the methods and their options, or explain one",
}


class _Parser(argparse.ArgumentParser):
    """Says what is wrong in one line."""

    def error(self, message):
        self.exit(2, f"error: {message} (see {self.prog} --help)\n")


def main(arguments=None):
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


def _main(arguments):
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

    module = importlib.import_module(f"keras_artkd.commands.{command}")
    command_parser = _Parser(
        prog=f"artkd {command}",
        description=module.__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    module.add_arguments(command_parser)
    return _run(module, command_parser.parse_args(arguments[1:]))


def _run(module, arguments):
    # TensorFlow's start-up chatter says nothing that a user can act on.
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    try:
        status = module.run(arguments)
        sys.stdout.flush()
        return status
    except BrokenPipeError:
        # An OSError that `main` knows to take.
        raise
    except FileNotFoundError as error:
        print(
            f"error: There is no file {error.filename}. Fix: check the path.",
            file=sys.stderr,
        )
        return 2
    except (ValueError, OSError, ImportError) as error:
        print(f"error: {' '.join(str(error).split())}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("interrupted", file=sys.stderr)
        return 130


if __name__ == "__main__":
    raise SystemExit(main())
