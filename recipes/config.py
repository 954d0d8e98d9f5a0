"""What a recipe is: data."""

import dataclasses
import functools
import hashlib
import importlib
import json
import pathlib
import shlex
from typing import Literal

import tyro

from keras_artkd.datasets.unlabelled import check_share
from keras_artkd.distillers.registry import get_method
from keras_artkd.layers.correlation import CORRELATIONS
from keras_artkd.model_card import NO_LICENCE
from keras_artkd.models.exit_heads import ROTATIONS
from keras_artkd.models.registry import check_name

# Settings of later versions, which at these values name the runs of before.
_UNCHANGED = {"stem": "auto", "crop_and_mirror": True, "teacher_head": "pool"}
# By which experts are trained; its runs keep the stages of their training.
EXPERT_METHOD = "baseline"
# In the order in which they are applied.
AUGMENTATIONS = ("cutout", "mixup", "sla")


@dataclasses.dataclass(frozen=True)
class Config:
    """Every setting of a run. The defaults are thesis 000's."""

    recipe: tyro.conf.Suppress[str]
    """Name of the recipe; its runs lie in <workdir>/<recipe>/."""
    dataset: tyro.conf.Suppress[str]
    """Data set, as `keras_artkd.datasets.load` names it."""
    data_dir: str | None = None
    """Where the images are: a folder, or the file of an .npz."""
    data_options: dict[str, int | float | str] = dataclasses.field(
        default_factory=dict
    )
    """Options of the data set, such as: scenes 240."""
    group: Literal["none", "artist"] = "none"
    """What no two splits may share. "artist" is much harder."""
    limit: int | None = None
    """At most so many images, for a quick try."""
    split_seed: int = 0
    """Seed of the random split; the same for all compared runs."""
    unlabelled: float = 0.0
    """Share of the training images that do without their labels."""
    unlabelled_dir: str | None = None
    """A folder of images without labels, for methods with pseudo-labels."""
    pseudo_labels: str | None = None
    """A corrected pseudo_labels.csv to learn from instead of the expert's."""
    labels_only: bool = False
    """End when pseudo_labels.csv is written, to look at it and correct it."""
    image_size: int = 64
    """Side of what the networks see, pixels."""
    keep_size: tyro.conf.Suppress[bool] = False
    """Take images as large as they are stored, without a resize before the
    crop: for arrays that already have `image_size`."""

    method: str = "collaborative"
    """collaborative, baseline, kd, dkd, skdsam, ... (`artkd methods` lists
    them all), or several: kd+rkd."""
    options: dict[str, int | float | str] = dataclasses.field(
        default_factory=dict
    )
    """Options of the method, as `artkd methods kd` explains them; of kd, for
    example: temperature 2 alpha 0.5."""
    published_options: tyro.conf.Suppress[dict[str, dict[str, float]]] = (
        dataclasses.field(default_factory=dict)
    )
    """What a paper sets for a method on this data, under its name or, for one
    pair of networks, "<method> <expert> <student>". `options` go first. An
    expert from a file is not taken for one of these."""
    student: str = "wrn_16_2"
    """The network to deploy."""
    stem: Literal["auto", "small", "imagenet"] = "auto"
    """How all networks begin, where they have a choice: with small images in
    mind or with ImageNet's; "auto" goes by the image size."""
    student_weights: str | None = None
    """"imagenet" starts a ConvNeXt student from pretrained weights."""
    head: Literal["auto", "pool", "awgram"] = "auto"
    """The student's head; "auto" is the method's published one."""
    correlation: str = "cosine"
    """Correlation of an AWGram head."""
    feature_scale: float = 1.0
    """L2 norm of an AWGram head's output."""
    teacher_head: Literal["pool", "awgram"] = "pool"
    """The head of the teachers that a run trains; published: "pool"."""
    initial: str = "wrn_40_2"
    """The initial teacher, trained along."""
    expert_network: str = "wrn_40_2"
    """The expert teacher, trained first."""
    expert_weights: str | None = None
    """"imagenet" starts a ConvNeXt expert from pretrained weights."""
    expert_epochs: int | None = None
    """Epochs of the expert; those of the student if not given."""
    expert_learning_rate: float | None = None
    """First learning rate of the expert; the student's if not given."""
    expert: str | None = None
    """A trained expert, .keras, to take instead."""

    stages: int | None = None
    """Of ms_mgans: how many stages of the expert teach; all if not given."""
    adversarial: bool = True
    """Of ms_mgans: whether there are adversaries."""
    mutual: Literal["full", "head", "none"] = "full"
    """Of ms_mgans: what is trained in the phases that close a stage."""

    crop_and_mirror: bool = True
    """Crop training images at random and mirror half of them; else they are
    seen as those of the test."""
    augment: tuple[Literal["cutout", "mixup", "sla"], ...] = ()
    """What is done to training images besides crops and mirroring, for any
    method. sla: each image in four rotations, told apart."""
    cutout_side: int | None = None
    """Side of cutout's square, pixels; a quarter of the image if not given."""
    mixup_alpha: float = 0.2
    """Mixup's share has the distribution Beta(alpha, alpha)."""

    epochs: int = 200
    batch_size: int = 128
    learning_rate: float | None = 0.01
    """First learning rate; None takes the published one of the network."""
    published_rates: tyro.conf.Suppress[dict[str, float]] = dataclasses.field(
        default_factory=dict
    )
    """First learning rates by network; that of all others under ""."""
    drops: tuple[float, ...] = (0.3, 0.6)
    """Parts of the training after which the learning rate drops."""
    drop_factor: float = 0.2
    momentum: float = 0.9
    weight_decay: float = 5e-4
    """As PyTorch's SGD has it, on every weight."""
    precision: Literal["float32", "mixed_bfloat16", "mixed_float16"] = "float32"
    seed: int = 0
    """Seed of initial weights, order and augmentation."""

    licence: str = NO_LICENCE
    """Under which the model is passed on; for its model card."""
    exports: bool = True
    """Write the files to deploy; `artkd export` makes them later, too."""
    workdir: str = "saved_models"
    resume: bool = False
    """Go on with this run where it was interrupted."""
    ablation: bool = False
    """Run the five rows of the thesis's table 4.13 instead, with these
    settings: the study 000/4.13 with --budget own and one seed."""

    def __post_init__(self):
        method = get_method(self.method)
        unknown = set(self.options) - set(method.options)
        if unknown:
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
        self._check_stages(method)
        check_share(self.unlabelled)
        for field in ("student", "initial", "expert_network"):
            check_name(getattr(self, field), field)
        if self.correlation not in CORRELATIONS:
            raise ValueError(
                f"`correlation` must be one of {', '.join(CORRELATIONS)}. "
                f"Received: correlation={self.correlation!r}."
            )
        if len(set(self.augment)) < len(self.augment):
            raise ValueError(
                "`augment` must name each augmentation once. "
                f"Received: augment={self.augment}."
            )
        if method.views == "rotations" and self.rotations > 1:
            raise ValueError(
                "Method sla_sd turns images itself, and cannot tell them from "
                f"those that --augment sla turned. Received: {self.method!r}, "
                f"augment={self.augment}. Fix: leave one out."
            )
        if self.mixup_alpha <= 0:
            raise ValueError(
                "`mixup_alpha` must be positive. "
                f"Received: mixup_alpha={self.mixup_alpha}."
            )
        least = {"epochs": 1, "batch_size": 1, "image_size": 8}
        if self.cutout_side is not None:
            least["cutout_side"] = 1
            if self.cutout_side >= self.image_size:
                raise ValueError(
                    "`cutout_side` must be less than the image's. Received: "
                    f"cutout_side={self.cutout_side}, "
                    f"image_size={self.image_size}."
                )
        for field, value in least.items():
            if getattr(self, field) < value:
                raise ValueError(
                    f"`{field}` must be at least {value}. "
                    f"Received: {field}={getattr(self, field)}."
                )
        if not self.first_rate > 0 or self.weight_decay < 0:
            raise ValueError(
                "`learning_rate` must be positive, `weight_decay` not "
                f"negative. Received: learning_rate={self.learning_rate}, "
                f"weight_decay={self.weight_decay}."
            )
        ends = (0.0, *self.drops, 1.0)
        if any(a >= b for a, b in zip(ends, ends[1:], strict=False)):
            raise ValueError(
                "`drops` must rise, between 0 and 1. "
                f"Received: drops={self.drops}."
            )

    def _check_stages(self, method):
        given = {
            "stages": self.stages is not None,
            "adversarial": not self.adversarial,
            "mutual": self.mutual != "full",
        }
        given = [name for name, changed in given.items() if changed]
        if given and not method.staged:
            raise ValueError(
                f"{' and '.join(f'`{name}`' for name in given)} belong to "
                f"ms_mgans. Received: method={self.method!r}."
            )
        for name, value in self._flagged_options.items():
            option = self.options.get(name, value)
            if option != value:
                raise ValueError(
                    f"The option {name!r} has a flag of its own. Received: "
                    f"{name}={option!r} and a flag for {value!r}. Fix: one "
                    "of them."
                )
        if self.stages is not None and self.stages < 1:
            raise ValueError(
                f"`stages` must be at least 1. Received: stages={self.stages}."
            )

    @property
    def student_head(self):
        """The student's head, "auto" resolved."""
        return (
            get_method(self.method).head if self.head == "auto" else self.head
        )

    @property
    def method_options(self):
        """Options of the method: given, else published, else as short.

        A number of epochs that the method leaves to its defaults is scaled
        down with the training, as the drops of the learning rate are.
        """
        return self._usual_options | self.given_options

    @property
    def _usual_options(self):
        """Those of the method's options that are not its defaults here."""
        result = get_method(self.method).options_for(self.epochs)
        parts = self.method.split("+")
        for part in parts:
            prefix = f"{part}." if len(parts) > 1 else ""
            rows = [part]
            if self.expert is None:
                rows.append(f"{part} {self.expert_network} {self.student}")
            for row in rows:
                published = self.published_options.get(row, {})
                result |= {prefix + k: v for k, v in published.items()}
        return result

    @property
    def given_options(self):
        """Options that were set, by `options` or by a flag of their own."""
        return self._flagged_options | self.options

    @property
    def _flagged_options(self):
        flags = {}
        if self.mutual != "full":
            flags["mutual"] = self.mutual
        if not self.adversarial:
            flags["adversarial_weight"] = 0.0
        return flags

    @property
    def first_rate(self):
        """First learning rate: given, else published for the network."""
        if self.learning_rate is not None:
            return self.learning_rate
        rates = self.published_rates
        rate = rates.get(self.student, rates.get(""))
        if rate is None:
            raise ValueError(
                "This recipe knows no published learning rate of "
                f"{self.student}. Received: learning_rate=None. Fix: a number."
            )
        return rate

    @property
    def trains_expert(self):
        """Whether the run's expert is a run of its own, trained before."""
        return get_method(self.method).needs_expert and self.expert is None

    @property
    def rotations(self):
        """How many rotations of an image networks tell apart."""
        return ROTATIONS if "sla" in self.augment else 1

    @property
    def learns_pseudo_labels(self):
        """Whether the method learns what an expert says of unlabelled images.

        No other looks at them.
        """
        return get_method(self.method).pseudo_labels is not None

    @functools.cached_property
    def _pseudo_labels_digest(self):
        """Of the file as it was first read: the run keeps its folder."""
        try:
            content = pathlib.Path(self.pseudo_labels).read_bytes()
        except OSError as error:
            raise ValueError(
                "`pseudo_labels` must be a pseudo_labels.csv that can be read. "
                f"Received: {self.pseudo_labels} ({error.strerror})."
            ) from error
        return hashlib.sha256(content).hexdigest()

    @property
    def run_dir(self):
        """Where the run lives: one folder for one configuration."""
        digest = hashlib.sha256(
            json.dumps(self.identity(), sort_keys=True).encode()
        ).hexdigest()[:6]
        return (
            pathlib.Path(self.workdir)
            / self.recipe
            / f"{self.method}-{self.student}-seed{self.seed}-{digest}"
        )

    @property
    def short_side(self):
        """What an image's shorter side is resized to before the crop."""
        # Arrays that have the size already leave no room for a crop.
        return (
            self.image_size
            if self.keep_size
            else round(1.125 * self.image_size)
        )

    def load_arguments(self):
        """What `keras_artkd.datasets.load` is called with."""
        source = self.data_source()
        return {
            "name": self.dataset,
            "short_side": None if self.keep_size else self.short_side,
            "group": self.group,
            "limit": self.limit,
            "split_seed": self.split_seed,
            "data_dir": source["data_dir"],
            **self._unlabelled_arguments(),
            **source["data_options"],
        }

    def _unlabelled_arguments(self):
        """Those of `load` for images without labels, where there are any."""
        arguments = {}
        if self.unlabelled:
            arguments["unlabelled"] = self.unlabelled
        if self.unlabelled_dir is not None and self.learns_pseudo_labels:
            arguments["unlabelled_dir"] = self.data_source()["unlabelled_dir"]
        return arguments

    def data_source(self):
        """The settings that name files of data, their paths absolute.

        A run is exported from any folder, and the same from any folder.
        """
        options = dict(self.data_options)
        for name in {"exclude", "cache_dir"} & set(options):
            options[name] = _absolute(options[name])
        return {
            "data_dir": self.data_dir and _absolute(self.data_dir),
            "data_options": options,
            "unlabelled_dir": self.unlabelled_dir
            and _absolute(self.unlabelled_dir),
            "pseudo_labels": self.pseudo_labels
            and _absolute(self.pseudo_labels),
        }

    def command(self):
        """The command line that gives this configuration again."""
        default = importlib.import_module(f"recipes.{self.recipe}").CONFIG
        words = ["python", "-m", f"recipes.{self.recipe}"]
        for field in dataclasses.fields(self):
            value = getattr(self, field.name)
            if value == getattr(default, field.name) or field.name == "resume":
                continue
            value = self.data_source().get(field.name, value)
            flag = f"--{field.name.replace('_', '-')}"
            words += _as_flag(flag, value)
        return shlex.join(words)

    def settings(self):
        """Every setting as the run has it, nothing left to defaults."""
        settings = dataclasses.asdict(self)
        del settings["published_options"], settings["published_rates"]
        return settings | {
            "options": get_method(self.method).options | self.method_options,
            "learning_rate": self.first_rate,
            "cutout_side": self.image_size // 4
            if self.cutout_side is None
            else self.cutout_side,
        }

    def identity(self):
        """What decides the outcome of the run, as JSON has it.

        Two configurations with the same identity are the same run.
        """
        identity = json.loads(json.dumps(self.settings()))
        method = get_method(self.method)
        identity.update(self.data_source())
        # Not the method's own defaults, given or not: a new option makes no
        # new run.
        usual = self._usual_options
        defaults = method.options | usual
        identity["options"] = usual | {
            name: value
            for name, value in self.given_options.items()
            if value != defaults[name]
        }
        # Where something is kept, not what.
        identity["data_options"].pop("cache_dir", None)
        identity["head"] = self.student_head
        if not (method.needs_initial or self.trains_expert):
            identity["teacher_head"] = "pool"
        if "awgram" not in (self.student_head, identity["teacher_head"]):
            del identity["correlation"], identity["feature_scale"]
        # The options have the other two.
        del identity["adversarial"], identity["mutual"]
        if not method.staged:
            del identity["stages"]
        if not method.needs_initial:
            del identity["initial"]
        identity["augment"] = [a for a in AUGMENTATIONS if a in self.augment]
        for key, belongs_to in (
            ("cutout_side", "cutout"),
            ("mixup_alpha", "mixup"),
        ):
            if belongs_to not in self.augment:
                del identity[key]
        if not self.augment:
            del identity["augment"]
        for key, default in _UNCHANGED.items():
            if identity[key] == default:
                del identity[key]
        for key in ("unlabelled", "unlabelled_dir", "pseudo_labels"):
            del identity[key]
        identity.update(self._unlabelled_arguments())
        if self.pseudo_labels is not None and self.learns_pseudo_labels:
            identity["pseudo_labels"] = self._pseudo_labels_digest
        expert = [key for key in identity if key.startswith("expert")]
        if method.needs_expert and self.expert is not None:
            identity["expert"] = _absolute(self.expert)
            expert.remove("expert")
        elif self.trains_expert:
            expert = []
            of_expert = self.expert_config()
            identity["expert_epochs"] = of_expert.epochs
            identity["expert_learning_rate"] = of_expert.first_rate
        for key in (
            *expert,
            *("licence", "exports", "workdir", "resume", "ablation"),
            "labels_only",
        ):
            del identity[key]
        return identity

    def expert_config(self):
        """The run that trains this run's expert."""
        return dataclasses.replace(
            self,
            method=EXPERT_METHOD,
            options={},
            head=self.teacher_head,
            teacher_head="pool",
            student=self.expert_network,
            student_weights=self.expert_weights,
            epochs=self.expert_epochs or self.epochs,
            learning_rate=self.expert_learning_rate or self.learning_rate,
            stages=None,
            adversarial=True,
            mutual="full",
            unlabelled_dir=None,
            pseudo_labels=None,
            labels_only=False,
            ablation=False,
        )


def _absolute(path):
    return str(pathlib.Path(path).resolve())


def _as_flag(flag, value):
    """A setting as the words of a command line."""
    if isinstance(value, bool):
        return [flag if value else flag.replace("--", "--no-", 1)]
    if isinstance(value, dict):
        return [flag, *(str(part) for item in value.items() for part in item)]
    if isinstance(value, tuple):
        return [flag, *map(str, value)]
    return [flag, str(value)]
