"""The identity of a run: what decides its outcome."""

import functools
import hashlib
import json
import pathlib
from typing import TYPE_CHECKING, Any

from keras_artkd.catalogue.augmentations import AUGMENTATIONS
from keras_artkd.catalogue.networks import absolute, file_of
from keras_artkd.types import Path

if TYPE_CHECKING:
    from keras_artkd.runs.plan import Plan

# Settings of later versions, which at these values keep the folder's name.
_UNCHANGED = {
    "stem": "auto",
    "crop_and_mirror": True,
    "teacher_head": "pool",
    "expert_head": "auto",
    "head_channels": None,
    "images_per_epoch": None,
    "expert_views": None,
    "initial_weights": None,
    "freeze_batch_norm": False,
    "fit_head_first": False,
    "train": "all",
    "optimizer": "sgd",
    "rate_decay": "steps",
    "warmup": 0.0,
    "clip_norm": None,
    "ema_momentum": None,
    "label_smoothing": 0.0,
    "keep_epoch": "best",
    "folds": None,
    "fold": None,
    "fit": "crop",
    "backend": "tensorflow",
    # As JSON has it.
    "expert_shares": [],
}
# Settings that do not change the outcome.
_NO_OUTCOME = (
    *("licence", "exports", "workdir", "resume", "labels_only"),
    "cache_size",
)
# Settings that may name a file of weights, and those of networks.
_WEIGHTS = ("student_weights", "initial_weights", "expert_weights")
NETWORKS = ("student", "initial", "expert_network")
# Of weights, what is no path.
NO_FILE = (None, "imagenet", "expert", "auto")


def identify(plan: "Plan") -> dict[str, Any]:
    """The settings that decide the outcome of a run, as JSON has it.

    Raises:
        ValueError: if a file that it names cannot be read.
    """
    # Tuples become lists.
    identity: dict[str, Any] = json.loads(json.dumps(plan.settings))
    for name in _NO_OUTCOME:
        del identity[name]
    identity["head"] = plan.student_head
    _identify_options(plan, identity)
    _identify_data(plan, identity)
    _identify_augmentation(plan, identity)
    _identify_teachers(plan, identity)
    # What the setting was called first.
    identity["student_weights"] = plan.weights
    del identity["inherit"]
    heads = [identity.get(f"{who}head") for who in ("", "teacher_", "expert_")]
    if "awgram" not in heads:
        del identity["correlation"], identity["feature_scale"]
    for key, default in _UNCHANGED.items():
        # One of an expert is gone with it.
        if identity.get(key) == default:
            identity.pop(key, None)
    _identify_files(identity)
    return identity


def _identify_options(plan: "Plan", identity: dict[str, Any]) -> None:
    # Without the method's own defaults, given or not: a new option makes no
    # new run.
    defaults = {**plan.method.options, **plan.usual_options}
    given = plan.config.teaching.given_options
    identity["options"] = plan.usual_options | {
        name: value for name, value in given.items() if value != defaults[name]
    }
    # The options have these two.
    del identity["adversarial"], identity["mutual"]
    if not plan.method.staged:
        del identity["stages"]


def _identify_data(plan: "Plan", identity: dict[str, Any]) -> None:
    source = plan.data_source
    identity["data_dir"] = source["data_dir"]
    if plan.crop_size == plan.config.data.image_size:
        del identity["crop_size"]
    identity["data_options"] = dict(source["data_options"])
    # Where something is kept, not what.
    identity["data_options"].pop("cache_dir", None)
    for key in ("unlabelled", "unlabelled_dir", "pseudo_labels"):
        del identity[key]
    identity.update(plan.unlabelled_arguments)
    path = plan.config.data.pseudo_labels
    if path is not None and plan.learns_pseudo_labels:
        identity["pseudo_labels"] = digest_of_file(
            path, "`pseudo_labels` must be a pseudo_labels.csv"
        )


def _identify_augmentation(plan: "Plan", identity: dict[str, Any]) -> None:
    augment = plan.augment
    identity["augment"] = [a for a in AUGMENTATIONS if a in augment]
    if "cutout" not in augment:
        del identity["cutout_side"]
    if "mixup" not in augment:
        del identity["mixup_alpha"]
    if not augment:
        del identity["augment"]


def _identify_teachers(plan: "Plan", identity: dict[str, Any]) -> None:
    networks, given = plan.config.networks, plan.given_experts
    identity["initial_weights"] = plan.initial_weights
    if not plan.method.needs_initial:
        del identity["initial"], identity["initial_weights"]
    expert_reads = plan.expert and networks.expert_head == "auto"
    if not (plan.method.needs_initial or expert_reads):
        identity["teacher_head"] = "pool"
    if plan.expert:
        schedule = plan.expert.config.schedule
        identity["expert_epochs"] = schedule.epochs
        identity["expert_learning_rate"] = plan.expert.first_rate
        identity["expert_weights"] = plan.expert.weights
        if networks.expert_weights in NO_FILE:
            # As it was given: names of earlier versions.
            identity["expert_weights"] = networks.expert_weights
        size = plan.expert.config.data.image_size
        identity["expert_image_size"] = size
        if size == plan.config.data.image_size:
            del identity["expert_image_size"]
        if networks.expert_train != "head":
            del identity["expert_train"]
        return
    views = identity["expert_views"]
    for key in [key for key in identity if key.startswith("expert")]:
        del identity[key]
    if plan.method.needs_expert:
        identity["expert_views"] = views
    if plan.has_expert and given:
        paths = [str(path.resolve()) for path in given]
        identity["expert"] = paths if len(paths) > 1 else paths[0]
        if len({*plan.expert_shares}) > 1:
            identity["expert_shares"] = plan.expert_shares


def _identify_files(identity: dict[str, Any]) -> None:
    """Another file at the same path makes another run."""
    digests: dict[str, str | list[str]] = {}
    for name in _WEIGHTS:
        path = identity.get(name)
        if path not in NO_FILE:
            digests[name] = digest_of_file(
                path, "Weights to begin with must be imagenet, auto, or a file"
            )
    for name in NETWORKS:
        network = str(identity.get(name, ""))
        if file := file_of(network):
            digests[name] = digest_of_file(file, f"`{name}` must be a file")
            identity[name] = absolute(network)
    experts = identity.get("expert") or []
    found = [
        digest_of_file(path, "`expert` must be a file")
        for path in ([experts] if isinstance(experts, str) else experts)
        # One that is not there is told before anything begins.
        if pathlib.Path(path).is_file()
    ]
    if found:
        digests["expert"] = found if len(found) > 1 else found[0]
    if digests:
        identity["files"] = digests


def digest_of_file(path: Path, what: str) -> str:
    """SHA-256 of a file's content, or of the files in a folder.

    Args:
        path: of the file.
        what: str, beginning of the message where it cannot be read.

    Raises:
        ValueError: if it cannot be read.
    """
    try:
        whole = pathlib.Path(path).resolve()
        files = sorted(whole.iterdir()) if whole.is_dir() else [whole]
        digests = []
        for file in files:
            known = file.stat()
            digests.append(_digest(file, known.st_mtime_ns, known.st_size))
        return digests[0] if len(digests) == 1 else "-".join(digests)
    except OSError as error:
        raise ValueError(
            f"{what} that can be read. Received: {path} ({error.strerror})."
        ) from error


@functools.lru_cache
def _digest(file: pathlib.Path, changed: int, size: int) -> str:
    """Read once, for a configuration is resolved many times."""
    del changed, size
    return hashlib.sha256(file.read_bytes()).hexdigest()
