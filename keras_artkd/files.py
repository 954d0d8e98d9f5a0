"""Files and folders that are there whole or not at all."""

import contextlib
import json
import os
import pathlib
import shutil
import tempfile


@contextlib.contextmanager
def replacing(path):
    """Gives a temporary path, renamed to `path` if all goes well.

    Whoever reads `path` finds the old file (or folder) or the new one, never
    a part. The temporary path lies in a hidden folder beside `path`: on the
    same disk, so that the rename is atomic, and removed with all that is in
    it upon an error.

    Raises:
        OSError: if nothing can be written there.
    """
    path = pathlib.Path(path)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        workplace = tempfile.mkdtemp(dir=path.parent, prefix=f".{path.name}.")
    except OSError as error:
        raise OSError(
            error.errno,
            "The folder to write in must be writable. Fix: choose another "
            f"path, or free or unlock this one ({error.strerror})",
            str(path),
        ) from error
    workplace = pathlib.Path(workplace)
    try:
        new, old = workplace / path.name, workplace / "old"
        yield new
        if path.is_dir():
            # A folder cannot be replaced by one rename; two, with a way back.
            os.rename(path, old)
            try:
                os.rename(new, path)
            except BaseException:
                os.rename(old, path)
                raise
        else:
            os.replace(new, path)
    finally:
        shutil.rmtree(workplace, ignore_errors=True)


def write_atomically(path, write):
    """Has `write(temporary_path)` make what becomes `path`; see `replacing`."""
    with replacing(path) as temporary:
        write(temporary)


def write_text(path, text):
    """Writes text as UTF-8, atomically."""
    write_atomically(path, lambda p: p.write_text(text, encoding="utf-8"))


def write_json(path, value):
    """Writes JSON, atomically."""
    write_text(path, json.dumps(value, indent=1, ensure_ascii=False) + "\n")


def read_json(path):
    """Reads JSON."""
    return json.loads(pathlib.Path(path).read_text(encoding="utf-8"))
