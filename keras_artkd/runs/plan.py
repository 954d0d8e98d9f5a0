"""`Plan`: a configuration, resolved once.

The plan holds what follows from the settings: the method, its options, the
run's folder, the run that trains its expert. Nobody looks these up again.
"""

import dataclasses
import functools
import hashlib
import json
import pathlib
import re
from typing import Any

from keras_artkd.catalogue.augmentations import ROTATIONS
from keras_artkd.catalogue.methods import Method, get_method
from keras_artkd.catalogue.networks import file_of, get_network, without_place
from keras_artkd.data.memory import CACHE_SIZE
from keras_artkd.run_folder import RunFolder
from keras_artkd.runs.config import Config
from keras_artkd.runs.expert_config import (
    crop_size_of,
    expert_config,
    inherits_expert,
)
from keras_artkd.runs.identity import identify
from keras_artkd.runs.settings import Option

# Of Mixup, where neither the user nor the method says: FRSKD's, for thesis 002.
MIXUP_ALPHA = 0.2


@dataclasses.dataclass(frozen=True)
class Plan:
    """A run that can begin.

    Attributes:
        config: `Config`.
        method: `Method`, of one method or of several joined.
        usual_options: those of the method's options that are not its own
            defaults here: published for these networks, or shortened with the
            training.
        first_rate: first learning rate: given, or published for the network.
        expert: `Plan` of the run that trains this run's expert; None where
            there is no expert, or where it is given as a file.
    """

    config: Config
    method: Method
    usual_options: dict[str, Option]
    first_rate: float
    expert: "Plan | None"

    @property
    def options(self) -> dict[str, Option]:
        """Options that the method is made with; the others are defaults."""
        return self.usual_options | self.config.teaching.given_options

    @property
    def is_open(self) -> bool:
        """Whether the number of epochs is still to be chosen."""
        return self.config.schedule.epochs == 0

    @property
    def is_of_all_folds(self) -> bool:
        """Whether it trains on all images, after the runs of its folds."""
        return self.config.data.folds is not None and (
            self.config.data.fold is None
        )

    @property
    def folds(self) -> "list[Plan]":
        """The runs of the folds of a plan that trains on all images."""
        return [
            resolve(self.config.replace(fold=fold))
            for fold in range(self.config.data.folds or 0)
        ]

    @property
    def has_expert(self) -> bool:
        """Whether an expert teaches the student or leaves it its weights."""
        return self.method.needs_expert or inherits_expert(self.config)

    @property
    def weights(self) -> str | None:
        """What the student begins with: imagenet, expert, a file, or None."""
        networks = self.config.networks
        if networks.inherit == "expert":
            return "expert"
        return _weights(networks.inherit, networks.student)

    @property
    def inherits(self) -> bool:
        """Whether the student begins with weights that know something."""
        file = file_of(self.config.networks.student)
        # A preset in a folder begins with random weights unless told.
        brought = file is not None and file.suffix == ".keras"
        return brought or self.weights is not None

    @property
    def initial_weights(self) -> str | None:
        """What the initial teacher begins with: imagenet, a file, or None."""
        networks = self.config.networks
        return _weights(networks.initial_weights, networks.initial)

    @property
    def student_name(self) -> str:
        """The student's name as a part of a file's: it may be a path."""
        student = without_place(self.config.networks.student)
        return re.sub(r"[/:]+", "-", student)

    @property
    def student_head(self) -> str:
        """The student's head, "auto" resolved."""
        head = self.config.networks.head
        return self.method.head if head == "auto" else head

    @property
    def epoch_choice(self) -> str:
        """Why an epoch's student is kept.

        `"validation"` chooses the best one; `"latest"`, of those that
        validation cannot tell from the best; or why the last is kept:
        `"folds"`, for the model of all images has nothing to choose by, and
        what measures it is trained alike; `"asked"`.
        """
        if self.config.data.folds is not None:
            return "folds"
        choices = {
            "best": "validation",
            "last_unless_worse": "latest",
            "last": "asked",
        }
        return choices[self.config.schedule.keep_epoch]

    @property
    def given_experts(self) -> list[pathlib.Path]:
        """Files of the trained experts that are given; of a run, its student's.

        None where one is to be trained, or there is no expert.
        """
        given = map(pathlib.Path, self.config.networks.expert or ())
        return [
            RunFolder(path).student if path.is_dir() else path for path in given
        ]

    @property
    def expert_shares(self) -> list[float]:
        """How much each of the given experts counts; they sum to 1."""
        count = len(self.given_experts)
        shares = self.config.networks.expert_shares or (1.0,) * count
        return [share / sum(shares) for share in shares]

    @property
    def augment(self) -> tuple[str, ...]:
        """Augmentations of training images, those of the method with them."""
        given = self.config.augmentation.augment
        mixes = self.method.mixup is not None and "mixup" not in given
        return (*given, "mixup") if mixes else given

    @property
    def mixup_alpha(self) -> float:
        """Of Mixup's share, where images are mixed."""
        for alpha in (self.config.augmentation.mixup_alpha, self.method.mixup):
            if alpha is not None:
                return alpha
        return MIXUP_ALPHA

    @property
    def rotations(self) -> int:
        """How many rotations of an image networks tell apart."""
        return ROTATIONS if "sla" in self.augment else 1

    @property
    def cutout_side(self) -> int:
        """Side of cutout's square, pixels."""
        side = self.config.augmentation.cutout_side
        return self.crop_size // 4 if side is None else side

    @property
    def crop_size(self) -> int:
        """Side of the crop that every network gets, resized, pixels."""
        return crop_size_of(self.config)

    @property
    def short_side(self) -> int:
        """Shorter side to which an image is resized before the crop, pixels."""
        data = self.config.data
        # Arrays that have the size already leave no room for a crop, and a
        # picture of which all is seen needs none.
        tight = data.keep_size or data.fit != "crop"
        return self.crop_size if tight else round(1.125 * self.crop_size)

    @property
    def learns_pseudo_labels(self) -> bool:
        """Whether the method learns an expert's labels of unlabelled images."""
        return self.method.pseudo_labels is not None

    @property
    def learns_unlabelled(self) -> bool:
        """Whether the method learns from unlabelled images; others ignore them.

        It has pseudo-labels of them, or reads no label.
        """
        return self.learns_pseudo_labels or self.method.label_free is not None

    @property
    def first_stage(self) -> int:
        """Epochs of a first stage in which no label is read; 0 without one."""
        option = self.method.label_free
        if option not in self.method.options:
            return 0
        epochs = float({**self.method.options, **self.options}[str(option)])
        return min(int(epochs), self.config.schedule.epochs)

    @property
    def label_free_epochs(self) -> int:
        """The first epochs, in which no label is read; mostly 0, or all."""
        always = self.method.label_free == "always"
        return self.config.schedule.epochs if always else self.first_stage

    @property
    def data_source(self) -> dict[str, Any]:
        """The settings that name files of data, with absolute paths.

        A run is the same from any folder, and is exported from any folder.
        """
        data = self.config.data
        options = dict(data.data_options)
        for name in {"exclude", "cache_dir"} & {*options}:
            options[name] = _absolute(str(options[name]))
        paths = {
            name: getattr(data, name)
            for name in ("data_dir", "unlabelled_dir", "pseudo_labels")
        }
        return {"data_options": options} | {
            name: path and _absolute(path) for name, path in paths.items()
        }

    @property
    def load_arguments(self) -> dict[str, Any]:
        """Arguments of `keras_artkd.datasets.load`."""
        data, source = self.config.data, self.data_source
        return {
            "name": data.dataset,
            "short_side": None if data.keep_size else self.short_side,
            "group": data.group,
            "limit": data.limit,
            "split_seed": data.split_seed,
            "data_dir": source["data_dir"],
            **({} if data.fit == "crop" else {"fit": data.fit}),
            **self._cache_arguments,
            **self.unlabelled_arguments,
            **self._fold_arguments,
            **source["data_options"],
        }

    @property
    def unlabelled_arguments(self) -> dict[str, Any]:
        """Arguments of `load` for images without labels, if there are any."""
        data, arguments = self.config.data, {}
        if data.unlabelled:
            arguments["unlabelled"] = data.unlabelled
        if data.unlabelled_dir is not None and self.learns_unlabelled:
            arguments["unlabelled_dir"] = self.data_source["unlabelled_dir"]
        return arguments

    @property
    def _cache_arguments(self) -> dict[str, Any]:
        """Arguments of `load` for its cache, if they are not the usual ones."""
        size = self.config.data.cache_size
        return {} if size == CACHE_SIZE else {"cache_size": size}

    @property
    def _fold_arguments(self) -> dict[str, Any]:
        """Arguments of `load` for folds, if there are any."""
        data = self.config.data
        given = {"folds": data.folds, "fold": data.fold}
        return {k: v for k, v in given.items() if v is not None}

    @property
    def settings(self) -> dict[str, Any]:
        """Every setting as the run has it, nothing left to defaults."""
        settings = self.config.flat()
        del settings["published_options"], settings["published_rates"]
        return settings | {
            "options": {**self.method.options, **self.options},
            "learning_rate": self.first_rate,
            "augment": self.augment,
            "mixup_alpha": self.mixup_alpha,
            "cutout_side": self.cutout_side,
            "crop_size": self.crop_size,
        }

    @functools.cached_property
    def folder(self) -> RunFolder:
        """The run's folder: one folder for one configuration."""
        config = self.config
        digest = hashlib.sha256(
            json.dumps(self.identity, sort_keys=True).encode()
        ).hexdigest()[:6]
        name = (
            f"{config.teaching.method}-{self.student_name}"
            f"-seed{config.schedule.seed}-{digest}"
        )
        return RunFolder(
            pathlib.Path(config.output.workdir) / config.recipe / name
        )

    @functools.cached_property
    def identity(self) -> dict[str, Any]:
        """The settings that decide the outcome of the run, as JSON has it.

        Two configurations with the same identity are the same run.
        """
        return identify(self)


def resolve(config: Config) -> Plan:
    """Resolves a configuration.

    Raises:
        ValueError: if the recipe knows no learning rate of the student, or
            the file of pseudo-labels cannot be read.
    """
    method = get_method(config.teaching.method)
    has_expert = method.needs_expert or inherits_expert(config)
    trains_expert = has_expert and config.networks.expert is None
    plan = Plan(
        config,
        method,
        _usual_options(config, method),
        _first_rate(config),
        resolve(expert_config(config)) if trains_expert else None,
    )
    # Reads the file of pseudo-labels as it is now: the run keeps its folder.
    plan.folder  # noqa: B018
    return plan


def _weights(given: str | None, network: str) -> str | None:
    """What a network begins with, "auto" resolved: imagenet, a file, None."""
    if given == "auto":
        return "imagenet" if get_network(network).has_weights else None
    return given if given in (None, "imagenet") else _absolute(given)


def _usual_options(config: Config, method: Method) -> dict[str, Option]:
    options: dict[str, Option] = dict(
        method.options_for(config.schedule.epochs)
    )
    networks = config.networks
    for part in [each.name for each in method.parts or (method,)]:
        prefix = f"{part}." if method.parts else ""
        rows = [part]
        if networks.expert is None:
            rows.append(f"{part} {networks.expert_network} {networks.student}")
        for row in rows:
            published = config.teaching.published_options.get(row, {})
            options |= {prefix + k: v for k, v in published.items()}
    return options


def _first_rate(config: Config) -> float:
    if config.schedule.learning_rate is not None:
        return config.schedule.learning_rate
    rates = config.schedule.published_rates
    rate = rates.get(config.networks.student, rates.get(""))
    if rate is None:
        raise ValueError(
            "This recipe knows no published learning rate of "
            f"{config.networks.student}. Received: learning_rate=None. Fix: a "
            "number."
        )
    return rate


def _absolute(path: str) -> str:
    return str(pathlib.Path(path).resolve())
