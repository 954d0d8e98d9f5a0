"""Groups of the settings of a run, whose fields are flags of `artkd train`.

No two groups have a field of the same name.
"""

import dataclasses
from typing import Literal

import tyro

from keras_artkd.catalogue.correlations import CORRELATIONS, Correlation
from keras_artkd.catalogue.methods import get_method
from keras_artkd.catalogue.networks import get_network
from keras_artkd.deploy.model_card import NO_LICENCE

Option = int | float | str
_MOMENTUM = 0.9


@dataclasses.dataclass(frozen=True)
class DataSettings:
    """Images, splits and labels."""

    dataset: tyro.conf.Suppress[str]
    """Data set, as `keras_artkd.datasets.load` names it."""
    data_dir: str | None = None
    """Where the images are: a folder, or the file of an .npz."""
    data_options: dict[str, Option] = dataclasses.field(default_factory=dict)
    """Options of the data set, such as: scenes 240."""
    group: Literal["none", "artist"] = "none"
    """What no two splits may share. "artist" is much harder."""
    limit: int | None = None
    """The largest number of images, for a quick try."""
    split_seed: int = 0
    """Seed of the random split; the same for all compared runs."""
    folds: int | None = None
    """Train and test so many times, so that every image is tested once by a
    network that never saw it; then train on all of them what is exported."""
    fold: int | None = None
    """Only this one of the folds, from 0 on."""
    unlabelled: float = 0.0
    """Share of the training images whose labels are hidden."""
    unlabelled_dir: str | None = None
    """A folder of images without labels, for methods with pseudo-labels."""
    pseudo_labels: str | None = None
    """A corrected pseudo_labels.csv to learn from instead of the expert's."""
    labels_only: bool = False
    """End when pseudo_labels.csv is written, to look at it and correct it."""
    image_size: int = 64
    """Side of what the student sees, pixels."""
    crop_size: int | None = None
    """Side of the crop from which all networks get their images, resized; by
    default that of the network that sees most."""
    fit: Literal["crop", "stretch", "pad"] = "crop"
    """How a picture becomes the square that networks see: its centre; all of
    it, stretched, as MediaPipe does; or all of it, with black beside."""
    keep_size: tyro.conf.Suppress[bool] = False
    """Take images as large as they are stored, without a resize before the
    crop: for arrays that already have `image_size`."""

    def __post_init__(self) -> None:
        _require_least("image_size", self.image_size, 8)
        if self.crop_size is not None:
            _require_least("crop_size", self.crop_size, 8)
        if self.fit != "crop" and self.keep_size:
            raise ValueError(
                "Images that are taken as they are stored are cropped. "
                f"Received: fit={self.fit!r}. Fix: fit='crop'."
            )
        if not 0 <= self.unlabelled < 1:
            raise ValueError(
                "`unlabelled` must be a share of the training images, at least "
                "0 and less than 1. Received: "
                f"unlabelled={self.unlabelled}."
            )


@dataclasses.dataclass(frozen=True)
class TeachingSettings:
    """The method and its options."""

    method: str = "collaborative"
    """collaborative, baseline, kd, dkd, skdsam, ... (`artkd methods` lists
    them all), or several: kd+rkd."""
    options: dict[str, Option] = dataclasses.field(default_factory=dict)
    """Options of the method, as `artkd methods kd` explains them; of kd, for
    example: temperature 2 alpha 0.5."""
    published_options: tyro.conf.Suppress[dict[str, dict[str, float]]] = (
        dataclasses.field(default_factory=dict)
    )
    """What a paper sets for a method on this data, under its name or, for one
    pair of networks, "<method> <expert> <student>". `options` go first. An
    expert from a file is not taken for one of these."""
    stages: int | None = None
    """Of ms_mgans: how many stages of the expert teach; all by default."""
    adversarial: bool = True
    """Of ms_mgans: whether there are adversaries."""
    mutual: Literal["full", "head", "none"] = "full"
    """Of ms_mgans: what is trained in the phases that close a stage."""

    def __post_init__(self) -> None:
        method = get_method(self.method)
        if {*self.options} - {*method.options}:
            raise ValueError(
                f"Method {self.method!r} has the options "
                f"{', '.join(method.options) or '(none)'}. "
                f"Received: options={self.options}."
            )
        for name, value in self.options.items():
            number = not isinstance(method.options[name], str)
            if number == isinstance(value, str):
                raise ValueError(
                    f"Option {name!r} must be a "
                    f"{'number' if number else 'name'}. "
                    f"Received: {name}={value!r}."
                )
        given = {
            "stages": self.stages is not None,
            "adversarial": not self.adversarial,
            "mutual": self.mutual != "full",
        }
        names = [name for name, changed in given.items() if changed]
        if names and not method.staged:
            raise ValueError(
                f"{' and '.join(f'`{name}`' for name in names)} belong to "
                f"ms_mgans. Received: method={self.method!r}."
            )
        if self.stages is not None:
            _require_least("stages", self.stages, 1)
        for name, value in self.flagged_options.items():
            option = self.options.get(name, value)
            if option != value:
                raise ValueError(
                    f"The option {name!r} has a flag of its own. Received: "
                    f"{name}={option!r} and a flag for {value!r}. Fix: one "
                    "of them."
                )

    @property
    def flagged_options(self) -> dict[str, Option]:
        """Options that were set by a flag of their own."""
        flags: dict[str, Option] = {}
        if self.mutual != "full":
            flags["mutual"] = self.mutual
        if not self.adversarial:
            flags["adversarial_weight"] = 0.0
        return flags

    @property
    def given_options(self) -> dict[str, Option]:
        """Options that were set, by `options` or by a flag of their own."""
        return self.flagged_options | self.options


@dataclasses.dataclass(frozen=True)
class NetworkSettings:
    """Student and teachers."""

    student: str = "wrn_16_2"
    """The network to deploy."""
    stem: Literal["auto", "small", "imagenet"] = "auto"
    """How all networks begin, where they have a choice: for small images or
    for ImageNet's; "auto" goes by the image size."""
    inherit: str | None = None
    """What the student begins with: imagenet, for pretrained weights; auto, the
    same where the network has some; expert, for those of its expert; or the
    path of a file of weights. Without it, random weights."""
    head_channels: int | None = None
    """Channels of the last convolution of a student <network>_first<k>."""
    head: Literal["auto", "pool", "awgram"] = "auto"
    """The student's head; "auto" is the method's published one."""
    correlation: Correlation = "cosine"
    """Correlation of an AWGram head."""
    feature_scale: float = 1.0
    """L2 norm of an AWGram head's output."""
    teacher_head: Literal["pool", "awgram"] = "pool"
    """The head of the teachers that a run trains; published: "pool"."""
    initial: str = "wrn_40_2"
    """The initial teacher, which is trained with the student."""
    initial_weights: str | None = None
    """What the initial teacher begins with: imagenet, auto, or the path of a
    file."""
    expert_network: str = "wrn_40_2"
    """The expert teacher, which is trained first."""
    expert_weights: str | None = None
    """What the expert begins with: imagenet, auto, or the path of a file."""
    expert_image_size: int | None = None
    """Side of what the expert sees, pixels; the student's by default."""
    expert_views: int | None = None
    """Compute the expert's logits of so many views of each image once, and
    learn from these: much faster steps, of fewer views. For methods that read
    nothing else of the expert, such as kd and dkd."""
    freeze_batch_norm: bool = False
    """Keep the batch normalisation of inherited layers as it is."""
    train: Literal["all", "head"] = "all"
    """What of a student that inherits is trained; "head" is fast."""
    expert_train: Literal["all", "head"] = "all"
    """What of an expert that inherits is trained."""
    fit_head_first: bool = False
    """Begin with the classifier that logistic regression finds on the features
    of the network, where all of it but the classifier is inherited."""
    expert_epochs: int | None = None
    """Epochs of the expert; the student's by default. With a method that has
    no expert, one is trained that the student is judged by."""
    expert_learning_rate: float | None = None
    """First learning rate of the expert; the student's by default."""
    expert: tuple[str, ...] | None = None
    """A trained expert instead of training one: a .keras file, or the folder of
    a run. Several teach by the mean of what they predict; for methods that read
    nothing else of the expert."""
    expert_shares: tuple[float, ...] = ()
    """How much each of several experts counts; all alike by default."""

    def __post_init__(self) -> None:
        for field in ("student", "initial", "expert_network"):
            get_network(getattr(self, field), field)
        _require_one_of("correlation", self.correlation, CORRELATIONS)
        for field, least in (
            ("head_channels", 1),
            ("expert_image_size", 8),
            ("expert_views", 1),
            ("expert_epochs", 1),
        ):
            if getattr(self, field) is not None:
                _require_least(field, getattr(self, field), least)
        if isinstance(self.expert, str):
            # A frozen dataclass, made with a single one.
            object.__setattr__(self, "expert", (self.expert,))
        experts, shares = self.expert or (), self.expert_shares
        if self.expert is not None and not 0 < len({*experts}) == len(experts):
            raise ValueError(
                "`expert` must name one expert or more, each once. "
                f"Received: expert={experts}."
            )
        if shares and not (len(shares) == len(experts) and min(shares) > 0):
            raise ValueError(
                "`expert_shares` must be a positive number for each expert. "
                f"Received: expert_shares={shares}, expert={experts}."
            )
        rate = self.expert_learning_rate
        if rate is not None and not rate > 0:
            raise ValueError(
                "`expert_learning_rate` must be positive. "
                f"Received: expert_learning_rate={rate}."
            )


@dataclasses.dataclass(frozen=True)
class AugmentationSettings:
    """Changes to training images, for any method."""

    crop_and_mirror: bool = True
    """Crop training images at random and mirror half of them; otherwise they
    are seen as those of the test."""
    augment: tuple[Literal["cutout", "mixup", "sla"], ...] = ()
    """Changes to training images in addition to crops and mirroring. sla: each
    image in four rotations, told apart."""
    cutout_side: int | None = None
    """Side of cutout's square, pixels; a quarter of the image by default."""
    mixup_alpha: float | None = None
    """Mixup's share has the distribution Beta(alpha, alpha); 0.2 by default, or
    what a method that mixes all images was published with."""

    def __post_init__(self) -> None:
        if len({*self.augment}) < len(self.augment):
            raise ValueError(
                "`augment` must name each augmentation once. "
                f"Received: augment={self.augment}."
            )
        if self.cutout_side is not None:
            _require_least("cutout_side", self.cutout_side, 1)
        if self.mixup_alpha is not None and not self.mixup_alpha > 0:
            raise ValueError(
                "`mixup_alpha` must be positive. "
                f"Received: mixup_alpha={self.mixup_alpha}."
            )


@dataclasses.dataclass(frozen=True)
class ScheduleSettings:
    """The training: length, learning rate, precision, seed."""

    epochs: int = 200
    """How often each training image is seen; 0 chooses it, for expert and
    student, to keep to --minutes."""
    images_per_epoch: int | None = None
    """Images of an epoch, drawn anew for each; all of them by default."""
    batch_size: int = 128
    """Images of a step, on all devices together."""
    learning_rate: float | None = 0.01
    """First learning rate; None takes the published one of the network."""
    published_rates: tyro.conf.Suppress[dict[str, float]] = dataclasses.field(
        default_factory=dict
    )
    """First learning rates by network; that of all others under ""."""
    optimizer: Literal["sgd", "adamw"] = "sgd"
    """sgd, with momentum; or adamw."""
    rate_decay: Literal["steps", "cosine"] = "steps"
    """How the learning rate falls: by drops, or as a cosine to zero."""
    warmup: float = 0.0
    """Part of the training in which the learning rate of a cosine rises."""
    drops: tuple[float, ...] = (0.3, 0.6)
    """Parts of the training after which the learning rate drops."""
    drop_factor: float = 0.2
    """What each drop multiplies the learning rate by."""
    momentum: float = _MOMENTUM
    """Of SGD, without Nesterov."""
    weight_decay: float = 5e-4
    """Of sgd as PyTorch has it, on every weight; of adamw its own, on all but
    biases and normalisation."""
    clip_norm: float | None = None
    """The largest norm of all gradients together."""
    ema_momentum: float | None = None
    """Decay per step of an average of the weights over the training, such as
    0.99: the average is what is tested and exported."""
    label_smoothing: float = 0.0
    """Share of the label that is spread over all classes."""
    keep_epoch: Literal["best", "last", "auto"] = "best"
    """Which epoch's student is kept: the best by validation, the last, or,
    auto, the last where fewer than 100 images validate."""
    precision: Literal["float32", "mixed_bfloat16", "mixed_float16"] = "float32"
    """Of the student and of teachers that are trained with it."""
    seed: int = 0
    """Seed of initial weights, order and augmentation."""

    def __post_init__(self) -> None:
        _require_least("epochs", self.epochs, 0)
        _require_least("batch_size", self.batch_size, 1)
        if self.images_per_epoch is not None:
            _require_least("images_per_epoch", self.images_per_epoch, 1)
        if self.weight_decay < 0:
            raise ValueError(
                "`weight_decay` must not be negative. "
                f"Received: weight_decay={self.weight_decay}."
            )
        if self.learning_rate is not None and not self.learning_rate > 0:
            raise ValueError(
                "`learning_rate` must be positive. "
                f"Received: learning_rate={self.learning_rate}."
            )
        if not 0 <= self.warmup < 1:
            raise ValueError(
                "`warmup` must be a part of the training, at least 0 and less "
                f"than 1. Received: warmup={self.warmup}."
            )
        if not 0 <= self.label_smoothing < 1:
            raise ValueError(
                "`label_smoothing` must be at least 0 and less than 1. "
                f"Received: label_smoothing={self.label_smoothing}."
            )
        if self.clip_norm is not None and not self.clip_norm > 0:
            raise ValueError(
                "`clip_norm` must be positive. "
                f"Received: clip_norm={self.clip_norm}."
            )
        if self.ema_momentum is not None and not 0 <= self.ema_momentum < 1:
            raise ValueError(
                "`ema_momentum` must be at least 0 and less than 1. Received: "
                f"ema_momentum={self.ema_momentum}."
            )
        if self.optimizer == "adamw" and self.momentum != _MOMENTUM:
            raise ValueError(
                "`momentum` belongs to sgd. Received: "
                f"momentum={self.momentum}, optimizer='adamw'. Fix: "
                "--optimizer sgd, or leave it out."
            )
        if self.warmup and self.rate_decay != "cosine":
            raise ValueError(
                "`warmup` belongs to a cosine. Received: "
                f"warmup={self.warmup}, rate_decay={self.rate_decay!r}. Fix: "
                "--rate-decay cosine."
            )
        ends = (0.0, *self.drops, 1.0)
        if any(a >= b for a, b in zip(ends, ends[1:], strict=False)):
            raise ValueError(
                "`drops` must rise, between 0 and 1. "
                f"Received: drops={self.drops}."
            )


@dataclasses.dataclass(frozen=True)
class OutputSettings:
    """What the run leaves behind, and where."""

    licence: str = NO_LICENCE
    """Under which the model is passed on; for its model card."""
    exports: bool = True
    """Write the files to deploy; `artkd export` makes them later, too."""
    workdir: str = "saved_models"
    """The folder of all runs."""
    resume: bool = False
    """Resume this run where it was interrupted."""


def _require_least(name: str, value: float, least: float) -> None:
    if value < least:
        raise ValueError(
            f"`{name}` must be at least {least}. Received: {name}={value}."
        )


def _require_one_of(name: str, value: str, known: tuple[str, ...]) -> None:
    if value not in known:
        raise ValueError(
            f"`{name}` must be one of {', '.join(known)}. "
            f"Received: {name}={value!r}."
        )
