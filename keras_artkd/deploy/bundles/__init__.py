"""Folders to deploy: one module and one row of the table each."""

import fnmatch
import pathlib
from typing import Any

from keras_artkd.deploy.bundles import hub, web
from keras_artkd.deploy.bundles.base import Bundle
from keras_artkd.deploy.finished_run import check_finished
from keras_artkd.types import Path

BUNDLES: dict[str, Bundle] = {
    bundle.name: bundle for bundle in (hub.BUNDLE, web.BUNDLE)
}


def write_bundle(
    name: str, run_dir: Path, output: Path | None = None, **options: Any
) -> tuple[pathlib.Path, str]:
    """Writes a bundle of a finished run.

    Args:
        name: a key of `BUNDLES`.
        run_dir: folder of the run.
        output: the folder to write; by default in the run's.
        **options: of the bundle.

    Returns:
        `(folder, what there is to say of it)`.

    Raises:
        ValueError: if the run is not finished, something else would be lost,
            or the bundle does not take an option.
        OSError: if the folder cannot be written.
    """
    bundle = BUNDLES[name]
    for option in options:
        if option not in bundle.options:
            raise ValueError(
                f"A bundle must take its options: {name} takes "
                f"{', '.join(bundle.options) or 'none'}. Received: {option}. "
                "Fix: leave it out."
            )
    run = check_finished(run_dir)
    folder = pathlib.Path(output or run.path / bundle.name)
    if folder.exists() and not _is_replaceable(folder, bundle):
        raise ValueError(
            f"The folder must be new, empty or one of {name} alone (anything "
            f"else there would be lost). Received: {folder}. Fix: choose "
            "another folder."
        )
    return folder, bundle.write(run, folder, **options)


def _is_replaceable(path: pathlib.Path, bundle: Bundle) -> bool:
    return path.is_dir() and all(
        any(fnmatch.fnmatchcase(file.name, pattern) for pattern in bundle.files)
        for file in path.iterdir()
    )
