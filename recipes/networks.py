"""The networks of a run: student, teachers, and the distiller of them."""

import pathlib

import keras

from keras_artkd import distillers, models
from keras_artkd.distillers.registry import get_method
from keras_artkd.layers import AWGram
from keras_artkd.training import set_weight_decay
from recipes.stages import count_stages, stage_paths


def check_student(config, num_classes=10):
    """Makes the student once, with any expert; raises what that raises.

    The number of classes, not known before the data is loaded, is any: no
    network and no method refuses one.
    """
    if not get_method(config.method).staged:
        expert = models.build(
            "wrn_10_1", num_classes * config.rotations, (32, 32, 3)
        )
        build_distiller(config, num_classes, expert)
        return
    # Its blocks and stages decide how many epochs it takes.
    stages = count_stages(config)
    expert = build_expert(config, num_classes)
    num_classes = expert.output_shape[-1]
    build_distiller(config, num_classes, expert).plan(config.epochs, stages)


def check_expert_file(config):
    """Path of the expert that is given, which must be there."""
    path = pathlib.Path(config.expert)
    if not path.is_file() or path.suffix != ".keras":
        raise ValueError(
            f"`expert` must be a .keras file. Received: {path}"
            f"{'' if path.is_file() else ', which is not there'}."
        )
    return path


def build_expert(config, num_classes):
    """The expert as given, or the untrained network of one."""
    if config.expert is not None:
        return keras.models.load_model(config.expert)
    return _build_network(
        config, config.expert_network, num_classes, config.teacher_head
    )


def _load_expert(path, config, num_classes):
    expert = keras.models.load_model(path)
    classes = expert.output_shape[-1]
    trained = models.get_endpoints(expert)["logits"].shape[-1]
    if (classes, trained) != (num_classes, num_classes * config.rotations):
        raise ValueError(
            "The expert must know the data's classes, with --augment sla in "
            f"every rotation. Received: {path} with {classes} classes in "
            f"{trained // classes} rotations, data with {num_classes} in "
            f"{config.rotations}. Fix: an expert trained on these classes and "
            "with the same --augment; without --expert one is trained."
        )
    return expert


def load_teachers(path, config, num_classes):
    """The expert, or its stages where the method learns from several."""
    if not get_method(config.method).staged:
        return _load_expert(path, config, num_classes)
    return [
        _load_expert(stage, config, num_classes)
        for stage in stage_paths(path, config.stages)
    ]


def _build_network(config, name, num_classes, head="pool", **options):
    if head == "awgram":
        options["head"] = AWGram(
            config.correlation,
            feature_scale=config.feature_scale,
            dtype="float32",
            name="awgram",
        )
    if config.stem != "auto":
        options["stem"] = config.stem
    try:
        network = models.build(
            name,
            num_classes * config.rotations,
            (config.image_size, config.image_size, 3),
            **options,
        )
    except ValueError as error:
        if config.stem == "auto":
            raise
        raise ValueError(
            f"{error} Fix, if it has no choice of stems: --stem auto."
        ) from error
    if config.rotations == 1:
        return network
    return models.with_rotations(network, config.rotations)


def _build_student(config, num_classes):
    options = {}
    if config.student_weights is not None:
        options["weights"] = config.student_weights
    return _build_network(
        config, config.student, num_classes, config.student_head, **options
    )


def build_distiller(config, num_classes, expert=None):
    """The distiller of a configuration, not yet compiled.

    Its student is built first and from the same seed whatever the method, so
    that compared students with the same head start from the same weights.
    """
    keras.utils.set_random_seed(config.seed)
    keras.config.set_dtype_policy(config.precision)
    try:
        student = _build_student(config, num_classes)
        initial = None
        if get_method(config.method).needs_initial:
            initial = _build_network(
                config, config.initial, num_classes, config.teacher_head
            )
    finally:
        keras.config.set_dtype_policy("float32")
    distiller = distillers.build(
        config.method, student, expert, initial, **config.method_options
    )
    # Connectors too, as mdistiller and RepDistiller have it.
    set_weight_decay(distiller, config.weight_decay)
    return distiller
