"""The trained expert of a run, found or trained first."""

import pathlib

from keras_artkd.data.store import NO_LABEL
from keras_artkd.datasets import Collection
from keras_artkd.run_folder import RunFolder
from keras_artkd.runs.networks import load_teachers
from keras_artkd.runs.plan import Plan
from keras_artkd.runs.validation import check_expert_file
from keras_artkd.types import Path


def given_expert(plan: Plan, data: Collection) -> pathlib.Path:
    """Path of the expert that `--expert` gives, checked against the data."""
    path = check_expert_file(plan)
    check_foreign_expert(path, data)
    # Once before the run has a folder, to leave none.
    teachers = load_teachers(path, plan, len(data.class_names))
    expert = teachers[-1] if isinstance(teachers, list) else teachers
    side = expert.input_shape[1]
    if side is not None and side > plan.crop_size:
        print(
            f"note: the expert sees {side} pixels, and gets crops of "
            f"{plan.crop_size}, enlarged; --expert-image-size {side} gives it "
            "its own"
        )
    return path


def check_foreign_expert(path: Path, data: Collection) -> None:
    """Checks that an expert from elsewhere does not know the test images.

    What it was trained on is only known where it lies in a run's folder.
    """
    beside = RunFolder(pathlib.Path(path).parent)
    if not beside.has_data:
        print(
            f"Expert: {path}. Nothing beside it says which images it was "
            "trained on: make sure that none is in this run's test split."
        )
        return
    known = beside.data
    told = {*known["splits"]["train"], *known["splits"]["validation"]}
    seen = told | {*known["splits"].get("unlabelled", ())}
    held_out = {*data.test.keys.tolist()}
    same_data = known["name"] == data.name
    if known["class_names"] != data.class_names or (
        same_data and seen & held_out
    ):
        raise ValueError(
            "The expert must know the same classes and none of the test "
            f"images. Received: {path} of {len(known['class_names'])} "
            f"classes, which saw {len(seen & held_out)} of "
            f"{len(held_out)} test images. Fix: an expert trained with the "
            "same --split-seed and --group on the same images."
        )
    hidden = set()
    if data.unlabelled is not None and data.hidden_labels is not None:
        hidden |= {*data.unlabelled.keys[data.hidden_labels != NO_LABEL]}
    if same_data and told & hidden:
        raise ValueError(
            "The expert must not know the labels that are hidden. Received: "
            f"{path}, which learned {len(told & hidden)} of {len(hidden)}. "
            "Fix: an expert trained with the same --unlabelled; without "
            "--expert one is trained."
        )
