"""Index of the MIT-67 archive, by its two lists."""

from keras_artkd.datasets.archives.official_lists import (
    Row,
    find_parts,
    join_lists,
    read_lines,
)
from keras_artkd.datasets.files import is_image, list_files, relative_key
from keras_artkd.datasets.records import Index, Skipped
from keras_artkd.types import Path

INSTRUCTIONS = """\
Get `indoorCVPR_09.tar` (2.4 GB), TrainImages.txt and TestImages.txt from
https://web.mit.edu/torralba/www/indoor.html and extract the archive into the
manual directory, which then holds `Images/<scene>/<name>.jpg` and, beside
`Images/`, the two lists.
"""
_LISTS = ("TrainImages.txt", "TestImages.txt")


def build_index(root: Path) -> Index:
    """Joins the two lists with the files on disk.

    Args:
        root: directory that holds `Images/` and the lists. `Images/` may be
            in a folder `indoorCVPR_09`, as may the lists.

    Returns:
        `Index`; classes are the scenes that the lists name, sorted; keys are
        `<scene>/<name>.jpg`.
    """
    images, *lists = find_parts(
        root, "indoorCVPR_09", ("Images", *_LISTS), INSTRUCTIONS
    )
    lines = [(key, path.name) for path in lists for key in read_lines(path)]
    scenes = sorted({key.partition("/")[0] for key, _ in lines if "/" in key})
    labels = {scene: label for label, scene in enumerate(scenes)}
    rows = [
        Row(key, labels[key.partition("/")[0]], name == _LISTS[1], name)
        for key, name in lines
        if "/" in key
    ]
    files = {
        relative_key(path, images): path
        for path in list_files(images)
        if is_image(path)
    }
    index = join_lists(scenes, rows, files, root, INSTRUCTIONS)
    index.skipped.extend(
        Skipped(key, f"{name} names no scene")
        for key, name in lines
        if "/" not in key
    )
    return index
