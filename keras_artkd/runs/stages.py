"""An expert at several stages of its training: where its files lie."""

import math
import pathlib
import re
from collections.abc import Iterable
from typing import Any

import keras

from keras_artkd.distillers.phases import Phase
from keras_artkd.run_folder import RunFolder
from keras_artkd.runs.optimizer import plateau_ends
from keras_artkd.runs.plan import Plan
from keras_artkd.types import Path


def stage_paths(
    expert_path: Path, count: int | None = None
) -> list[pathlib.Path]:
    """Files of an expert's stages, from the youngest to the trained expert.

    Args:
        expert_path: path of the trained expert; its run has kept its stages
            beside it.
        count: int, how many, evenly spread over the training; by default all.

    Returns:
        list of paths; the last is the network of the last epoch. Where one
        stage is asked for and none was kept, it is the expert itself.

    Raises:
        ValueError: if one is missing, or there are fewer than `count`.
    """
    expert_path = pathlib.Path(expert_path)
    folder = RunFolder(expert_path.parent).stages
    kept = sorted(folder.glob("stage*.keras"), key=_number)
    whole = [_number(path) for path in kept] == [*range(1, len(kept) + 1)]
    if count == 1:
        return [kept[-1] if kept else expert_path]
    if not kept or not whole or (count or 1) > len(kept):
        if not kept:
            found = "there are no stages"
        else:
            found = f"there are {', '.join(p.name for p in kept)}"
        wanted = "all" if count is None else count
        raise ValueError(
            f"The expert's stages must be beside it, in {folder.name}. "
            f"Received: {expert_path}, where {found}; {wanted} wanted. Fix: "
            + (f"--stages {len(kept)}" if kept and whole else "--stages 1")
            + ", or remove the expert's folder (leave out --expert), so that "
            "one is trained whose stages are kept."
        )
    count = count or len(kept)
    return [kept[round((i + 1) * len(kept) / count) - 1] for i in range(count)]


class AnnouncePhases(keras.callbacks.Callback):
    """Prints which phase begins and what it trains, of a staged distiller."""

    def __init__(self) -> None:
        super().__init__()
        self.phase: Any = None

    def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:
        """Prints a line at the first epoch of a phase, and after a resume."""
        phase = self.model.phase
        if phase != self.phase:
            self.phase = phase
            last = phase.begin + phase.epochs
            of_student, beside = count_trained(self.model, phase)
            whole = count_parameters(self.model.student.trainable_variables)
            others = f", and {beside:,} thrown away later" if beside else ""
            print(
                f"\n{str(phase).capitalize()} (stages: "
                f"{len(self.model.teachers)}): epochs {phase.begin + 1} to "
                f"{last}; trains {of_student:,} of the student's {whole:,} "
                f"parameters ({of_student / whole:.1%}){others}"
            )


def describe_phases(distiller: Any, epochs: int) -> list[dict[str, Any]]:
    """The phases of a training in stages, and how much each trains.

    Args:
        distiller: a staged one.
        epochs: int, of the whole training.

    Returns:
        list of dicts, in order: `stage`, `kind`, `block` (see `Phase`),
        `first_epoch` (counted from 1), `epochs`, `trained_parameters` (the
        student's) and `trained_beside` (adapters, adversaries, the partner).
    """
    described = []
    for phase in distiller.plan(epochs):
        of_student, beside = count_trained(distiller, phase)
        described.append(
            {
                "stage": phase.stage,
                "kind": phase.kind,
                "block": phase.block,
                "first_epoch": phase.begin + 1,
                "epochs": phase.epochs,
                "trained_parameters": of_student,
                "trained_beside": beside,
            }
        )
    return described


def count_trained(distiller: Any, phase: Phase) -> tuple[int, int]:
    """How many parameters a phase trains: the student's, and others."""
    trained = distiller.variables_of(phase)
    own = {id(variable) for variable in distiller.student.trainable_variables}
    of_student = count_parameters(v for v in trained if id(v) in own)
    return of_student, count_parameters(trained) - of_student


def count_parameters(variables: Iterable[keras.Variable]) -> int:
    """The numbers that variables hold together."""
    return sum(math.prod(variable.shape) for variable in variables)


def count_stages(plan: Plan) -> int:
    """Counts the stages of a run's expert, trained already or not.

    Raises:
        ValueError: if it asks for more.
    """
    stages, given = plan.config.teaching.stages, plan.given_experts
    if given:
        return len(stage_paths(given[0], stages))
    assert plan.expert is not None
    schedule = plan.expert.config.schedule
    kept = len(plateau_ends(schedule.epochs, schedule.drops))
    if stages is not None and stages > kept:
        raise ValueError(
            f"The expert will have {kept} stages, one at each drop of its "
            f"learning rate and one at the end. Received: stages={stages}. "
            f"Fix: --stages {kept}, or more --drops."
        )
    return stages or kept


def _number(path: pathlib.Path) -> int:
    return int(re.sub(r"\D", "", path.stem) or 0)
