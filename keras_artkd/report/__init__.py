"""Reports: what a run leaves behind, made into one HTML file.

From the run's files alone: neither Keras nor TensorFlow is imported.
"""

import contextlib
import pathlib

from keras_artkd.files import replacing


def write_report(run_dir, path=None):
    """Writes a run's `report.html`, and its figures as PNG in `figures`.

    Args:
        run_dir: folder of a finished run, see `saved_models/README.md`.
            What its folder `figures` held before is replaced.
        path: the HTML file; `<run_dir>/report.html` by default. The figures
            are in the run's folder wherever it is.

    Returns:
        `pathlib.Path` of the report.

    Raises:
        ValueError: if the run is not finished, a file of it is damaged, or
            `path` is a folder.
        OSError: if `path` or the run's folder cannot be written; neither is
            changed then.
    """
    # Imported here: `keras_artkd.report.gallery` needs NumPy alone.
    from keras_artkd.report.figures import draw_run
    from keras_artkd.report.page import run_page
    from keras_artkd.report.run import read_run

    run_dir = pathlib.Path(run_dir)
    path = pathlib.Path(path or run_dir / "report.html")
    figures = run_dir / "figures"
    _check_output(path, figures)
    with _files_as_expected(run_dir):
        run = read_run(run_dir)
        drawings = draw_run(run)
        in_run = path.parent.resolve() == run_dir.resolve()
        page = run_page(run, drawings, in_run).encode()
    _write(path, page, figures, drawings)
    return path


def write_comparison(run_dirs, path):
    """Writes an HTML file that puts runs side by side, and its figures as PNG.

    Args:
        run_dirs: folders of at least two finished runs; the others are
            compared with the first.
        path: the file to write. The figures go into the folder
            `<name of the file>_figures` beside it.

    Returns:
        `pathlib.Path` of the file.

    Raises:
        ValueError: if there are fewer than two runs, one is given twice, is
            not finished, or a file of it is damaged; if `path` is a folder or
            the folder for the figures holds anything else.
        OSError: if `path` or that folder cannot be written; neither is
            changed then.
    """
    from keras_artkd.report.comparison import (
        FIGURES,
        comparison_page,
        draw_comparison,
        line_up,
    )
    from keras_artkd.report.run import read_run

    run_dirs = [pathlib.Path(run_dir) for run_dir in run_dirs]
    path = pathlib.Path(path)
    figures = path.parent / f"{path.stem}_figures"
    _check_different(run_dirs)
    _check_output(path, figures)
    _check_only(figures, {f"{name}.png" for name in FIGURES})
    runs = []
    for run_dir in run_dirs:
        with _files_as_expected(run_dir):
            runs.append(read_run(run_dir))
    with _files_as_expected(*run_dirs):
        entries, differences = line_up(runs)
        drawings = draw_comparison(entries, differences)
        page = comparison_page(entries, differences, drawings, figures.name)
        page = page.encode()
    _write(path, page, figures, drawings)
    return path


def _check_different(run_dirs):
    if len(run_dirs) < 2 or len({p.resolve() for p in run_dirs}) < len(
        run_dirs
    ):
        raise ValueError(
            "A comparison needs at least two different runs. Received: "
            f"{', '.join(map(str, run_dirs)) or 'none'}. Fix: give each once."
        )


def _check_output(path, figures):
    """Refuses what could only fail, or lose files, when all is done."""
    if path.is_dir():
        raise ValueError(
            f"The page is a file. Received: {path}, which is a folder. Fix: "
            f"give a file, such as {path / 'report.html'}."
        )
    if figures.resolve() in (path.resolve(), *path.resolve().parents):
        raise ValueError(
            "The page cannot lie in the folder of its figures, which is "
            f"replaced. Received: {path}. Fix: give another file."
        )
    if figures.exists() and not figures.is_dir():
        raise ValueError(
            f"The figures need a folder. Received: {figures}, which is a "
            "file. Fix: move it away."
        )


def _check_only(folder, names):
    """Refuses to replace a folder that holds what is not made anew."""
    if not folder.is_dir():
        return
    others = sorted({file.name for file in folder.iterdir()} - names)
    if others:
        raise ValueError(
            "The folder of the figures is replaced. Received: "
            f"{folder}, which holds {others[0]}, not one of them. Fix: move it "
            "away, or write the page to another path."
        )


def _write(path, page, figures, drawings):
    """Writes the page and its figures, or neither."""
    from keras_artkd.report.figures import save_figures

    with replacing(path) as temporary:
        temporary.write_bytes(page)
        save_figures(drawings, figures)


@contextlib.contextmanager
def _files_as_expected(*run_dirs):
    """Tells damage that nobody looked for in one line that names the run."""
    import jinja2

    from keras_artkd.report.run import RunError

    damage = (
        ArithmeticError,
        AttributeError,
        LookupError,
        TypeError,
        ValueError,
        jinja2.UndefinedError,
    )
    try:
        yield
    except RunError:
        raise
    except damage as error:
        raise RunError(
            "A file of the run is not what this version writes. Received: "
            f"{', '.join(map(str, run_dirs))} ({error!r}). Fix: restore it, "
            "or run its recipe again."
        ) from error
