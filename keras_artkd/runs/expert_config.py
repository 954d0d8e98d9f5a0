"""The configuration of the run that trains an expert."""

from typing import Any

from keras_artkd.runs.config import Config

# The method that trains experts; its runs keep the stages of their training.
EXPERT_METHOD = "baseline"
# Settings of a network that is trained alone, whatever the method was.
ALONE: dict[str, Any] = {
    "method": EXPERT_METHOD,
    "options": {},
    "stages": None,
    "adversarial": True,
    "mutual": "full",
    "unlabelled_dir": None,
    "pseudo_labels": None,
    "labels_only": False,
}
# Of an expert that learns nothing but its classifier: an epoch leaves what
# logistic regression found as it is.
FROZEN_EXPERT: dict[str, Any] = {
    "expert_train": "head",
    "expert_epochs": 1,
    "expert_learning_rate": 1e-6,
}


def expert_config(config: Config) -> Config:
    """The configuration of the run that trains a run's expert."""
    networks, schedule = config.networks, config.schedule
    return config.replace(
        image_size=networks.expert_image_size or config.data.image_size,
        crop_size=crop_size_of(config),
        expert_image_size=None,
        expert_views=None,
        initial_weights=None,
        head_channels=None,
        **ALONE,
        head=expert_head(config),
        teacher_head="pool",
        expert_head="auto",
        student=networks.expert_network,
        inherit=networks.expert_weights,
        train="head" if networks.expert_train == "head" else "all",
        expert_train="all",
        epochs=networks.expert_epochs or schedule.epochs,
        learning_rate=networks.expert_learning_rate or schedule.learning_rate,
        # `artkd export` makes its files, for who wants them.
        exports=False,
    )


def expert_head(config: Config) -> str:
    """The head of the expert that a run trains."""
    networks = config.networks
    if networks.expert_head == "auto":
        return networks.teacher_head
    return networks.expert_head


def inherits_expert(config: Config) -> bool:
    """Whether the student begins with what its expert has learned."""
    return config.networks.inherit == "expert"


def crop_size_of(config: Config) -> int:
    """Side of the crop that every network of a run gets, pixels.

    Where an expert's size is given it counts, also of one that only judges.
    """
    data = config.data
    if data.crop_size is not None:
        return data.crop_size
    # Arrays that have the size already have no more to show.
    if data.keep_size:
        return data.image_size
    return max(data.image_size, config.networks.expert_image_size or 0)
