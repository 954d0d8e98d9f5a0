"""Make the HTML report of a run, or compare several runs.

  artkd report saved_models/folder/RUN
  artkd report RUN --pair Baroque Rococo
  artkd report RUN RUN RUN --output comparison.html

One run: writes RUN/report.html, and its figures as PNG files in RUN/figures.
Each --pair adds the test images of one class that were taken for the other,
both ways, and draws them as RUN/figures/pair-1.png and so on. A run keeps
thumbnails of some mistakes, those of the commonest confusions first; the
report says how many of how many.
Several runs: compares them with the first one. The comparison belongs to no
run. Therefore it goes into the current folder, as comparison.html with its
figures in comparison_figures, or to --output; an older one is replaced.
Everything is made from the files of the runs; neither their images nor
TensorFlow is needed.
"""

import argparse
import pathlib


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declares the command line."""
    parser.add_argument(
        "runs", nargs="+", metavar="RUN", help="folder of a finished run"
    )
    parser.add_argument(
        "--pair",
        nargs=2,
        action="append",
        default=[],
        metavar=("CLASS", "OTHER"),
        help="two classes whose confusions are shown, of one run; may be "
        "given several times",
    )
    parser.add_argument(
        "--output",
        metavar="FILE",
        help="the page to write (RUN/report.html; for several runs "
        "comparison.html in the current folder)",
    )


def run(arguments: argparse.Namespace) -> int:
    """Writes the report and prints its path."""
    # Imported here: --help needs neither NumPy nor matplotlib.
    from keras_artkd.report import write_comparison, write_report

    if len(arguments.runs) > 1:
        if arguments.pair:
            raise ValueError(
                "--pair shows images of one run. Received: "
                f"{len(arguments.runs)} runs. Fix: give one of them, or leave "
                "out --pair."
            )
        # The user has not named the folder, so the full path is printed.
        default = pathlib.Path("comparison.html").resolve()
        path = write_comparison(arguments.runs, arguments.output or default)
    else:
        path = write_report(arguments.runs[0], arguments.output, arguments.pair)
    print(path)
    return 0
