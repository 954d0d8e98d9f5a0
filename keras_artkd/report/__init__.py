"""Reports: what a run leaves behind, made into one HTML file.

From the run's files alone: neither Keras nor TensorFlow is imported.
"""

import contextlib
import pathlib

from keras_artkd.files import write_text


def write_report(run_dir, path=None):
    """Writes a run's `report.html`, and its figures as PNG in `figures`.

    Args:
        run_dir: folder of a finished run, see `saved_models/README.md`.
            What its folder `figures` held before is replaced.
        path: the HTML file; `<run_dir>/report.html` by default.

    Returns:
        `pathlib.Path` of the report.

    Raises:
        ValueError: if the run is not finished or a file of it is damaged.
        OSError: if the folder cannot be written in.
    """
    # Imported here: `keras_artkd.report.gallery` needs NumPy alone.
    from keras_artkd.report.figures import draw_run, save_figures
    from keras_artkd.report.page import run_page
    from keras_artkd.report.run import read_run

    run = read_run(run_dir)
    with _files_as_expected(run.path):
        figures = draw_run(run)
        page = run_page(run, figures)
    save_figures(figures, run.path / "figures")
    path = pathlib.Path(path or run.path / "report.html")
    write_text(path, page)
    return path


def write_comparison(run_dirs, path):
    """Writes an HTML file that puts runs side by side.

    Args:
        run_dirs: folders of at least two finished runs; the others are
            compared with the first.
        path: the file to write.

    Returns:
        `pathlib.Path` of the file.

    Raises:
        ValueError: if there are fewer than two runs, one is given twice, is
            not finished, or a file of it is damaged.
        OSError: if the file cannot be written.
    """
    from keras_artkd.report.comparison import comparison_page
    from keras_artkd.report.run import read_run

    runs = [read_run(run) for run in run_dirs]
    with _files_as_expected(*run_dirs):
        page = comparison_page(runs)
    write_text(path, page)
    return pathlib.Path(path)


@contextlib.contextmanager
def _files_as_expected(*run_dirs):
    """Tells damage that only shows when a page is made, in one line."""
    import jinja2

    damage = (
        AttributeError,
        IndexError,
        KeyError,
        TypeError,
        jinja2.UndefinedError,
    )
    try:
        yield
    except damage as error:
        raise ValueError(
            "A file of the run is not what this version writes. Received: "
            f"{', '.join(map(str, run_dirs))} ({error!r}). Fix: restore it, "
            "or run its recipe again."
        ) from error
