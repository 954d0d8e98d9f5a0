"""An expert at several stages of its training: where its files lie."""

import pathlib
import re

import keras

from keras_artkd.training import plateau_ends

FOLDER = "stages"


def stage_paths(expert_path, count=None):
    """Files of an expert's stages, from the youngest to the trained expert.

    Args:
        expert_path: path of the trained expert, beside which its run has
            kept its stages.
        count: int, how many, evenly spread over the training; by default all.

    Returns:
        list of paths; the last is the network of the last epoch. Where one
        stage is asked for and none was kept, it is the expert itself.

    Raises:
        ValueError: if one is missing, or there are not so many.
    """
    folder = expert_path.parent / FOLDER
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
            f"The expert's stages must be beside it, in {FOLDER}. Received: "
            f"{expert_path}, where {found}; {wanted} wanted. Fix: "
            + (f"--stages {len(kept)}" if kept and whole else "--stages 1")
            + ", or remove the expert's folder (leave out --expert), so that "
            "one is trained whose stages are kept."
        )
    count = count or len(kept)
    return [kept[round((i + 1) * len(kept) / count) - 1] for i in range(count)]


class AnnouncePhases(keras.callbacks.Callback):
    """Prints which phase begins, of a distiller that has some."""

    def __init__(self):
        super().__init__()
        self.phase = None

    def on_epoch_begin(self, epoch, logs=None):
        """Prints a line at the first epoch of a phase, and after a resume."""
        phase = self.model.phase
        if phase != self.phase:
            self.phase = phase
            last = phase.begin + phase.epochs
            print(
                f"\n{str(phase).capitalize()} (stages: "
                f"{len(self.model.teachers)}): epochs {phase.begin + 1} to "
                f"{last}"
            )


def count_stages(config):
    """How many stages of its expert a run will have, trained already or not.

    Raises:
        ValueError: if it asks for more.
    """
    if config.expert is not None:
        return len(stage_paths(pathlib.Path(config.expert), config.stages))
    expert = config.expert_config()
    kept = len(plateau_ends(expert.epochs, expert.drops))
    if config.stages is not None and config.stages > kept:
        raise ValueError(
            f"The expert will have {kept} stages, one at each drop of its "
            f"learning rate and one at the end. Received: stages="
            f"{config.stages}. Fix: --stages {kept}, or more --drops."
        )
    return config.stages or kept


def _number(path):
    return int(re.sub(r"\D", "", path.stem) or 0)
