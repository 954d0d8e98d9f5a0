"""The trained expert of a run, found or trained first."""

import hashlib
import json
import pathlib

from keras_artkd.data.store import NO_LABEL
from keras_artkd.datasets import Collection
from keras_artkd.files import write_atomically
from keras_artkd.run_folder import RunFolder
from keras_artkd.runs.identity import digest_of_file
from keras_artkd.runs.networks import load_given, load_teachers
from keras_artkd.runs.plan import Plan
from keras_artkd.runs.validation import check_expert_files
from keras_artkd.types import Path


def given_expert(plan: Plan, data: Collection) -> pathlib.Path:
    """Path of the expert that `--expert` gives, checked against the data.

    Of several it is a file of all of them together, see `expert_file`.
    """
    paths = check_expert_files(plan)
    for path in paths:
        check_foreign_expert(path, data)
    # Once before the run has a folder, to leave none.
    teachers = [load_teachers(p, plan, len(data.class_names)) for p in paths]
    for teacher in teachers:
        expert = teacher[-1] if isinstance(teacher, list) else teacher
        side = expert.input_shape[1]
        if side is not None and side > plan.crop_size:
            print(
                f"note: the expert sees {side} pixels, and gets crops of "
                f"{plan.crop_size}, enlarged; --expert-image-size {side} gives "
                "it its own"
            )
    return expert_file(plan)


def expert_file(plan: Plan) -> pathlib.Path:
    """The file of the expert that is given; of several, of their ensemble.

    That one lies beside the runs, named by its content, and is written where
    it is not there: all students of these experts share it, and what is
    recorded of it.
    """
    paths = plan.given_experts
    if len(paths) == 1:
        return paths[0]
    content = [digest_of_file(p, "`expert` must be a file") for p in paths]
    digest = hashlib.sha256(
        json.dumps([content, plan.expert_shares, plan.crop_size]).encode()
    ).hexdigest()
    file = plan.folder.path.with_name(f"experts-{digest[:10]}.keras")
    if not file.is_file():
        write_atomically(file, load_given(plan).save)
    return file


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
