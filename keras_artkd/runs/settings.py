"""Groups of the settings of a run, whose fields are flags of `artkd train`.

No two groups have a field of the same name.
"""

import dataclasses
from typing import Literal

import tyro

from keras_artkd.catalogue.correlations import CORRELATIONS, Correlation
from keras_artkd.catalogue.methods import get_method
from keras_artkd.catalogue.networks import get_network
from keras_artkd.data.memory import CACHE_SIZE
from keras_artkd.deploy.model_card import NO_LICENCE
from keras_artkd.runs.checks import (
    require_finite,
    require_least,
    require_one_of,
)

Option = int | float | str

# Arguments of `datasets.load` that have a setting of their own.
_FLAGGED = {
    *("name", "data_dir", "short_side", "fit", "group", "limit"),
    *("split_seed", "folds", "fold", "unlabelled", "unlabelled_dir"),
    "cache_size",
}


@dataclasses.dataclass(frozen=True)
class DataSettings:
    """Images, splits and labels."""

    dataset: tyro.conf.Suppress[str]
    """Data set, as `keras_artkd.datasets.load` names it."""
    data_dir: str | None = None
    """Where the images are: a folder, or the file of an .npz."""
    data_options: dict[str, Option] = dataclasses.field(default_factory=dict)
    """Options of the data set, such as: scenes 240."""
    cache_size: float = CACHE_SIZE
    """Gigabytes of disk that decoded images may take which are too many for
    memory, of all data sets together; older ones are removed first."""
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
    """A folder of images without labels, for methods that learn from such."""
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
        require_least("image_size", self.image_size, 8)
        if flags := sorted(_FLAGGED & {*self.data_options}):
            raise ValueError(
                "`data_options` are a data set's own. Received: "
                f"{', '.join(flags)}. Fix: the flag of that name."
            )
        if not self.cache_size > 0:
            raise ValueError(
                "`cache_size` must be positive, in gigabytes. Received: "
                f"cache_size={self.cache_size}."
            )
        if self.crop_size is not None:
            require_least("crop_size", self.crop_size, 8)
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
            if not isinstance(value, str):
                require_finite(name, value)
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
            require_least("stages", self.stages, 1)
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
    """Channels of the last convolution of a student <network>_first<k>; of
    another student, to which an AWGram head brings the maps that it reads."""
    head: Literal["auto", "pool", "awgram", "levels"] = "auto"
    """The student's head; "auto" is the method's published one, "levels" reads
    the network at several depths, where it names them."""
    correlation: Correlation = "cosine"
    """Correlation of an AWGram head."""
    feature_scale: float = 1.0
    """L2 norm of an AWGram head's output."""
    teacher_head: Literal["pool", "awgram", "levels"] = "pool"
    """The head of the teachers that a run trains, of the expert where
    `expert_head` is "auto"; published: "pool"."""
    expert_head: Literal["auto", "pool", "awgram", "levels"] = "auto"
    """The head of the expert; "auto" is `teacher_head`."""
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
    expert_train: Literal["auto", "all", "head"] = "all"
    """What of an expert that inherits is trained; "auto" is "all", or, where
    epochs are chosen and few images have labels, "head"."""
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
        require_one_of("correlation", self.correlation, CORRELATIONS)
        for field in ("feature_scale", "expert_learning_rate"):
            if (value := getattr(self, field)) is not None:
                require_finite(field, value)
        for field, least in (
            ("head_channels", 1),
            ("expert_image_size", 8),
            ("expert_views", 1),
            ("expert_epochs", 1),
        ):
            if getattr(self, field) is not None:
                require_least(field, getattr(self, field), least)
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
