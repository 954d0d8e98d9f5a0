"""Whether a folder still has the images of a run; imports no framework."""

import pathlib
from typing import Any

from keras_artkd.datasets.files import list_files, relative_key, why_no_image
from keras_artkd.datasets.folder import find_records
from keras_artkd.datasets.unlabelled import PREFIX
from keras_artkd.run_folder import RunFolder


def check_same_files(folder: RunFolder) -> None:
    """Rejects to call a run finished whose folder has other files today.

    It compares names, which takes a moment; a file that changed under its
    name is not seen. Nothing is said of a folder that is gone (the run is what
    it was), of data sets that are no folder, and of a part of one.

    Args:
        folder: `RunFolder`, of a finished run.

    Raises:
        ValueError: if images were added or removed.
    """
    data = folder.data
    load, splits = data["load"], data["splits"]
    # Images whose labels are hidden are listed where somebody learns of them.
    a_part = load.get("limit") is not None or (
        load.get("unlabelled") and "unlabelled" not in splits
    )
    if load["name"] != "folder" or a_part:
        return
    if not pathlib.Path(load["data_dir"]).is_dir():
        return
    used = {key for keys in splits.values() for key in keys}
    known = used | {skipped["key"] for skipped in data["skipped"]}
    there = _names(load)
    added, gone = len(there - known), len(used - there)
    if added or gone:
        raise ValueError(
            f"The images changed since this run finished: {folder}. Received: "
            f"{added} that it does not know, {gone} of its own that are gone. "
            "Fix: another --workdir, where today's images are trained on."
        )


def _names(load: dict[str, Any]) -> set[str]:
    """Keys of the images that are there, as `datasets.load` gives them."""
    try:
        _, records, _ = find_records(load["data_dir"])
    except ValueError:  # Fewer than two classes are left.
        records = []
    names = {record.key for record in records}
    others = load.get("unlabelled_dir")
    if others is not None and pathlib.Path(others).is_dir():
        names |= {
            PREFIX + relative_key(path, others)
            for path in list_files(others)
            if why_no_image(path) is None
        }
    return names
