"""Argument validation for `Distiller`."""

import numbers
import warnings
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import keras

from keras_artkd.distillers.input_gradient import GradientNetwork
from keras_artkd.distillers.roles import STUDENT, RoleNetwork
from keras_artkd.distillers.schedules import Schedule, Weight
from keras_artkd.losses.base import TransferLoss
from keras_artkd.losses.gradient_attention import INPUT_GRADIENT
from keras_artkd.models.answers import softmax_sums
from keras_artkd.models.functional import as_functional


def own_terms(roles: Iterable[str]) -> tuple[str, ...]:
    """Names of the terms that are not transfer losses."""
    return (
        "supervised",
        *(f"{role}_supervised" for role in roles if role != STUDENT),
        "regularization",
    )


def name_networks(
    student: keras.Model,
    teachers: Mapping[str, keras.Model],
    co_trained: Mapping[str, keras.Model],
    losses: Sequence[TransferLoss] = (),
) -> dict[str, RoleNetwork]:
    """Every network by role, after a check that they fit together."""
    clash = (set(teachers) & set(co_trained)) | (
        {STUDENT} & (set(teachers) | set(co_trained))
    )
    if clash:
        raise ValueError(
            "Every network needs a role of its own. "
            f"Received twice: {', '.join(sorted(clash))}."
        )
    models = {STUDENT: student, **teachers, **co_trained}
    if len({id(model) for model in models.values()}) < len(models):
        raise ValueError(
            "Every role needs a network of its own. Received one model in "
            f"several of the roles {', '.join(models)}. Fix: "
            "keras.models.clone_model."
        )
    differentiated = roles_of_gradients(losses)
    networks = {
        role: (GradientNetwork if role in differentiated else RoleNetwork)(
            role, model
        )
        for role, model in models.items()
    }
    for model in models.values():
        _check_answers(as_functional(model))
    if len({n.specs["logits"].shape[-1] for n in networks.values()}) > 1:
        raise ValueError(
            "All networks must have the same classes. Received: "
            + "; ".join(n.describe() for n in networks.values())
        )
    return networks


def roles_of_gradients(losses: Sequence[TransferLoss]) -> set[str]:
    """The roles whose gradient at the input is read by a loss."""
    reading = [x for x in losses if INPUT_GRADIENT in x.teacher_endpoints]
    return {role for loss in reading for role in (STUDENT, loss.teacher)}


def _check_answers(model: keras.Model) -> None:
    """Rejects a network whose answers are probabilities, wherever from."""
    sums = softmax_sums(model)
    if sums is not None:
        raise ValueError(
            "A network in distillation must end in logits. Received: "
            f"{model.name!r}, whose answers to two images of noise are not "
            f"negative and sum to {sums[0]:.3f} and {sums[1]:.3f}, as those "
            "of a softmax. Fix: build it without (activation=None, "
            "classifier_activation=None)."
        )


def check_losses(
    losses: Sequence[TransferLoss],
    weights: Sequence[Weight],
    networks: Mapping[str, RoleNetwork],
    views: int = 1,
) -> None:
    """Builds the losses' connectors, and checks what they read and return."""
    if len(weights) != len(losses):
        raise ValueError(
            "`transfer_weights` must have one weight for each transfer loss. "
            f"Received: {len(weights)} weights, {len(losses)} losses."
        )
    names = [*own_terms(networks), "loss", *(loss.name for loss in losses)]
    if len(set(names)) < len(names):
        raise ValueError(
            "Terms must have distinct names in the logs, and transfer losses "
            f"name theirs. Received: {', '.join(names)}. Fix: name=..."
        )
    for loss in losses:
        if loss.teacher not in networks:
            raise ValueError(
                f"Transfer loss {loss.name!r} learns from a network that is "
                f"not there. Received: teacher={loss.teacher!r}. Known "
                f"roles: {', '.join(networks)}."
            )
        if loss.views not in (None, views):
            raise ValueError(
                f"Transfer loss {loss.name!r} compares {loss.views} views of "
                f"each example. Received: views={views}. Fix: "
                f"Distiller(..., views={loss.views}), and such batches."
            )
        teacher, student = networks[loss.teacher], networks[STUDENT]
        for network, needed in (
            (teacher, loss.teacher_endpoints),
            (student, loss.student_endpoints),
        ):
            missing = [name for name in needed if name not in network.specs]
            if missing:
                raise ValueError(
                    f"Transfer loss {loss.name!r} reads endpoints that are "
                    f"not there. Missing of {network.role}: "
                    f"{', '.join(missing)}. {teacher.describe()}; "
                    f"{student.describe()}. Fix: name the layers with "
                    "keras_artkd.models.with_endpoints; exits are made by "
                    "keras_artkd.models.with_exits."
                )
        # JAX cannot divide an unknown number of rows by the views: therefore
        # one example.
        rows = loss.views
        values = loss(
            keras.KerasTensor((rows,), "int32"),
            teacher.specs_of(rows),
            student.specs_of(rows),
        )
        if tuple(values.shape) not in ((), (rows and 1,)):
            raise ValueError(
                f"Transfer loss {loss.name!r} must return one value per "
                "example, shape (batch,), or a scalar. Received: shape "
                f"{tuple(values.shape)}."
            )


def check_weight(name: str, weight: Any) -> Weight:
    """A weight as the distiller keeps it: a float or a schedule.

    Raises:
        ValueError: for what would not be saved with the model, or not be
            found again by loading.
    """
    if isinstance(weight, Schedule) and callable(weight):
        # Ours are; the round trip would import TensorFlow on any backend.
        return weight
    if callable(weight):
        try:
            # Of a lambda Keras warns, and does not load it.
            with warnings.catch_warnings(action="ignore"):
                saved = keras.saving.serialize_keras_object(weight)
            keras.saving.deserialize_keras_object(saved)
        except Exception as error:
            raise ValueError(
                f"`{name}` must be a number, or a callable of the epoch that "
                f"Keras can save and load. Received: {weight!r} "
                f"({str(error).splitlines()[0][:120]}). Fix: a class with "
                "`get_config`, or a function, registered by "
                "keras.saving.register_keras_serializable()."
            ) from error
        schedule: Weight = weight
        return schedule
    if isinstance(weight, keras.Variable) or not isinstance(
        weight, numbers.Real
    ):
        raise ValueError(
            f"`{name}` must be a number, or a callable of the epoch. Received: "
            f"{weight!r}, a {type(weight).__name__}. Fix: float(...); a weight "
            "that changes is a schedule, such as "
            "keras_artkd.distillers.LinearWarmup."
        )
    return float(weight)


def check_views(views: int, labelled_views: int) -> None:
    """Raises ValueError unless the labelled views are among the views."""
    if not 1 <= labelled_views <= views:
        raise ValueError(
            "`labelled_views` must be at least 1 and at most `views`. "
            f"Received: labelled_views={labelled_views!r}, views={views!r}."
        )


def check_share(alpha: float) -> None:
    """Raises ValueError unless `alpha` is a share, in [0, 1]."""
    if not 0 <= alpha <= 1:
        raise ValueError(
            "`alpha` must lie in [0, 1]: the labels have the other share. "
            f"Received: alpha={alpha!r}."
        )


def check_weights(**weights: float) -> None:
    """Raises ValueError for a negative weight."""
    for name, weight in weights.items():
        if not weight >= 0:
            raise ValueError(
                f"`{name}` must not be negative. Received: {name}={weight!r}."
            )
