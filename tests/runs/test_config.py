"""`Config`: settings in groups, given and read flat, and validated."""

import dataclasses
import inspect
import json

import pytest

from keras_artkd.datasets import load
from keras_artkd.runs.config import Config
from keras_artkd.runs.settings import _FLAGGED
from tests.runs.settings import small


def test_settings_are_given_and_read_flat():
    config = Config.of(recipe="folder", dataset="folder", epochs=3, limit=9)
    assert (config.schedule.epochs, config.data.limit) == (3, 9)
    other = config.replace(recipe="mine", epochs=4, method="kd")
    assert (other.recipe, other.data.limit) == ("mine", 9)
    assert (other.schedule.epochs, other.teaching.method) == (4, "kd")
    assert config.schedule.epochs == 3
    flat = other.flat()
    assert (flat["recipe"], flat["epochs"], flat["limit"]) == ("mine", 4, 9)
    assert Config.of(**flat) == other
    with pytest.raises(TypeError, match="epoch, lr|lr, epoch"):
        config.replace(epoch=3, lr=0.1)


def test_no_two_groups_share_a_setting():
    groups = [
        dataclasses.asdict(group)
        for group in vars(small("folder")).values()
        if dataclasses.is_dataclass(group)
    ]
    assert sum(map(len, groups)) + 1 == len(small("folder").flat())


def test_the_defaults_are_the_thesis_s():
    """Section 4.2: schedule, networks and images."""
    config = Config.of(recipe="folder", dataset="folder")
    schedule, networks = config.schedule, config.networks
    assert (schedule.epochs, schedule.batch_size) == (200, 128)
    assert (schedule.learning_rate, schedule.momentum) == (0.01, 0.9)
    assert (schedule.drops, schedule.drop_factor) == ((0.3, 0.6), 0.2)
    assert schedule.weight_decay == 5e-4
    assert config.data.image_size == 64
    assert (networks.student, networks.initial) == ("wrn_16_2", "wrn_40_2")
    assert networks.expert_network == "wrn_40_2"
    json.dumps(config.flat())


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"method": "karate"}, "baseline.* kd,.*karate"),
        ({"options": {"gamma": 1}}, "temperature, alpha.*gamma"),
        ({"options": {"alpha": "abc"}}, "'alpha' must be a number.*'abc'"),
        ({"options": {"l2_teacher": 1}}, "'l2_teacher' must be a name"),
        ({"epochs": -1}, "epochs=-1"),
        ({"batch_size": 0}, "batch_size=0"),
        ({"image_size": 0}, "image_size=0"),
        ({"cache_size": 0.0}, "cache_size=0.0"),
        ({"unlabelled": 1.0}, "unlabelled=1.0"),
        ({"learning_rate": -1.0}, "learning_rate=-1.0"),
        ({"weight_decay": -0.1}, "weight_decay=-0.1"),
        ({"learning_rate": float("inf")}, "`learning_rate` must be a finite"),
        ({"weight_decay": float("nan")}, "`weight_decay` must be a finite"),
        ({"seed": -1}, "`seed` must be at least 0"),
        ({"seed": 2**32}, "`seed` must be .* less than 4,294,967,296"),
        ({"feature_scale": float("nan")}, "feature_scale"),
        (
            {"method": "kd", "options": {"temperature": float("nan")}},
            "`temperature` must be a finite",
        ),
        ({"data_options": {"split_seed": 3}}, "data set's own.*split_seed"),
        ({"data_options": {"name": 3}}, "data set's own.*name"),
        ({"drops": (0.6, 0.3)}, "must rise.*0.6"),
        ({"student": "wrn_16"}, "`student` must be one of .*wrn_16_1"),
        ({"expert_network": "big"}, "`expert_network` must be"),
        ({"correlation": "cosin"}, "`correlation` must be one of cosine"),
        ({"cutout_side": 0}, "cutout_side.*at least 1"),
        ({"cutout_side": 16}, "cutout_side=16, image_size=16"),
        ({"mixup_alpha": 0.0}, "mixup_alpha.*positive"),
        ({"expert": ()}, "one expert or more"),
        ({"expert": ("a", "a")}, "each once"),
        ({"expert_shares": (1.0,)}, "number for each expert"),
        ({"expert": "a", "expert_shares": (1.0, 2.0)}, "for each expert"),
        (
            {"expert": ("a", "b"), "expert_shares": (1.0, 0.0)},
            "positive number",
        ),
        ({"augment": ("sla", "sla")}, "each augmentation once"),
        ({"method": "sla_sd", "augment": ("sla",)}, "rotates images itself"),
        ({"method": "kd", "stages": 2}, "`stages` belong to ms_mgans.*'kd'"),
        ({"method": "kd", "adversarial": False}, "`adversarial` belong"),
        ({"method": "kd", "mutual": "none"}, "`mutual` belong"),
        ({"method": "ms_mgans", "stages": 0}, "at least 1.*stages=0"),
        (
            {
                "method": "ms_mgans",
                "mutual": "head",
                "options": {"mutual": "none"},
            },
            "flag of its own.*mutual='none'",
        ),
        (
            {
                "method": "ms_mgans",
                "adversarial": False,
                "options": {"adversarial_weight": 0.1},
            },
            "flag of its own.*adversarial_weight=0.1",
        ),
    ],
)
def test_bad_settings(changes, message):
    with pytest.raises(ValueError, match=message):
        small("folder", **changes)


def test_what_a_data_set_has_no_option_for():
    """Every argument of `load`, but a place that has no flag."""
    parameters = inspect.signature(load).parameters.values()
    own = {p.name for p in parameters if p.kind is not p.VAR_KEYWORD}
    assert own - {"cache_dir"} == _FLAGGED
