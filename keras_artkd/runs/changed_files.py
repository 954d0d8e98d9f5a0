"""Whether a folder still has the images of a run; imports no framework."""

from keras_artkd.datasets.folder import find_records
from keras_artkd.run_folder import RunFolder


def check_same_files(folder: RunFolder) -> None:
    """Rejects to call a run finished whose folder has other images today.

    It compares names alone, which takes a moment: what changed in a file is
    found where the images are loaded.

    Args:
        folder: `RunFolder`, of a finished run.

    Raises:
        ValueError: if images were added or removed.
    """
    data = folder.data
    load, splits = data["load"], data["splits"]
    # Hidden labels are in no split, unless somebody learns from the images.
    hidden = load.get("unlabelled") and "unlabelled" not in splits
    if load["name"] != "folder" or load.get("limit") is not None or hidden:
        return
    used = {
        key
        for split in ("train", "validation", "test", "unlabelled")
        for key in splits.get(split, ())
    }
    known = used | {skipped["key"] for skipped in data["skipped"]}
    try:
        _, records, _ = find_records(load["data_dir"])
    except (OSError, ValueError):
        return  # They are elsewhere today; the run is what it was.
    there = {record.key for record in records}
    added = len(there - known)
    if "unlabelled_dir" in load:
        used -= {*splits.get("unlabelled", ())}
    gone = len(used - there)
    if added or gone:
        raise ValueError(
            f"The images changed since this run finished: {folder}. Received: "
            f"{added} that it does not know, {gone} of its own that are gone. "
            "Fix: another --workdir, where today's images are trained on; or "
            "remove that folder."
        )
