"""Self-training in rounds: the student of a round is the expert of the next.

Each round is a run of its own, as `--expert RUN` makes one of the run before.
With labels alone these are born-again networks (Furlanello et al., "Born Again
Neural Networks", 2018, https://arxiv.org/abs/1805.04770); with images that have
no labels it is the loop of noisy student (Xie et al., "Self-training with Noisy
Student improves ImageNet classification", 2020,
https://arxiv.org/abs/1911.04252), with this package's own views and batches.
Neither has a test for when to stop; here the validation images are it.
"""

import dataclasses
import gc
import shlex

import keras

from keras_artkd.datasets import Collection
from keras_artkd.measure.intervals import paired_difference
from keras_artkd.models.keras_file import load_network
from keras_artkd.run_folder import RunFolder
from keras_artkd.runs.batches import evaluation_batches
from keras_artkd.runs.plan import Plan, resolve
from keras_artkd.runs.reference import check_networks, chosen_plan
from keras_artkd.runs.runner import load_data, run_or_read
from keras_artkd.runs.summary import print_summary
from keras_artkd.types import Array


@dataclasses.dataclass(frozen=True)
class Gain:
    """What validation says of a round's student beside the one before.

    Attributes:
        difference: float, of the shares of images that are right.
        low: float, lower end of its interval, 95 %.
        high: float, upper end.
        images: int, how many there are.
    """

    difference: float
    low: float
    high: float
    images: int

    @classmethod
    def of(cls, before: Array, after: Array) -> "Gain":
        """Compares two students on the same images.

        Args:
            before: bool `(n,)`, whether the one before is right.
            after: bool `(n,)`, the same of the one after.
        """
        return cls(*paired_difference(before, after), len(after))

    @property
    def is_better(self) -> bool:
        """Whether the one after is better, and not by chance alone."""
        return self.low > 0

    def __str__(self) -> str:
        """In words."""
        if self.is_better:
            verdict = "better, beyond chance"
        elif self.high < 0:
            verdict = "worse, beyond chance"
        else:
            verdict = "no difference beyond chance"
        return (
            f"{100 * self.difference:+.1f} points on {self.images} validation "
            f"images (95 %: {100 * self.low:.1f} to {100 * self.high:.1f}), "
            f"{verdict}"
        )


def run_rounds(
    plan: Plan, rounds: int, minutes: float, started: float
) -> RunFolder:
    """Trains round after round, until validation tells no gain any more.

    A round is taken where it is better than the one before, beyond chance, on
    the validation images. The first that is not ends it. Rounds that are
    finished are not trained again, and an interrupted one resumes. All rounds
    have as many epochs.

    Args:
        plan: `Plan` of the first round, open or not.
        rounds: int, how many at most.
        minutes: float, that the first may take, if it is open.
        started: `time.monotonic()` of its beginning.

    Returns:
        `RunFolder` of the round that was taken.

    Raises:
        ValueError: for input that cannot be used, no validation images, or
            images that changed since a round was trained.
    """
    check_networks(plan)
    data = load_data(plan)
    if not len(data.validation):
        raise ValueError(
            "Rounds go on as long as validation images tell a gain. Received: "
            "none. Fix: more images, or no --rounds."
        )
    if plan.is_open:
        plan = chosen_plan(plan, data, minutes, started)
    folders: list[RunFolder] = []
    known, gain = None, None
    for number in range(1, rounds + 1):
        print(f"\nRound {number} of at most {rounds}", flush=True)
        run_or_read(plan, data)
        folders.append(plan.folder)
        right = validated(plan, data)
        # Networks of rounds before would fill the memory.
        keras.utils.clear_session()
        gc.collect()
        if known is not None:
            gain = Gain.of(known, right)
            print(f"Round {number} beside round {number - 1}: {gain}.")
            if not gain.is_better:
                break
        known, plan = right, _next(plan)
    return _take(folders, gain)


def validated(plan: Plan, data: Collection) -> Array:
    """Whether a finished run's student is right about each validation image.

    Returns:
        bool `(n,)`.
    """
    student = load_network(plan.folder.student)
    batches = evaluation_batches(plan, data.validation, student)
    answers = student.predict(batches, verbose=0).argmax(axis=1)
    right: Array = answers == data.validation.labels
    return right


def _next(plan: Plan) -> Plan:
    """The plan of the next round: another expert, and nothing else."""
    expert = (str(plan.folder.path),)
    return resolve(plan.config.replace(expert=expert, expert_shares=()))


def _take(folders: list[RunFolder], gain: Gain | None) -> RunFolder:
    """Says which round is the one to take, and why."""
    last = len(folders)
    # Of two rounds at least.
    assert gain is not None
    if gain.is_better:
        number, why = last, "every round was better than the one before"
    else:
        number = last - 1
        how = "worse" if gain.high < 0 else "not better, beyond chance"
        why = f"round {last} is {how}"
    taken = folders[number - 1]
    print(f"\nTake round {number}: {why}, on the validation images.")
    print_summary(taken.metrics, taken)
    words = shlex.join(["artkd", "report", *map(str, folders)])
    print(f"  the rounds side by side: {words}")
    return taken
