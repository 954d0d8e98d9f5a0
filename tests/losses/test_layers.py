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
    (losses.DecoupledKD, {"temperature": 2.0, "alpha": 0.5, "beta": 2.0}),
    (
        losses.PerceptionKD,
        {"temperature": 2.0, "epsilon": 1e-3, "synchronized": True},
    ),
    (
        losses.PerceptionDecoupledKD,
        {
            "temperature": 2.0,
            "alpha": 0.5,
            "beta": 2.0,
            "epsilon": 1e-3,
            "synchronized": True,
        },
    ),
    (losses.Hint, {"pairs": (("a", "b"),), "activation": None}),
    (
        losses.VariationalInformation,
        {"pairs": (("a", "b"),), "initial_variance": 2.0},
    ),
    (losses.ActivationBoundary, {"pairs": (("a", "b"),), "margin": 0.5}),
    (
        losses.Overhaul,
        {"pairs": (("a", "b"),), "margins": ((-1.0, -0.5),)},
    ),
    (
        losses.ReviewKD,
        {
            "pairs": (("a", "b"),),
            "pooled_pair": ("c", "d"),
            "max_filters": 8,
        },
    ),
    (
        losses.ContrastiveRepresentation,
        {
            "embedding_dim": 16,
            "num_negatives": 8,
            "temperature": 0.5,
            "pair": ("a", "b"),
        },
    ),
    (
        losses.RelationalKD,
        {"distance_weight": 1.0, "angle_weight": 2.0, "pair": ("a", "b")},
    ),
    (losses.SimilarityPreserving, {"pair": ("a", "b")}),
    (losses.ProbabilisticTransfer, {"pair": ("a", "b")}),
]
OF_THE_BATCH = (
    losses.RelationalKD,
    losses.SimilarityPreserving,
    losses.ProbabilisticTransfer,
)


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
        (losses.PerceptionDecoupledKD, "perception_decoupled_kd"),
        (losses.ReviewKD, "review_kd"),
    ],
)
def test_names_do_not_count_instances(cls, name):
    assert cls().name == name
    assert cls().name == name


@pytest.mark.parametrize("dtype", ["float32", "float16"])
@pytest.mark.parametrize("cls", [cls for cls, _ in LAYERS])
def test_one_float32_value_per_example_or_batch(cls, dtype):
    random = np.random.default_rng(0)

    def endpoints(channels):
        maps = random.normal(size=(4, 3, 4, 4, channels)).astype(dtype)
        names = ("group1", "group2", "group3", "features")
        logits = random.normal(size=(3, 5)).astype(dtype)
        return {**dict(zip(names, maps, strict=True)), "logits": logits}

    result = cls()(np.zeros(3, int), endpoints(2), endpoints(3))
    assert result.shape == (() if cls in OF_THE_BATCH else (3,))
    assert result.dtype == "float32"
    assert np.isfinite(result).all()


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
