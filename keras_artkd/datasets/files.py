"""Walking a tree of image files, and saying what is amiss with it."""

import os
import pathlib

IMAGE_SUFFIXES = frozenset(
    (".jpg", ".jpeg", ".jpe", ".jfif", ".png", ".apng", ".gif", ".webp")
    + (".bmp", ".tif", ".tiff", ".ppm", ".pgm", ".pbm", ".pnm")
)
LINKED_FOLDER = "a link to a folder, not followed"
_LEFT_BY_SYSTEMS = frozenset(("thumbs.db", "desktop.ini", "__macosx"))


def is_image(path):
    """Whether a path is taken as an image, by its extension in any case."""
    return why_no_image(path) is None


def why_no_image(path):
    """Why a path of `list_files` is not taken as an image, None if it is."""
    if os.path.isdir(path):
        return LINKED_FOLDER
    if pathlib.PurePath(path).suffix.lower() not in IMAGE_SUFFIXES:
        return "not an image file, by its extension"
    return None


def is_litter(name):
    """Whether a file or folder is hidden or left behind by a system."""
    return name.startswith(".") or name.lower() in _LEFT_BY_SYSTEMS


def list_files(root):
    """Sorted paths of all files below `root`, litter left out.

    Links to folders are not followed: they are among the paths, and
    `why_no_image` says so.

    Raises:
        OSError: if a folder cannot be read.
    """
    found = []
    for folder, folders, names in os.walk(root, onerror=_fail):
        folders[:] = [name for name in folders if not is_litter(name)]
        links = [n for n in folders if os.path.islink(os.path.join(folder, n))]
        found += [
            pathlib.Path(folder, name)
            for name in names + links
            if not is_litter(name)
        ]
    return sorted(found)


def _fail(error):
    """A folder that cannot be read must not look like an empty one."""
    raise OSError(
        error.errno,
        "A folder of images must be one that can be read. Fix: allow it, or "
        f"move the folder elsewhere ({error.strerror})",
        error.filename,
    ) from error


def list_folders(root):
    """Sorted paths of the folders directly below `root`, litter left out."""
    return sorted(
        path
        for path in pathlib.Path(root).iterdir()
        if path.is_dir() and not is_litter(path.name)
    )


def printable(path):
    r"""A path as text that can be printed and written down.

    A name that is not UTF-8, as old archives hold, would otherwise break
    whoever does; its odd bytes appear as `\xe9`.
    """
    return os.fsencode(path).decode("utf-8", "backslashreplace")


def relative_key(path, root):
    """Posix path of a file from `root`, always printable."""
    return printable(pathlib.PurePath(path).relative_to(root).as_posix())


def missing_message(wanted, root, fix):
    """Error text: what was looked for, where, what is there, how to mend."""
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
