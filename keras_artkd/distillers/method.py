"""What the method table holds: methods, and several of them as one."""

import dataclasses
import inspect
from collections.abc import Callable

from keras_artkd.distillers.distiller import Distiller
from keras_artkd.distillers.schedules import Product, Stages
from keras_artkd.distillers.spaces import Choice, Float

# The epochs for which the literature's warm-ups and first stages are meant.
PUBLISHED_EPOCHS = 240


@dataclasses.dataclass(frozen=True)
class Method:
    """One row of the table.

    Attributes:
        make: makes the distiller from `student`, the teachers that it needs
            (`expert_teacher`, `initial_teacher`), options and a name.
        needs_expert: whether a frozen, trained teacher takes part.
        needs_initial: whether a teacher is trained along.
        options: what can be set besides the networks, name -> default.
        head: the student's head with which the method was published.
        space: which options are worth a search, and where: name -> `Float`
            or `Choice` of `keras_artkd.distillers.spaces`.
        epoch_options: names of options that are numbers of epochs, which a
            training shorter than the published one shortens.
        views: what a batch of images has of each example, as
            `keras_artkd.data.training_dataset` takes it.
        staged: whether it goes through phases of its own, with an expert of
            several stages; it cannot be joined with others.
        pseudo_labels: which targets it learns instead of labels, a kind of
            `keras_artkd.losses.pseudo_targets`; None for the labels.
    """

    make: Callable
    needs_expert: bool
    needs_initial: bool
    options: dict[str, float | str]
    head: str = "pool"
    space: dict[str, Float | Choice] = dataclasses.field(default_factory=dict)
    epoch_options: tuple[str, ...] = ()
    views: str = "one"
    staged: bool = False
    pseudo_labels: str | None = None

    def options_for(self, epochs):
        """Options that a training of so many epochs has shorter, by name."""
        share = min(epochs / PUBLISHED_EPOCHS, 1.0)
        if share == 1.0:
            return {}
        return {name: share * self.options[name] for name in self.epoch_options}

    def pseudo_label_options(self, options):
        """What the pseudo-labels are made with, by their options' own names.

        Args:
            options: dict of options of this method; the others are at their
                defaults.
        """
        options = {**self.options, **options}
        return _of(self.pseudo_labels, options) or options

    def networks(self, name, expert, initial):
        """Arguments of `make` for the teachers that take part.

        Args:
            name: what the method is called, for the error.
            expert: a trained network, or None.
            initial: an untrained network, or None.

        Raises:
            ValueError: if one is missing.
        """
        needed, mends = {}, []
        if self.needs_expert:
            needed["expert_teacher"] = expert
            if expert is None:
                mends.append("`expert=`, a trained network")
        if self.needs_initial:
            needed["initial_teacher"] = initial
            if initial is None:
                mends.append("`initial=`, an untrained network")
        if mends:
            missing = [key for key, model in needed.items() if model is None]
            raise ValueError(
                f"Method {name!r} needs {' and '.join(missing)}. Received: "
                f"None. Fix: pass {' and '.join(mends)}."
            )
        return needed


def as_method(make, **settings):
    """The row of a function or class that makes a distiller.

    Its signature says what it needs and which options it has.

    Args:
        make: takes `student`, `name`, teachers and options.
        **settings: `head`, `space`, `epoch_options`, `views`, `staged` and
            `pseudo_labels` of the `Method`.
    """
    parameters = inspect.signature(make).parameters
    networks = {"student", "name", "expert_teacher", "initial_teacher"}
    return Method(
        make,
        needs_expert="expert_teacher" in parameters,
        needs_initial="initial_teacher" in parameters,
        options={
            name: parameter.default
            for name, parameter in parameters.items()
            if name not in networks
        },
        **settings,
    )


def combination(parts):
    """Several methods as one: every transfer term of each, added up.

    The student's supervised loss counts once, and in full (weight 1), as
    where RepDistiller adds KD to a method. A method with a first stage
    without labels (AB) keeps it: the others' weights are zero in it. Epochs
    of their warm-ups are counted from the beginning all the same. A student
    can have the exits of one method only, and a batch the views of one; of
    several views every method's terms count, their mean. One that learns
    pseudo-labels gives its targets to all. Options are called
    `<method>.<option>`.

    Args:
        parts: dict of name -> `Method`, at least two.

    Returns:
        A `Method`.

    Raises:
        ValueError: if two need different views of the examples, two learn
            pseudo-labels, or one goes through phases of its own.
    """
    staged = [name for name, part in parts.items() if part.staged]
    if staged:
        raise ValueError(
            "A method with phases of its own cannot be joined with others. "
            f"Received: {', '.join(staged)} with {', '.join(parts)}. Fix: one "
            "of them alone."
        )
    views = {part.views: name for name, part in parts.items()}
    views.pop("one", None)
    if len(views) > 1:
        raise ValueError(
            "Joined methods must learn from the same views of an image. "
            "Received: "
            + ", ".join(f"{name} with {kind!r}" for kind, name in views.items())
            + ". Fix: leave one out."
        )
    taught = [name for name, part in parts.items() if part.pseudo_labels]
    if len(taught) > 1:
        raise ValueError(
            "Joined methods can learn the pseudo-labels of one. Received: "
            f"{', '.join(taught)}. Fix: leave one out."
        )
    heads = [part.head for part in parts.values() if part.head != "pool"]

    def make(
        student,
        expert_teacher=None,
        initial_teacher=None,
        name=None,
        **options,
    ):
        made = {
            method: part.make(
                student,
                **part.networks(method, expert_teacher, initial_teacher),
                **_of(method, options),
                name=method,
            )
            for method, part in parts.items()
        }
        return combine(student, made, name)

    return Method(
        make,
        needs_expert=any(part.needs_expert for part in parts.values()),
        needs_initial=any(part.needs_initial for part in parts.values()),
        options=_qualified(parts, lambda part: part.options),
        head=heads[0] if heads else "pool",
        space=_qualified(parts, lambda part: part.space),
        epoch_options=tuple(
            _qualified(parts, lambda part: dict.fromkeys(part.epoch_options))
        ),
        views=next(iter(views), "one"),
        pseudo_labels=parts[taught[0]].pseudo_labels if taught else None,
    )


def combine(student, distillers, name=None):
    """One `Distiller` of the terms of several, see `combination`.

    Args:
        student: the network that all of them train.
        distillers: dict of method name -> uncompiled `Distiller`, whose
            student is this one, or for one of them this one with exits.
        name: of the result.

    Raises:
        ValueError: if two gave it exits.
    """
    with_heads = {
        method: distiller.student
        for method, distiller in distillers.items()
        if distiller.student is not student
    }
    if len(with_heads) > 1:
        raise ValueError(
            "A student can have the exits of one method. Received: "
            f"{', '.join(with_heads)}. Fix: leave one out."
        )
    stages = {
        method: distiller.supervised_weight
        for method, distiller in distillers.items()
        if isinstance(distiller.supervised_weight, Stages)
    }
    teachers, co_trained, losses, weights = {}, {}, [], []
    for method, distiller in distillers.items():
        teachers |= distiller.teachers
        co_trained |= distiller.co_trained
        others = [s for other, s in stages.items() if other != method]
        for loss, weight in zip(
            distiller.transfer_losses, distiller.transfer_weights, strict=True
        ):
            if loss.name in {known.name for known in losses}:
                loss = _renamed(loss, f"{method}_{loss.name}")
            losses.append(loss)
            weights.append(Product([weight, *others]) if others else weight)
    # Those of the one that needs several.
    views, labelled_views = max(
        (distiller.views, distiller.labelled_views)
        for distiller in distillers.values()
    )
    return Distiller(
        next(iter(with_heads.values()), student),
        teachers=teachers,
        co_trained=co_trained,
        transfer_losses=losses,
        transfer_weights=weights,
        supervised_weight=Product(stages.values()) if stages else 1.0,
        views=views,
        labelled_views=labelled_views,
        soft_labels=any(d.soft_labels for d in distillers.values()),
        name=name,
    )


def _qualified(parts, read):
    return {
        f"{method}.{name}": value
        for method, part in parts.items()
        for name, value in read(part).items()
    }


def _of(method, options):
    """The options of one method, by their own names."""
    prefix = f"{method}."
    return {
        name.removeprefix(prefix): value
        for name, value in options.items()
        if name.startswith(prefix)
    }


def _renamed(loss, name):
    return type(loss).from_config({**loss.get_config(), "name": name})
