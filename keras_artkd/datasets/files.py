"""Lists of the image files in a folder, and messages about what is missing."""

import os
import pathlib
from collections.abc import Iterator

from keras_artkd.data.formats import is_read, why_unread
from keras_artkd.output import on_one_line
from keras_artkd.types import Path

LINKED_FOLDER = "a link to a folder, not followed"
# A folder of this name beside those of the classes is no class, in any case.
_UNLABELLED = frozenset(("unlabelled", "unlabeled"))
# Files and folders that are nobody's: bins, thumbnails, indices. In lower case.
_LEFT_BY_SYSTEMS = frozenset(
    # Windows.
    ("thumbs.db", "ehthumbs.db", "ehthumbs_vista.db", "desktop.ini")
    + ("$recycle.bin", "recycler", "system volume information", "found.000")
    # macOS, also on the disks of others.
    + ("__macosx", "network trash folder", "temporary items", "icon\r")
    + ("thevolumesettingsfolder", "thefindbycontentfolder")
    # Linux.
    + ("lost+found",)
    # Synology, QNAP and other network storage.
    + ("@eadir", "#recycle", "#snapshot", "@tmp", "@recycle")
    + ("@recently-snapshot", "@syno", "@sharebin", "network recycle bin")
    # Programs that manage pictures.
    + ("picasa.ini", "zbthumbnail.info", "pspbrwse.jbf")
)


def is_image(path: Path) -> bool:
    """Whether a path is taken as an image, by its extension in any case."""
    return why_no_image(path) is None


def why_no_image(path: Path) -> str | None:
    """Why a path of `list_files` is not taken as an image, None if it is."""
    if os.path.isdir(path):
        return LINKED_FOLDER
    if is_read(path):
        return None
    return why_unread(path) or "not an image file, by its extension"


def is_litter(name: str) -> bool:
    """Whether a file or folder is hidden or left behind by a system."""
    return name.startswith(".") or name.lower() in _LEFT_BY_SYSTEMS


def list_files(root: Path) -> list[pathlib.Path]:
    """Returns sorted paths of all files below `root`, without litter.

    Links to folders are not followed. They are among the paths, and
    `why_no_image` says so.

    Raises:
        OSError: if a folder cannot be read.
    """
    return sorted(walk_files(root))


def walk_files(root: Path) -> Iterator[pathlib.Path]:
    """Yields the paths of `list_files` in any order, as they are found."""
    for folder, folders, names in os.walk(root, onerror=_fail):
        folders[:] = [name for name in folders if not is_litter(name)]
        links = [n for n in folders if os.path.islink(os.path.join(folder, n))]
        for name in names + links:
            if not is_litter(name):
                yield pathlib.Path(folder, name)


def _fail(error: OSError) -> None:
    """Raises: a folder that cannot be read must not look like an empty one."""
    raise OSError(
        error.errno,
        "A folder of images must be one that can be read. Fix: change its "
        f"permissions, or move it elsewhere ({error.strerror})",
        error.filename,
    ) from error


def list_folders(root: Path) -> list[pathlib.Path]:
    """Returns sorted paths of the folders in `root`, without litter."""
    return sorted(
        path
        for path in pathlib.Path(root).iterdir()
        if path.is_dir() and not is_litter(path.name)
    )


def list_class_folders(root: Path) -> list[pathlib.Path]:
    """Returns those of `list_folders` that may be classes."""
    return [
        folder
        for folder in list_folders(root)
        if folder.name.lower() not in _UNLABELLED
    ]


def unlabelled_folder(root: Path) -> pathlib.Path | None:
    """The folder of images without labels beside those of the classes.

    Args:
        root: the data directory, which may not be there.

    Returns:
        The folder `unlabelled` or `unlabeled`, in any case; None without one.

    Raises:
        ValueError: if there are two.
    """
    if not os.path.isdir(root):
        return None
    found = [f for f in list_folders(root) if f.name.lower() in _UNLABELLED]
    if len(found) > 1:
        raise ValueError(
            "Images without labels must be in one folder. Received: "
            f"{printable(found[0])} and {printable(found[1])}. Fix: join them."
        )
    return found[0] if found else None


def printable(path: Path) -> str:
    r"""Returns a path as text that can be written to a file, on one line.

    A name that is not UTF-8, as in old archives, would fail there. Its odd
    bytes become `\xe9`, and so do control characters, see `on_one_line`.
    """
    return on_one_line(os.fsencode(path).decode("utf-8", "backslashreplace"))


def relative_key(path: Path, root: Path) -> str:
    """Returns the posix path of a file from `root`, see `printable`."""
    return printable(pathlib.PurePath(path).relative_to(root).as_posix())


def missing_message(wanted: str, root: Path, fix: str) -> str:
    """Returns an error message about something that is not in a folder.

    Args:
        wanted: str, what must be there.
        root: the folder; the message says what it holds.
        fix: str, what to do.
    """
    root = pathlib.Path(root)
    if root.exists() and not root.is_dir():
        found = "nothing: it is a file, not a directory"
    elif not root.is_dir():
        found = "nothing: that directory does not exist"
    else:
        names = sorted(path.name for path in root.iterdir())
        found = ", ".join(names[:12]) or "nothing, it is empty"
        if len(names) > 12:
            found += f", ... ({len(names)} entries)"
        archives = [n for n in names if n.lower().endswith((".zip", ".rar"))]
        if archives:
            fix = f"extract {', '.join(archives)} there first. {fix}"
    return (
        f"{wanted} must be in the data directory. Received: "
        f"data_dir={str(root)!r}, which holds: {found}. Fix: {fix}"
    )
