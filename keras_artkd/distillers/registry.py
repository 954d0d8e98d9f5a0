"""The method table."""

import dataclasses
import inspect
from collections.abc import Callable

from keras_artkd.distillers.attention import ATTENTION_SPACE, attention
from keras_artkd.distillers.baseline import baseline
from keras_artkd.distillers.collaborative import (
    COLLABORATIVE_SPACE,
    CTKD,
    CollaborativeTeaching,
)
from keras_artkd.distillers.kd import KD_SPACE, kd
from keras_artkd.distillers.rocket import ROCKET_SPACE, rocket
from keras_artkd.distillers.spaces import Choice, Float


@dataclasses.dataclass(frozen=True)
class Method:
    """One row of the table.

    Attributes:
        make: makes the distiller from `student`, the teachers it names among
            its parameters (`expert_teacher`, `initial_teacher`), and options.
        head: the student's head with which the method was published.
        space: which options are worth a search, and where: name -> `Float`
            or `Choice` of `keras_artkd.distillers.spaces`.
    """

    make: Callable
    head: str = "pool"
    space: dict[str, Float | Choice] = dataclasses.field(default_factory=dict)

    @property
    def needs_expert(self):
        """Whether a frozen, trained teacher takes part."""
        return "expert_teacher" in self._parameters

    @property
    def needs_initial(self):
        """Whether a teacher is trained along."""
        return "initial_teacher" in self._parameters

    @property
    def options(self):
        """What can be set besides the networks, name -> default."""
        networks = {"student", "expert_teacher", "initial_teacher", "name"}
        return {
            name: parameter.default
            for name, parameter in self._parameters.items()
            if name not in networks
        }

    @property
    def _parameters(self):
        return inspect.signature(self.make).parameters


METHODS = {
    "baseline": Method(baseline),
    "kd": Method(kd, space=KD_SPACE),
    "attention": Method(attention, space=ATTENTION_SPACE),
    "rocket": Method(rocket, space=ROCKET_SPACE),
    "ctkd": Method(CTKD, space=COLLABORATIVE_SPACE),
    "collaborative": Method(
        CollaborativeTeaching, head="awgram", space=COLLABORATIVE_SPACE
    ),
}


def get_method(name):
    """The row of a method; unknown names list the known."""
    if name not in METHODS:
        raise ValueError(
            f"`method` must be one of {', '.join(METHODS)}. "
            f"Received: method={name!r}."
        )
    return METHODS[name]


def build(method, student, expert=None, initial=None, **options):
    """Makes the distiller of a published method.

    Args:
        method: a key of `METHODS`.
        student: the network to train, as made; its head is yours to choose
            (`METHODS[method].head` is the published one).
        expert: a trained teacher, which is frozen; ignored by methods that
            have none.
        initial: an untrained teacher to train along; ignored likewise.
        **options: the method's own, such as `temperature`.

    Returns:
        An uncompiled `Distiller`. Its `compile` takes an optimizer and
        metrics and defaults to sparse cross-entropy from logits.

    Raises:
        ValueError: for an unknown method or option, or a missing teacher.

    Example:
    >>> from keras_artkd import models
    >>> student = models.build("wrn_10_1", 5, input_shape=(32, 32, 3))
    >>> build("baseline", student).name
    'baseline'
    """
    row = get_method(method)
    networks = {}
    if row.needs_expert:
        networks["expert_teacher"] = expert
    if row.needs_initial:
        networks["initial_teacher"] = initial
    missing = [name for name, model in networks.items() if model is None]
    if missing:
        raise ValueError(
            f"Method {method!r} needs {' and '.join(missing)}. "
            "Fix: pass `expert=` (trained) or `initial=` (untrained)."
        )
    unknown = [name for name in options if name not in row.options]
    if unknown:
        raise ValueError(
            f"Method {method!r} has the options "
            f"{', '.join(row.options) or '(none)'}. "
            f"Received: {', '.join(unknown)}."
        )
    return row.make(student, **networks, **options, name=method)
