"""The method table: objectives, contracts, errors."""

import keras
import numpy as np
import pytest

from keras_artkd import losses
from keras_artkd.distillers import METHODS, CollaborativeTeaching, build
from keras_artkd.distillers.collaborative import CTKD
from tests.contract import check_config, settings
from tests.distillers.networks import batch, same, snapshot, wide

OPTIONS = {
    "baseline": {},
    "kd": {"temperature": 2.0, "alpha": 0.5},
    "attention": {"beta": 10.0, "mapping": "sum", "norm": "l2"},
    "rocket": {"gamma": 0.1},
    "ctkd": {
        "temperature": 2.0,
        "alpha": 1.0,
        "beta": 0.1,
        "l2_teacher": "initial",
        "l2_reduction": "sum",
        "attention_mapping": "sum4",
        "attention_norm": "mse",
        "detach_initial": False,
    },
}
OPTIONS["collaborative"] = OPTIONS["ctkd"]


def make(method, **options):
    return build(
        method,
        wide(head=METHODS[method].head),
        expert=wide(2),
        initial=wide(),
        **options,
    )


def test_fixed_names():
    assert {
        "baseline",
        "kd",
        "attention",
        "rocket",
        "ctkd",
        "collaborative",
    } <= set(METHODS)
    assert set(OPTIONS) == set(METHODS)


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("tuned", [False, True])
def test_trains_saves_and_goes_on(method, tuned, tmp_path):
    distiller = make(method, **(OPTIONS[method] if tuned else {}))
    assert distiller.name == method
    experts = {r: snapshot(t) for r, t in distiller.teachers.items()}
    distiller.compile(
        keras.optimizers.SGD(0.01, momentum=0.9), metrics=["accuracy"]
    )
    images, labels = batch()
    logs = distiller.fit(images, labels, epochs=8, verbose=0).history
    assert np.isfinite(logs["loss"]).all()
    assert logs["loss"][-1] < logs["loss"][0]
    for role, weights in experts.items():
        assert same(weights, snapshot(distiller.teachers[role]))
    distiller.save(tmp_path / "d.keras")
    restored = keras.models.load_model(tmp_path / "d.keras")
    assert settings(restored.get_config()) == settings(distiller.get_config())
    assert type(restored) is type(distiller)
    np.testing.assert_array_equal(
        restored.predict(images, verbose=0),
        distiller.student.predict(images, verbose=0),
    )


def objective(method, **options):
    """Terms and weights, as one readable line each."""
    distiller = make(method, **options)
    lines = [f"{distiller.supervised_weight:g} * supervised"]
    lines += [f"1 * {role}" for role in distiller.co_trained]
    for loss, weight in zip(
        distiller.transfer_losses, distiller.transfer_weights, strict=True
    ):
        lines.append(f"{weight:g} * {type(loss).__name__}({loss.teacher})")
    return lines


@pytest.mark.parametrize(
    ("method", "options", "expected"),
    [
        ("baseline", {}, ["1 * supervised"]),
        ("kd", {}, ["0.1 * supervised", "0.9 * KD(expert)"]),
        (
            "attention",
            {},
            ["1 * supervised", "1000 * AttentionTransfer(expert)"],
        ),
        (
            "rocket",
            {},
            ["1 * supervised", "1 * initial", "0.03 * LogitsL2(initial)"],
        ),
        (
            "ctkd",
            {},
            [
                "1 * supervised",
                "1 * initial",
                "1 * SoftCrossEntropy(initial)",
                "1.5 * LogitsL2(expert)",
                "0.2 * AttentionTransfer(expert)",
            ],
        ),
        (
            "collaborative",
            {"l2_teacher": "initial"},
            [
                "1 * supervised",
                "1 * initial",
                "1 * KD(initial)",
                "1.5 * LogitsL2(initial)",
                "0.2 * AttentionTransfer(expert)",
            ],
        ),
    ],
)
def test_objectives(method, options, expected):
    """Section 1.4 of the methods: terms, teachers and default weights."""
    assert objective(method, **options) == expected


def test_norms_of_the_two_attention_losses():
    """Equation 3.14 has the root; the attention baseline the mean square."""
    (baseline,) = make("attention").transfer_losses
    assert (baseline.norm, baseline.mapping) == ("mse", "sum2")
    ours = make("collaborative").transfer_losses[2]
    assert (ours.norm, ours.mapping) == ("l2", "sum2")
    (hint,) = make("rocket").transfer_losses
    assert (hint.name, hint.reduction) == ("hint", "sum")


def test_student_gradients_of_ctkd_and_ours_differ_by_t_squared():
    """With the initial teacher detached, eq 3.11 changes that factor only."""
    import tensorflow as tf

    random = np.random.default_rng(0)
    teacher = random.normal(size=(5, 4)).astype("float32")
    student = tf.Variable(random.normal(size=(5, 4)).astype("float32"))
    slopes = []
    for function in (losses.kd, losses.soft_cross_entropy):
        with tf.GradientTape() as tape:
            value = tf.reduce_sum(function(teacher, student, 4.0))
        slopes.append(tape.gradient(value, student))
    np.testing.assert_allclose(slopes[0], 16 * slopes[1], rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize("cls", [CollaborativeTeaching, CTKD])
def test_config(cls):
    changed = OPTIONS["collaborative"]
    distiller = cls(wide(), wide(), wide(2), **changed)
    assert distiller.initial_teacher is distiller.co_trained["initial"]
    assert distiller.expert_teacher is distiller.teachers["expert"]
    check_config(distiller, **changed)


def test_unknown_method_lists_the_known():
    with pytest.raises(ValueError, match="baseline, kd.*'karate'"):
        build("karate", wide())


def test_unknown_option_lists_the_known():
    with pytest.raises(
        ValueError, match="temperature, alpha.*Received: sharpness"
    ):
        make("kd", sharpness=1)


def test_missing_teachers_are_named():
    with pytest.raises(ValueError, match="'kd' needs expert_teacher"):
        build("kd", wide())
    with pytest.raises(
        ValueError, match="needs expert_teacher and initial_teacher"
    ):
        build("collaborative", wide())


def test_bad_l2_teacher():
    with pytest.raises(ValueError, match="expert, initial.*'student'"):
        make("collaborative", l2_teacher="student")
