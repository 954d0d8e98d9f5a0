"""Files and folders that are there whole or not at all."""

import contextlib
import json
import math
import os
import pathlib
import re
import shutil
import tempfile
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from keras_artkd.types import Array, Path

# Of Unicode.
_LAST_POINT = 0x10FFFF
# The hidden folders of `replacing`, as `tempfile` ends their names.
_TEMPORARY = re.compile(r"\..+\.[a-z0-9_]{8}")


# How many times its size an array may become when it is unpacked, and what is
# admitted whatever that is: blank pictures shrink a thousand times.
_MAX_GROWTH = 100
_ALWAYS_ADMITTED = 2**28
_HEADERS = {
    (1, 0): np.lib.format.read_array_header_1_0,
    (2, 0): np.lib.format.read_array_header_2_0,
}


def sweep(folder: Path) -> None:
    """Removes what killed processes left of unfinished files in a folder.

    Args:
        folder: of which no other process writes a file now; may be missing.
    """
    folder = pathlib.Path(folder)
    if not folder.is_dir():
        return
    for path in folder.iterdir():
        if path.is_dir() and _TEMPORARY.fullmatch(path.name):
            shutil.rmtree(path, ignore_errors=True)


@contextlib.contextmanager
def replacing(path: Path) -> Iterator[pathlib.Path]:
    """Gives a temporary path, renamed to `path` if all goes well.

    Whoever reads `path` finds the old file or the new one, never a part (of a
    folder, for a moment, none). The temporary path lies in a hidden folder
    beside `path`: on the same disk, so that the rename is atomic, and removed
    with all that is in it upon an error. A file never takes the place of a
    folder, nor a folder that of a file.

    Raises:
        ValueError: if the one is a file and the other a folder.
        OSError: if nothing can be written there.
    """
    path = pathlib.Path(path)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        made = tempfile.mkdtemp(dir=path.parent, prefix=f".{path.name}.")
    except OSError as error:
        raise OSError(
            error.errno,
            "The folder to write in must be writable. Fix: choose another "
            f"path, or free or unlock this one ({error.strerror})",
            str(path),
        ) from error
    workplace = pathlib.Path(made)
    try:
        new, old = workplace / path.name, workplace / "old"
        yield new
        if path.exists():
            _check_kind(path, new.is_dir())
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


def _check_kind(path: pathlib.Path, folder: bool) -> None:
    if path.is_dir() != folder:
        kinds = ("file", "folder") if folder else ("folder", "file")
        raise ValueError(
            f"A {kinds[1]} cannot take the place of a {kinds[0]}, which would "
            f"be lost. Received: {path}. Fix: another path."
        )


def write_atomically(
    path: Path, write: Callable[[pathlib.Path], object]
) -> None:
    """Has `write(temporary_path)` make the file `path`; see `replacing`.

    Raises:
        ValueError: if `path` is a folder, before anything is done.
        OSError: if it cannot be written.
    """
    path = pathlib.Path(path)
    if path.exists():
        _check_kind(path, folder=False)
    with replacing(path) as temporary:
        write(temporary)


def write_text(path: Path, text: str) -> None:
    """Writes text as UTF-8, atomically."""
    write_atomically(path, lambda p: p.write_text(text, encoding="utf-8"))


def write_json(path: Path, value: Any) -> None:
    """Writes JSON, atomically."""
    write_text(path, json.dumps(value, indent=1, ensure_ascii=False) + "\n")


def remove(path: Path) -> None:
    """Removes a file or a folder, which may be missing."""
    path = pathlib.Path(path)
    if path.is_dir():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)


def first_line(error: BaseException) -> str:
    """What an exception says first, or its type if it says nothing."""
    lines = str(error).strip().splitlines()
    return lines[0].strip() if lines else type(error).__name__


def why_damaged(error: BaseException) -> str:
    """What NumPy says of a file of arrays, in one line."""
    # Of other bytes that they are a pickle.
    return "it holds no arrays" if "pickle" in str(error) else first_line(error)


def read_array(file: np.lib.npyio.NpzFile, name: str) -> Array:
    """Reads an array of an open `.npz` file.

    Raises:
        ValueError: if it is no array of numbers or text, claims to hold more
            than the file has, or the memory does not suffice.
    """
    try:
        return _read_array(file, name)
    except ValueError:
        raise
    except MemoryError as error:
        raise ValueError(f"{name} takes more than the memory has") from error
    except Exception as error:  # NumPy, zipfile and zlib raise many types.
        raise ValueError(f"{name}: {why_damaged(error)}") from error


def _read_array(file: np.lib.npyio.NpzFile, name: str) -> Array:
    archive, member = file.zip, f"{name}.npy"
    if archive is None or member not in archive.namelist():
        raise ValueError(f"{name} is no array")
    with archive.open(member) as stream:
        header = _HEADERS.get(np.lib.format.read_magic(stream))
        if header is None:
            raise ValueError(f"{name} is of an unknown version of .npy")
        shape, _, kind = header(stream)
        if kind.hasobject:
            raise ValueError(f"{name} holds Python objects, not numbers")
        if kind.itemsize == 0:
            raise ValueError(f"{name} holds empty text")
        claimed = math.prod(shape) * kind.itemsize
        known = archive.getinfo(member)
        there = known.file_size - stream.tell()
    if there > _MAX_GROWTH * known.compress_size + _ALWAYS_ADMITTED:
        raise ValueError(
            f"{name} would become {there:,} bytes of {known.compress_size:,}, "
            "more than images and numbers do"
        )
    if claimed > there:
        raise ValueError(
            f"{name} of shape {shape} would take {claimed:,} bytes, of which "
            f"{there:,} are there"
        )
    array: Array = file[name]
    if kind.kind == "U" and array.size and _points(array).max() > _LAST_POINT:
        raise ValueError(f"{name} holds text that is no Unicode")
    return array


def _points(text: Array) -> Array:
    """The numbers of all characters; Python fails at those that are none."""
    plain = np.ascontiguousarray(text, text.dtype.newbyteorder("="))
    return np.frombuffer(plain.tobytes(), "uint32")


def read_arrays(path: Path, fix: str) -> dict[str, Array]:
    """Reads all arrays of an `.npz` file.

    Args:
        path: the file.
        fix: str, what to do where it is damaged.

    Raises:
        ValueError: if the file is damaged, in one line.
        FileNotFoundError: if there is none.
    """
    try:
        with np.load(path, allow_pickle=False) as arrays:
            return {name: read_array(arrays, name) for name in arrays.files}
    except FileNotFoundError:
        raise
    except Exception as error:  # NumPy, zipfile and zlib raise many types.
        raise ValueError(
            f"The file is damaged: {path} ({why_damaged(error)}). Fix: {fix}."
        ) from error


def read_json(path: Path) -> Any:
    """Reads JSON.

    Raises:
        ValueError: if the file holds none.
        OSError: if it cannot be read.
    """
    try:
        return json.loads(pathlib.Path(path).read_text(encoding="utf-8"))
    except (ValueError, RecursionError) as error:
        raise ValueError(
            f"A file must be JSON. Received: {path} ({error})."
        ) from error
