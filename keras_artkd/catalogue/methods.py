"""The methods by name: what each needs, and which options it has.

A method is a file in `keras_artkd/distillers/methods/`. It holds a function or
a class, declared by `@method(...)`, which makes the distiller. Its signature
says which teachers it needs and which options it has.

The command line checks names and options before Keras is imported. Therefore
a method is read from the text of its file here. The file is imported when the
distiller is made.
"""

import dataclasses
import difflib
import functools
import importlib
from collections.abc import Callable, Iterator, Mapping
from typing import Any, TypeVar

from keras_artkd.catalogue.source import (
    METHODS_PACKAGE,
    Option,
    Source,
    inspect_source,
    method_files,
    read_source,
)
from keras_artkd.catalogue.spaces import Choice, Float, Space

# The epochs for which the literature's warm-ups and first stages are meant.
PUBLISHED_EPOCHS = 240

_Make = TypeVar("_Make", bound=Callable[..., Any])


@dataclasses.dataclass(frozen=True)
class Method:
    """A method: its needs, options and properties.

    Attributes:
        name: str.
        needs_expert: whether a frozen, trained teacher takes part.
        needs_initial: whether a teacher is trained along.
        options: dict of name -> default, what can be set in addition to the
            networks.
        documentation: the docstring, with the formula and every option.
        head: the student's head with which the method was published.
        epoch_options: names of options that are numbers of epochs, which a
            training shorter than the published one shortens.
        views: which views of each example a batch has, as
            `keras_artkd.data.pipeline.training_dataset` takes it.
        mixup: alpha of Mixup, with which it mixes every batch, see
            `keras_artkd.data.augment.Mixup`; None where that is the user's
            choice.
        staged: whether it has phases of its own, with an expert of several
            stages; it cannot be joined with others.
        pseudo_labels: which targets it learns instead of labels, a kind of
            `keras_artkd.losses.pseudo_targets`; None for the labels.
        label_free: where it reads no label, so that images without one join:
            `"always"`, or in a first stage, whose epochs the option of this
            name says; None where it reads the labels from the beginning.
        parts: the methods that are joined in this one, at least two or none.
    """

    name: str
    needs_expert: bool
    needs_initial: bool
    options: Mapping[str, Option]
    documentation: str = ""
    head: str = "pool"
    epoch_options: tuple[str, ...] = ()
    views: str = "one"
    mixup: float | None = None
    staged: bool = False
    pseudo_labels: str | None = None
    label_free: str | None = None
    parts: tuple["Method", ...] = ()

    @property
    def make(self) -> Callable[..., Any]:
        """Function that makes the distiller.

        It takes `student`, the teachers that are needed (`expert_teacher`,
        `initial_teacher`), the options and `name`. Imports Keras.
        """
        if self.parts:
            combine = importlib.import_module("keras_artkd.distillers.combine")
            return functools.partial(combine.make_combination, self.parts)
        return self._declaration.make

    @property
    def space(self) -> Space:
        """The options that are worth a search, and where. Imports Keras."""
        if not self.parts:
            return dict(self._declaration.space)
        return {
            f"{part.name}.{option}": values
            for part in self.parts
            for option, values in part.space.items()
        }

    @property
    def _declaration(self) -> "_Declaration":
        if self.name not in _DECLARED:
            importlib.import_module(f"{METHODS_PACKAGE}.{self.name}")
        return _DECLARED[self.name]

    def options_for(self, epochs: int) -> dict[str, float]:
        """Options that a training of so many epochs has shorter, by name."""
        share = min(epochs / PUBLISHED_EPOCHS, 1.0)
        if share == 1.0:
            return {}
        return {
            name: share * float(self.options[name])
            for name in self.epoch_options
        }

    def options_of(
        self, part: str, options: Mapping[str, Option]
    ) -> dict[str, Option]:
        """The options of one of the joined methods, by their own names."""
        prefix = f"{part}."
        return {
            name.removeprefix(prefix): value
            for name, value in options.items()
            if name.startswith(prefix)
        }

    def pseudo_label_options(
        self, options: Mapping[str, Option]
    ) -> dict[str, Option]:
        """The options of the pseudo-labels, by their own names.

        Args:
            options: dict of options of this method; the others are at their
                defaults.
        """
        options = {**self.options, **options}
        return self.options_of(self.pseudo_labels or "", options) or options

    def networks(
        self, expert: Any = None, initial: Any = None
    ) -> dict[str, Any]:
        """Arguments of `make` for the teachers that take part.

        Args:
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
                f"Method {self.name!r} needs {' and '.join(missing)}. "
                f"Received: None. Fix: pass {' and '.join(mends)}."
            )
        return needed


@dataclasses.dataclass(frozen=True)
class _Declaration:
    """The part of a method that exists only after its import."""

    method: Method
    make: Callable[..., Any]
    space: Mapping[str, Float | Choice]


_DECLARED: dict[str, _Declaration] = {}


def method(
    *,
    name: str | None = None,
    space: Mapping[str, Float | Choice] | None = None,
    head: str = "pool",
    epoch_options: tuple[str, ...] = (),
    views: str = "one",
    mixup: float | None = None,
    staged: bool = False,
    pseudo_labels: str | None = None,
    label_free: str | None = None,
) -> Callable[[_Make], _Make]:
    """Declares the function or class below it as a method.

    In a file of this package all but `space` must be literals, and so must
    the defaults of the options: they are read from the text of the file.

    Args:
        name: str; the function's own name by default.
        space: the options that are worth a search, and where.
        head: see `Method`, also for the arguments below.
        epoch_options: tuple of str.
        views: str.
        mixup: float or None.
        staged: bool.
        pseudo_labels: str or None.
        label_free: str or None.

    Returns:
        A decorator that returns what it decorates. After it `get_method` and
        `keras_artkd.distillers.build` know the method, in any module.

    Raises:
        ValueError: from the decorator, if the name is taken by a method of
            this package or the signature is not that of a method.

    Example:
    >>> @method(space={"weight": Float(0.1, 10.0, sampling="log")})
    ... def mine(student, expert_teacher, weight=1.0, name="mine"):
    ...     '''`L(y, S) + weight ...`.'''
    >>> get_method("mine").options
    {'weight': 1.0}
    """
    properties = {
        "head": head,
        "epoch_options": epoch_options,
        "views": views,
        "mixup": mixup,
        "staged": staged,
        "pseudo_labels": pseudo_labels,
        "label_free": label_free,
    }

    def declare(make: _Make) -> _Make:
        known = _method(inspect_source(make, name, properties))
        ours = known.name in method_files()
        home = f"{METHODS_PACKAGE}.{known.name}"
        if not known.name.isidentifier() or ours and make.__module__ != home:
            raise ValueError(
                "A method's name must be a Python identifier, and not that of "
                f"a method of keras_artkd. Received: name={known.name!r}. "
                "Fix: @method(name=...)."
            )
        _DECLARED[known.name] = _Declaration(known, make, space or {})
        return make

    return declare


def _method(source: Source) -> Method:
    return Method(
        name=source.name,
        needs_expert="expert_teacher" in source.parameters,
        needs_initial="initial_teacher" in source.parameters,
        options=source.options,
        documentation=source.documentation,
        **source.properties,
    )


@functools.cache
def read_method(name: str) -> Method:
    """Reads a method of this package without importing it.

    Args:
        name: str, a key of `method_files()`.

    Returns:
        A `Method`, equal to the one that importing the file declares.

    Raises:
        ValueError: see `keras_artkd.catalogue.source.read_source`.
    """
    return _method(read_source(method_files()[name]))


class _Methods(Mapping[str, Method]):
    """Every method by name, of this package and declared elsewhere."""

    def __getitem__(self, name: str) -> Method:
        if name in _DECLARED:
            return _DECLARED[name].method
        if name in method_files():
            return read_method(name)
        raise KeyError(name)

    def __iter__(self) -> Iterator[str]:
        return iter(sorted({*method_files(), *_DECLARED}))

    def __len__(self) -> int:
        return len({*method_files(), *_DECLARED})


METHODS: Mapping[str, Method] = _Methods()


def get_method(name: str) -> Method:
    """A method, or several joined by `+`.

    Args:
        name: str, as `keras_artkd.distillers.build` takes it.

    Raises:
        ValueError: for an unknown name; it lists the known ones. Also for
            methods that cannot be joined, see `combination`.
    """
    names = name.split("+")
    if len(set(names)) < len(names) or set(names) - set(METHODS):
        unknown = [part for part in names if part not in METHODS]
        near = difflib.get_close_matches("".join(unknown[:1]), METHODS, n=1)
        raise ValueError(
            f"`method` must be one of {', '.join(METHODS)}, or different ones "
            f"joined as in kd+rkd. Received: method={name!r}."
            f"{f' Perhaps you meant {near[0]}.' if near else ''}"
        )
    if len(names) == 1:
        return METHODS[name]
    return combination(name, tuple(METHODS[part] for part in names))


def combination(name: str, parts: tuple[Method, ...]) -> Method:
    """Several methods as one: every transfer term of each, added up.

    The student's supervised loss counts once, and in full (weight 1), as
    where RepDistiller adds KD to a method. A method with a first stage
    without labels (AB) keeps it: the others' weights are zero in it. Epochs
    of their warm-ups are counted from the beginning all the same. A student
    can have the exits of one method only, and a batch the views of one; of
    several views every method's terms count, their mean. One that learns
    pseudo-labels gives its targets to all, and one that mixes its images mixes
    them for all. Images without labels join where there are pseudo-labels, or
    a first stage without labels. Options are called `<method>.<option>`.

    Args:
        name: str, the parts' names joined by `+`.
        parts: tuple of `Method`, at least two.

    Returns:
        A `Method`.

    Raises:
        ValueError: if two need different views of the examples, two learn
            pseudo-labels, or one has phases of its own.
    """
    names = [part.name for part in parts]
    staged = [part.name for part in parts if part.staged]
    if staged:
        raise ValueError(
            "A method with phases of its own cannot be joined with others. "
            f"Received: {', '.join(staged)} with {', '.join(names)}. Fix: one "
            "of them alone."
        )
    views = {part.views: part.name for part in parts if part.views != "one"}
    if len(views) > 1:
        raise ValueError(
            "Joined methods must learn from the same views of an image. "
            "Received: "
            + ", ".join(f"{part} with {kind!r}" for kind, part in views.items())
            + ". Fix: leave one out."
        )
    taught = [part for part in parts if part.pseudo_labels]
    if len(taught) > 1:
        raise ValueError(
            "Joined methods can learn the pseudo-labels of one. Received: "
            f"{', '.join(part.name for part in taught)}. Fix: leave one out."
        )
    heads = [part.head for part in parts if part.head != "pool"]
    stages = [
        f"{part.name}.{part.label_free}"
        for part in parts
        if part.label_free in part.options
    ]
    return Method(
        name=name,
        needs_expert=any(part.needs_expert for part in parts),
        needs_initial=any(part.needs_initial for part in parts),
        options={
            f"{part.name}.{option}": default
            for part in parts
            for option, default in part.options.items()
        },
        head=heads[0] if heads else "pool",
        epoch_options=tuple(
            f"{part.name}.{option}"
            for part in parts
            for option in part.epoch_options
        ),
        views=next(iter(views), "one"),
        mixup=next((p.mixup for p in parts if p.mixup is not None), None),
        pseudo_labels=taught[0].pseudo_labels if taught else None,
        label_free=stages[0] if stages else None,
        parts=parts,
    )
