"""The networks of a run: student, teachers, and their distiller."""

from typing import Any

import keras

from keras_artkd import models
from keras_artkd.catalogue.networks import get_network
from keras_artkd.distillers import Distiller
from keras_artkd.distillers.recorded import recorded_teacher
from keras_artkd.layers import AWGram
from keras_artkd.models.keras_file import load_network
from keras_artkd.models.levels import level_names, level_sizes
from keras_artkd.runs.expert_config import expert_head
from keras_artkd.runs.optimizer import set_weight_decay
from keras_artkd.runs.plan import Plan
from keras_artkd.runs.stages import count_stages, stage_paths
from keras_artkd.types import Path


def check_student(plan: Plan, num_classes: int = 10) -> None:
    """Makes the student once, with any expert; raises what that raises.

    The number of classes is not known before the data is loaded. Any number
    above two does: no network and no method rejects one.
    """
    if not plan.method.staged:
        if plan.weights == "expert":
            expert = build_expert(plan, num_classes)
            num_classes = expert.output_shape[-1]
        elif len(plan.given_experts) > 1:
            # Logits alone, as an ensemble has them.
            expert = recorded_teacher(num_classes)
        else:
            expert = models.build(
                "wrn_10_1", num_classes * plan.rotations, (32, 32, 3)
            )
        build_distiller(plan, num_classes, expert)
        return
    # Its blocks and stages decide how many epochs it takes.
    stages = count_stages(plan)
    expert = build_expert(plan, num_classes)
    num_classes = expert.output_shape[-1]
    distiller: Any = build_distiller(plan, num_classes, expert)
    distiller.plan(plan.config.schedule.epochs, stages)


def build_expert(plan: Plan, num_classes: int) -> keras.Model:
    """The expert as given, or the untrained network of one."""
    networks = plan.config.networks
    if plan.given_experts:
        return load_given(plan)
    return _build_network(
        plan,
        networks.expert_network,
        num_classes,
        expert_head(plan.config),
        image_size=networks.expert_image_size,
    )


def load_given(plan: Plan) -> keras.Model:
    """The expert that is given; of several, the mean of their predictions.

    Each of them gets the crop at its own size.
    """
    given = [load_network(path) for path in plan.given_experts]
    if len(given) == 1:
        return given[0]
    return models.ensemble(given, plan.expert_shares, plan.crop_size)


def load_teachers(
    path: Path, plan: Plan, num_classes: int
) -> keras.Model | list[keras.Model]:
    """The expert, or its stages where the method learns from several."""
    if not plan.method.staged:
        return _load_expert(path, plan, num_classes)
    return [
        _load_expert(stage, plan, num_classes)
        for stage in stage_paths(path, plan.config.teaching.stages)
    ]


def _load_expert(path: Path, plan: Plan, num_classes: int) -> keras.Model:
    expert = load_network(path)
    classes = expert.output_shape[-1]
    trained = models.get_endpoints(expert)["logits"].shape[-1]
    if (classes, trained) != (num_classes, num_classes * plan.rotations):
        raise ValueError(
            "The expert must know the data's classes, with --augment sla in "
            f"every rotation. Received: {path} with {classes} classes in "
            f"{trained // classes} rotations, data with {num_classes} in "
            f"{plan.rotations}. Fix: an expert trained on these classes and "
            "with the same --augment; without --expert one is trained."
        )
    return expert


def built_head(plan: Plan, student: keras.Model) -> str:
    """The head of a student: one without levels to read keeps its own."""
    head = plan.student_head
    if head == "levels" and level_sizes(student) is None:
        return "pool"
    return head


def _build_network(
    plan: Plan,
    name: str,
    num_classes: int,
    head: str = "pool",
    image_size: int | None = None,
    **options: Any,
) -> keras.Model:
    networks = plan.config.networks
    size = image_size or plan.config.data.image_size
    if head == "awgram":
        # Of a network whose last convolution has the channels that it has.
        projects = not get_network(name).can_end_early
        options["head"] = AWGram(
            networks.correlation,
            feature_scale=networks.feature_scale,
            channels=options.pop("head_channels", None) if projects else None,
            dtype="float32",
            name="awgram",
        )
    if networks.stem != "auto":
        options["stem"] = networks.stem
    try:
        network = models.build(
            name, num_classes * plan.rotations, (size, size, 3), **options
        )
    except ValueError as error:
        if networks.stem == "auto":
            raise
        raise ValueError(
            f"{error} Fix, if it has no choice of stems: --stem auto."
        ) from error
    if head == "levels" and level_names(network):
        network = models.with_levels(network)
    if plan.rotations == 1:
        return network
    return models.with_rotations(network, plan.rotations)


def build_distiller(
    plan: Plan,
    num_classes: int,
    expert: keras.Model | list[keras.Model] | None = None,
) -> Distiller:
    """The distiller of a run, not yet compiled.

    Its student is built first and from the same seed whatever the method.
    Therefore compared students with the same head start from the same weights.
    """
    networks, schedule = plan.config.networks, plan.config.schedule
    keras.utils.set_random_seed(schedule.seed)
    keras.config.set_dtype_policy(schedule.precision)
    try:
        student = build_student(plan, num_classes, expert)
        initial = None
        if plan.method.needs_initial:
            initial = _build_initial(plan, num_classes)
    finally:
        keras.config.set_dtype_policy("float32")
    teacher = expert
    if networks.expert_views is not None:
        teacher = recorded_teacher(num_classes)
    try:
        distiller: Distiller = plan.method.make(
            student,
            **plan.method.networks(teacher, initial),
            **plan.options,
            # TensorFlow takes no plus in a name.
            name=plan.method.name.replace("+", "-"),
        )
    except ValueError as error:
        several = len(plan.given_experts)
        if networks.expert_views is not None:
            why = f"expert_views={networks.expert_views}"
            mend = "leave out --expert-views"
        elif several > 1:
            why, mend = f"{several} experts", "--expert with one"
        else:
            raise
        raise ValueError(
            "With `expert_views`, and of several experts, a method can read "
            f"logits alone. Received: {why}, method={plan.method.name!r}, "
            f"which says: {error} Fix: {mend}, or --method kd, dkd or another "
            "of the logits."
        ) from error
    # Heads for the training make every layer of the network trainable.
    if plan.inherits and networks.freeze_batch_norm:
        models.freeze_batch_norm(student)
    if plan.inherits and networks.train == "head":
        models.freeze_inherited(student)
    if schedule.optimizer == "sgd":
        # Connectors too, as in mdistiller and RepDistiller.
        set_weight_decay(distiller, schedule.weight_decay)
    return distiller


def _build_initial(plan: Plan, num_classes: int) -> keras.Model:
    """The initial teacher, with what it inherits."""
    networks = plan.config.networks
    options: dict[str, Any] = {}
    if plan.initial_weights is not None:
        options["weights"] = plan.initial_weights
    initial = _build_network(
        plan, networks.initial, num_classes, networks.teacher_head, **options
    )
    if plan.initial_weights and networks.freeze_batch_norm:
        models.freeze_batch_norm(initial)
    return initial


def build_student(
    plan: Plan,
    num_classes: int,
    expert: keras.Model | list[keras.Model] | None = None,
) -> keras.Model:
    """The student, with what it inherits, not trained yet."""
    networks = plan.config.networks
    options: dict[str, Any] = {}
    if networks.head_channels is not None:
        options["head_channels"] = networks.head_channels
    if plan.weights not in (None, "expert"):
        options["weights"] = plan.weights
    student = _build_network(
        plan, networks.student, num_classes, plan.student_head, **options
    )
    if plan.weights == "expert":
        # Of several stages the last is the expert.
        donor = expert[-1] if isinstance(expert, list) else expert
        models.inherit(student, donor)
    return student
