"""The layers around the functions."""

import numpy as np
import pytest

from keras_artkd import losses
from tests.contract import check_config

COMMON = {"teacher": "initial", "detach_teacher": False, "name": "other"}
LAYERS = [
    (losses.KD, {"temperature": 2.0}),
    (losses.SoftCrossEntropy, {"temperature": 2.0}),
    (losses.LogitsL2, {"reduction": "sum"}),
    (
        losses.AttentionTransfer,
        {"pairs": (("a", "b"),), "mapping": "sum", "norm": "mse"},
    ),
]


@pytest.mark.parametrize(("cls", "arguments"), LAYERS)
def test_config(cls, arguments):
    changed = {**arguments, **COMMON}
    check_config(cls(**changed), **changed)


@pytest.mark.parametrize(
    ("cls", "name"),
    [
        (losses.KD, "kd"),
        (losses.LogitsL2, "logits_l2"),
        (losses.AttentionTransfer, "attention_transfer"),
        (losses.SoftCrossEntropy, "soft_cross_entropy"),
    ],
)
def test_names_do_not_count_instances(cls, name):
    assert cls().name == name
    assert cls().name == name


@pytest.mark.parametrize("dtype", ["float32", "float16"])
def test_one_float32_value_per_example(dtype):
    random = np.random.default_rng(0)

    def endpoints():
        maps = random.normal(size=(3, 3, 4, 4, 2)).astype(dtype)
        named = {f"group{i + 1}": m for i, m in enumerate(maps)}
        return {**named, "logits": random.normal(size=(3, 5)).astype(dtype)}

    for cls, _ in LAYERS:
        result = cls()(np.zeros(3, int), endpoints(), endpoints())
        assert result.shape == (3,)
        assert result.dtype == "float32"


def test_attention_transfer_sums_over_pairs():
    random = np.random.default_rng(1)
    teacher = {"a": random.normal(size=(2, 4, 4, 3))}
    student = {"b": random.normal(size=(2, 4, 4, 5)), "c": teacher["a"]}
    layer = losses.AttentionTransfer(pairs=[("a", "b"), ("a", "c")])
    assert layer.teacher_endpoints == ("a", "a")
    assert layer.student_endpoints == ("b", "c")
    np.testing.assert_allclose(
        layer(np.zeros(2), teacher, student),
        losses.attention_transfer(teacher["a"], student["b"]),
        atol=1e-6,
    )


@pytest.mark.parametrize("cls", [losses.KD, losses.SoftCrossEntropy])
def test_bad_temperature_is_refused_at_construction(cls):
    with pytest.raises(ValueError, match="must be positive"):
        cls(temperature=0.0)
