"""Make the HTML report of a run, or of several side by side.

  artkd report saved_models/folder/RUN
  artkd report RUN RUN RUN --output comparison.html

One run: writes RUN/report.html, and its figures as PNG files in RUN/figures.
Several: a comparison with the first of them. It belongs to no run, so it goes
into the current folder, as comparison.html with its figures in
comparison_figures, unless --output says where; an older one is replaced. From
the files of the runs alone; neither their images nor TensorFlow is needed.
"""

import importlib.util
import pathlib


def add_arguments(parser):
    """Declares the command line."""
    parser.add_argument(
        "runs", nargs="+", metavar="RUN", help="folder of a finished run"
    )
    parser.add_argument(
        "--output",
        metavar="FILE",
        help="where to write the page (RUN/report.html; of several runs "
        "comparison.html in the current folder)",
    )


def run(arguments):
    """Writes the report and prints its path."""
    for name in ("matplotlib", "jinja2"):
        if importlib.util.find_spec(name) is None:
            raise ImportError(
                f"A report needs {name}, which is not installed. "
                "Fix: pip install keras_artkd[recipes]"
            )
    # Imported here: help comes without NumPy and matplotlib.
    from keras_artkd.report import write_comparison, write_report

    if len(arguments.runs) > 1:
        # Nobody named the folder: what is printed does.
        default = pathlib.Path("comparison.html").resolve()
        path = write_comparison(arguments.runs, arguments.output or default)
    else:
        path = write_report(arguments.runs[0], arguments.output)
    print(path)
    return 0
