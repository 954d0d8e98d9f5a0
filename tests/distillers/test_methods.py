"""The method table: objectives, contracts, errors."""

import keras
import numpy as np
import pytest

from keras_artkd import losses
from keras_artkd.distillers import METHODS, CollaborativeTeaching, build
from keras_artkd.distillers.collaborative import CTKD
from keras_artkd.distillers.registry import get_method
from keras_artkd.distillers.schedules import Product, weight_at
from tests.contract import check_config, settings
from tests.distillers.networks import CLASSES, batch, same, snapshot, wide

OPTIONS = {
    "baseline": {},
    "kd": {"temperature": 2.0, "alpha": 0.5},
    "logits_l2": {"alpha": 0.5, "reduction": "sum"},
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
OPTIONS |= {
    "fitnet": {"beta": 1.0, "hint": 3},
    "rkd": {"beta": 2.0, "distance_weight": 5.0, "angle_weight": 1.0},
    "crd": {
        "beta": 0.5,
        "temperature": 0.1,
        "embedding_dim": 8,
        "num_negatives": 20,
    },
    "ofd": {"beta": 1e-4, "margins": "estimated"},
    "reviewkd": {"beta": 0.5, "warmup": 2},
    "sp": {"beta": 10.0},
    "pkt": {"beta": 100.0},
    "vid": {"beta": 0.5, "initial_variance": 2.0},
    "ab": {"beta": 1e-4, "margin": 0.5, "first_stage": 1},
    "dkd": {"temperature": 2.0, "alpha": 0.5, "beta": 2.0, "warmup": 2},
    "pr_kd": {
        "temperature": 2.0,
        "alpha": 0.5,
        "epsilon": 1e-3,
        "synchronized": True,
    },
    "pr_dkd": {
        "temperature": 2.0,
        "alpha": 0.5,
        "beta": 2.0,
        "warmup": 2,
        "epsilon": 1e-3,
        "synchronized": True,
    },
    "byot": {"alpha": 0.4, "feature_weight": 0.01, "temperature": 2.0},
    "pd_byot": {
        "alpha": 0.4,
        "feature_weight": 0.01,
        "temperature": 2.0,
        "label_decay": 0.9,
        "divergence_decay": 0.8,
        "feature_decay": 0.7,
    },
    "skdsam": {
        "weight": 0.5,
        "feature_weight": 10.0,
        "temperature": 2.0,
        "attention_temperature": 3.0,
        "attention": "cosine",
    },
    "ddgsd": {"temperature": 2.0, "weight": 0.5, "feature_weight": 0.1},
    "cs_kd": {"temperature": 2.0, "weight": 0.5},
    "sla_sd": {"temperature": 2.0},
    "frskd": {"alpha": 0.5, "beta": 10.0, "temperature": 2.0},
    "pseudo_hard": {"threshold": 0.5},
    "pseudo_soft": {"threshold": 0.5, "temperature": 2.0},
    "equation": {"threshold": 0.5, "temperature": 2.0, "weight": 0.3},
    "mixed": {"threshold": 0.5, "temperature": 2.0, "share": 0.3},
    "ms_mgans": {
        "temperature": 2.0,
        "adversarial_weight": 0.2,
        "feature_weight": 0.5,
        "mutual": "head",
        "adversary_learning_rate": 1e-3,
        "partner_weight": 0.5,
    },
}


def make(method, **options):
    return build(
        method,
        wide(head=get_method(method).head),
        expert=wide(2),
        initial=wide(),
        **options,
    )


def examples(distiller):
    """A batch as the distiller takes it."""
    images, labels = batch(views=distiller.views)
    if distiller.soft_labels:
        labels = np.eye(CLASSES, dtype="float32")[labels]
    return images, labels


def objective_values(distiller, logs):
    """The objective at the first and the last epoch, weighted as at last."""
    names = [loss.name for loss in distiller.transfer_losses]
    names += ["supervised", *(f"{r}_supervised" for r in distiller.co_trained)]
    weights = [*distiller.transfer_weights, distiller.supervised_weight]
    weights += [1.0] * len(distiller.co_trained)
    return [
        sum(
            float(weight_at(weight, distiller.epoch)) * logs[name][i]
            for name, weight in zip(names, weights, strict=True)
        )
        for i in (0, -1)
    ]


def test_fixed_names():
    fixed = (
        "baseline kd attention rocket ctkd collaborative fitnet rkd crd ofd "
        "reviewkd sp pkt vid ab dkd pr_kd pr_dkd byot pd_byot skdsam ddgsd "
        "cs_kd sla_sd frskd ms_mgans pseudo_hard pseudo_soft equation mixed"
    )
    assert set(fixed.split()) <= set(METHODS)
    assert set(OPTIONS) == set(METHODS)
    for method, options in OPTIONS.items():
        assert set(options) in (set(), set(METHODS[method].options)), method


@pytest.mark.parametrize("method", METHODS)
def test_trains_saves_and_goes_on(method, tmp_path):
    distiller = make(method, **OPTIONS[method])
    assert distiller.name == method
    experts = {r: snapshot(t) for r, t in distiller.teachers.items()}
    # The memory of CRD fills with ever better negatives of one batch.
    rate = 0.0005 if method == "crd" else 0.01
    distiller.compile(
        keras.optimizers.SGD(rate, momentum=0.9), metrics=["accuracy"]
    )
    images, labels = examples(distiller)
    logs = distiller.fit(images, labels, epochs=8, verbose=0).history
    assert np.isfinite(logs["loss"]).all()
    first, last = objective_values(distiller, logs)
    assert last < first
    for role, weights in experts.items():
        assert same(weights, snapshot(distiller.teachers[role]))
    distiller.save(tmp_path / "d.keras")
    restored = keras.models.load_model(tmp_path / "d.keras")
    assert settings(restored.get_config()) == settings(distiller.get_config())
    assert type(restored) is type(distiller)
    goes_on_as(restored, distiller)


def goes_on_as(restored, distiller):
    """Every weight is there, and the next step is the same."""
    assert same(snapshot(restored), snapshot(distiller))
    images, labels = examples(distiller)
    logs = [
        model.fit(images, labels, epochs=9, initial_epoch=8, verbose=0).history
        for model in (restored, distiller)
    ]
    for name, values in logs[1].items():
        np.testing.assert_allclose(
            logs[0][name], values, rtol=1e-4, err_msg=name
        )


def describe(weight):
    if not callable(weight):
        return f"{weight:g}"
    if isinstance(weight, Product):
        return " * ".join(map(describe, weight.factors))
    numbers = ", ".join(f"{v:g}" for v in weight.get_config().values())
    return f"{type(weight).__name__}({numbers})"


def objective(method, **options):
    """Terms and weights, as one readable line each."""
    distiller = make(method, **options)
    lines = [f"{describe(distiller.supervised_weight)} * supervised"]
    lines += [f"1 * {role}" for role in distiller.co_trained]
    for loss, weight in zip(
        distiller.transfer_losses, distiller.transfer_weights, strict=True
    ):
        lines.append(
            f"{describe(weight)} * {type(loss).__name__}({loss.teacher})"
        )
    return lines


EXPERT = [
    ("fitnet", "100 * Hint"),
    ("rkd", "1 * RelationalKD"),
    ("crd", "0.8 * ContrastiveRepresentation"),
    ("ofd", "0.001 * Overhaul"),
    ("reviewkd", "LinearWarmup(1, 20) * ReviewKD"),
    ("sp", "3000 * SimilarityPreserving"),
    ("pkt", "30000 * ProbabilisticTransfer"),
    ("vid", "1 * VariationalInformation"),
    ("dkd", "LinearWarmup(1, 20) * DecoupledKD"),
    ("pr_dkd", "LinearWarmup(1, 20) * PerceptionDecoupledKD"),
]


@pytest.mark.parametrize(
    ("method", "options", "expected"),
    [
        ("baseline", {}, ["1 * supervised"]),
        ("kd", {}, ["0.1 * supervised", "0.9 * KD(expert)"]),
        ("logits_l2", {}, ["1 * supervised", "1.5 * LogitsL2(expert)"]),
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
        *(
            (name, {}, ["1 * supervised", f"{term}(expert)"])
            for name, term in EXPERT
        ),
        ("pr_kd", {}, ["0.1 * supervised", "0.9 * PerceptionKD(expert)"]),
        (
            "ab",
            {},
            [
                "Stages(0, 1, 30) * supervised",
                "Stages(0.003, 0, 30) * ActivationBoundary(expert)",
            ],
        ),
        ("byot", {}, ["0.7 * supervised", "1 * Byot(student)"]),
        ("pd_byot", {}, ["0.7 * supervised", "1 * Byot(student)"]),
        ("skdsam", {}, ["1 * supervised", "1.5 * Skdsam(student)"]),
        (
            "ddgsd",
            {},
            [
                "2 * supervised",
                "1 * ViewKD(student)",
                "0.0005 * ViewMMD(student)",
            ],
        ),
        ("cs_kd", {"weight": 3}, ["1 * supervised", "3 * ViewKD(student)"]),
        ("sla_sd", {}, ["1 * supervised", "1 * RotationDistillation(student)"]),
        ("frskd", {}, ["1 * supervised", "1 * FeatureRefinement(student)"]),
        # What they learn is in the batches.
        *(
            (name, {}, ["1 * supervised"])
            for name in ("pseudo_hard", "pseudo_soft", "equation", "mixed")
        ),
        (
            "pseudo_soft+collaborative",
            {"pseudo_soft.threshold": 0.5},
            [
                "1 * supervised",
                "1 * initial",
                "1 * KD(initial)",
                "1.5 * LogitsL2(expert)",
                "0.2 * AttentionTransfer(expert)",
            ],
        ),
        (
            "collaborative+skdsam",
            {"skdsam.attention": "sum"},
            [
                "1 * supervised",
                "1 * initial",
                "1 * KD(initial)",
                "1.5 * LogitsL2(expert)",
                "0.2 * AttentionTransfer(expert)",
                "1.5 * Skdsam(student)",
            ],
        ),
        (
            "kd+rkd",
            {"kd.alpha": 1.0, "rkd.beta": 2.0},
            ["1 * supervised", "1 * KD(expert)", "2 * RelationalKD(expert)"],
        ),
        (
            "ab+dkd",
            {"dkd.warmup": 5},
            [
                "Stages(0, 1, 30) * supervised",
                "Stages(0.003, 0, 30) * ActivationBoundary(expert)",
                "LinearWarmup(1, 5) * Stages(0, 1, 30) * DecoupledKD(expert)",
            ],
        ),
        (
            "rocket+attention+baseline",
            {},
            [
                "1 * supervised",
                "1 * initial",
                "0.03 * LogitsL2(initial)",
                "1000 * AttentionTransfer(expert)",
            ],
        ),
    ],
)
def test_objectives(method, options, expected):
    """The papers' terms, teachers and default weights."""
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
    with pytest.raises(ValueError, match=r"baseline, kd.*'karate'\.$"):
        build("karate", wide())
    with pytest.raises(ValueError, match="'kd.skdasm'. Perhaps .* skdsam"):
        get_method("kd+skdasm")


def test_unknown_option_lists_the_known():
    with pytest.raises(
        ValueError, match="temperature, alpha.*Received: sharpness"
    ):
        make("kd", sharpness=1)


def test_missing_teachers_are_named():
    with pytest.raises(
        ValueError, match="'kd' needs expert_teacher.*`expert=`, a trained.*k.$"
    ):
        build("kd", wide())
    with pytest.raises(
        ValueError, match="needs expert_teacher and initial_teacher"
    ):
        build("collaborative", wide())


@pytest.mark.parametrize(
    ("method", "options", "message"),
    [
        ("ofd", {"margins": "wide"}, "batch_norm, estimated.*'wide'"),
        ("fitnet", {"hint": 0}, "from 1.*hint=0"),
        ("dkd", {"warmup": 0}, "`epochs` must be positive.*epochs=0"),
        ("ab", {"first_stage": -1}, "`epochs` must be positive.*epochs=-1"),
        ("kd", {"alpha": 5.0}, "`alpha` must lie in .0, 1.*alpha=5.0"),
        ("crd", {"num_negatives": 2.5}, "`num_negatives` must be a whole"),
        ("kd+kd", {}, "different ones joined as in kd[+]rkd.*'kd[+]kd'"),
        ("kd+karate", {}, "baseline, kd.*'kd[+]karate'"),
        ("mixed+equation", {}, "pseudo-labels of one.*mixed, equation"),
        ("pseudo_hard", {"threshold": 1.5}, "in .0, 1.*threshold=1.5"),
        ("pseudo_soft", {"temperature": 0}, "temperature=0"),
        ("equation", {"weight": 0}, "`weight` must be positive.*weight=0"),
        ("mixed", {"share": -1}, "`share` must lie in .0, 1.*share=-1"),
        ("kd+rkd", {"alpha": 1.0}, "kd.alpha, rkd.beta.*Received: alpha"),
    ],
)
def test_bad_settings(method, options, message):
    with pytest.raises(ValueError, match=message):
        make(method, **options)


def test_options_of_epochs_shrink_with_the_training():
    """Warm-ups are meant for 240 epochs; longer ones keep them."""
    assert METHODS["dkd"].options_for(240) == {}
    assert METHODS["dkd"].options_for(270) == {}
    assert METHODS["dkd"].options_for(12) == {"warmup": 1.0}
    assert METHODS["ab"].options_for(24) == {"first_stage": 3.0}
    assert METHODS["kd"].options_for(24) == {}
    assert get_method("kd+dkd+ab").options_for(120) == {
        "dkd.warmup": 10.0,
        "ab.first_stage": 15.0,
    }


def test_terms_of_one_name_are_told_apart():
    """Both methods have a `kd`; the options of each are its own."""
    distiller = make("kd+collaborative", **{"collaborative.temperature": 2.0})
    names = [loss.name for loss in distiller.transfer_losses]
    assert names[:2] == ["kd", "collaborative_kd"]
    first, second = distiller.transfer_losses[:2]
    assert (first.temperature, first.teacher) == (4.0, "expert")
    assert (second.temperature, second.teacher) == (2.0, "initial")
    assert get_method("kd+collaborative").head == "awgram"


def test_a_combination_trains_saves_and_goes_on(tmp_path):
    options = {
        "ab.first_stage": 1,
        "dkd.warmup": 2,
        "crd.num_negatives": 40,
        "crd.embedding_dim": 8,
    }
    distiller = make("ab+dkd+crd", **options)
    assert distiller.name == "ab-dkd-crd"
    distiller.compile(keras.optimizers.SGD(0.01, momentum=0.9))
    images, labels = batch()
    logs = distiller.fit(
        images, labels, epochs=2, shuffle=False, verbose=0
    ).history
    # No label counts in the first epoch.
    expected = 0.003 * logs["activation_boundary"][0]
    assert logs["loss"][0] == pytest.approx(expected, rel=1e-5)
    distiller.save(tmp_path / "d.keras")
    restored = keras.models.load_model(tmp_path / "d.keras")
    goes_on_as(restored, distiller)


def test_bad_l2_teacher():
    with pytest.raises(ValueError, match="expert, initial.*'student'"):
        make("collaborative", l2_teacher="student")
