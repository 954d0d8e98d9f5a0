"""Writing of a page and its figures: both, or neither."""

import contextlib
import pathlib
import re
from collections.abc import Iterable, Iterator, Sequence

import jinja2

from keras_artkd.files import replacing
from keras_artkd.report.comparison import comparison_page, line_up
from keras_artkd.report.comparison_figures import FIGURES, draw_comparison
from keras_artkd.report.figures import Drawing, draw_run, save_figures
from keras_artkd.report.page import run_page
from keras_artkd.report.pairs import draw_pairs, find_pairs
from keras_artkd.report.run import RunError, read_run
from keras_artkd.run_folder import DAMAGE, RunFolder
from keras_artkd.types import Path


def write_report(
    run_dir: Path,
    path: Path | None = None,
    pairs: Sequence[Sequence[str]] = (),
) -> pathlib.Path:
    """Writes a run's `report.html`, and its figures as PNG in `figures`.

    Args:
        run_dir: folder of a finished run, see `saved_models/README.md`.
            The content of its folder `figures` is replaced.
        path: the HTML file; `<run_dir>/report.html` by default. The figures
            always go into the run's folder.
        pairs: pairs of class names, whose confusions are shown both ways, and
            drawn as `pair-1.png`, `pair-2.png`, ...; see `pairs.find_pairs`.

    Returns:
        The path of the report.

    Raises:
        ValueError: if the run is not finished, a file of it is damaged,
            `path` is a folder, or a pair is none of this run.
        OSError: if `path` or the run's folder cannot be written. Then neither
            is changed.
    """
    folder = RunFolder(run_dir)
    path = pathlib.Path(path or folder.report)
    _check_output(path, folder.figures)
    with _one_error_for_damage(folder.path):
        run = read_run(folder.path)
    found = find_pairs(run, pairs)
    with _one_error_for_damage(folder.path):
        drawings = draw_run(run) | draw_pairs(run, found)
        in_run = path.parent.resolve() == folder.path.resolve()
        page = run_page(run, drawings, in_run, found).encode()
    _write(path, page, folder.figures, drawings)
    return path


def write_comparison(run_dirs: Iterable[Path], path: Path) -> pathlib.Path:
    """Writes an HTML page that compares runs, and its figures as PNG.

    Args:
        run_dirs: folders of at least two finished runs. The others are
            compared with the first.
        path: the file to write. The figures go into the folder
            `<name of the file>_figures` beside it.

    Returns:
        The path of the page.

    Raises:
        ValueError: if there are fewer than two runs, or one is given twice,
            is not finished or has a damaged file; if `path` is a folder; if
            the folder of the figures holds other files.
        OSError: if `path` or that folder cannot be written. Then neither is
            changed.
    """
    folders = [pathlib.Path(run_dir) for run_dir in run_dirs]
    path = pathlib.Path(path)
    figures = path.parent / f"{path.stem}_figures"
    _check_different(folders)
    _check_output(path, figures)
    _check_only(figures, FIGURES)
    runs = []
    for folder in folders:
        with _one_error_for_damage(folder):
            runs.append(read_run(folder))
    with _one_error_for_damage(*folders):
        entries, differences = line_up(runs)
        drawings = draw_comparison(entries, differences)
        page = comparison_page(entries, differences, drawings, figures.name)
        content = page.encode()
    _write(path, content, figures, drawings)
    return path


def _check_different(run_dirs: list[pathlib.Path]) -> None:
    if len(run_dirs) < 2 or len({p.resolve() for p in run_dirs}) < len(
        run_dirs
    ):
        raise ValueError(
            "A comparison needs at least two different runs. Received: "
            f"{', '.join(map(str, run_dirs)) or 'none'}. Fix: give each once."
        )


def _check_output(path: pathlib.Path, figures: pathlib.Path) -> None:
    """Rejects paths that would fail at the end, or cost files."""
    if path.is_dir():
        raise ValueError(
            f"The page must be a file. Received: {path}, which is a folder. "
            f"Fix: give a file, such as {path / 'report.html'}."
        )
    if figures.resolve() in (path.resolve(), *path.resolve().parents):
        raise ValueError(
            "The page cannot be in the folder of its figures, which is "
            f"replaced. Received: {path}. Fix: give another file."
        )
    if figures.exists() and not figures.is_dir():
        raise ValueError(
            f"The figures need a folder. Received: {figures}, which is a "
            "file. Fix: move it away."
        )


def _check_only(folder: pathlib.Path, names: re.Pattern[str]) -> None:
    """Rejects a folder with other files than those that are replaced."""
    if not folder.is_dir():
        return
    others = sorted(
        file.name
        for file in folder.iterdir()
        if file.suffix != ".png" or not names.fullmatch(file.stem)
    )
    if others:
        raise ValueError(
            "The folder of the figures is replaced, so it must hold nothing "
            f"else. Received: {folder}, which holds {others[0]}. Fix: move "
            "it away, or write the page to another path."
        )


def _write(
    path: pathlib.Path,
    page: bytes,
    figures: pathlib.Path,
    drawings: dict[str, Drawing],
) -> None:
    """Writes the page and its figures, or neither."""
    with replacing(path) as temporary:
        temporary.write_bytes(page)
        save_figures(drawings, figures)


@contextlib.contextmanager
def _one_error_for_damage(*run_dirs: pathlib.Path) -> Iterator[None]:
    """Turns an error from unexpected content into one that names the run."""
    try:
        yield
    except RunError:
        raise
    except (*DAMAGE, jinja2.UndefinedError) as error:
        raise RunError(
            "A file of the run is not as this version writes it. Received: "
            f"{', '.join(map(str, run_dirs))} ({error!r:.300}). Fix: restore "
            "it, or train the run again."
        ) from error
