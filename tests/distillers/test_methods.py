"""Every method: its objective, and that it trains, saves and resumes.

A new method has a row in `OPTIONS` and one in `test_objectives`; the other
files go through all methods by themselves.
"""

import keras
import numpy as np
import pytest

from keras_artkd.data.pipeline import VIEWS
from keras_artkd.distillers import METHODS
from keras_artkd.distillers.schedules import Product
from tests.contract import settings
from tests.distillers.networks import (
    CLASSES,
    assert_same_next_step,
    batch,
    every_kind_of_method,
    make,
    same,
    snapshot,
    untrained,
)

# Every option of every method, at another value than its default.
OPTIONS = {
    "baseline": {},
    "kd": {"temperature": 2.0, "alpha": 0.5},
    "logits_l2": {"alpha": 0.5, "reduction": "sum"},
    "attention": {"beta": 10.0, "mapping": "sum", "norm": "l2"},
    "gradient_attention": {"beta": 0.5, "norm": "squared"},
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
    "irg": {
        "vertex_weight": 0.5,
        "edge_weight": 1.0,
        "transformation_weight": 2.0,
    },
    "vid": {"beta": 0.5, "initial_variance": 2.0},
    "ab": {"beta": 1e-4, "margin": 0.5, "first_stage": 1},
    "dkd": {"temperature": 2.0, "alpha": 0.5, "beta": 2.0, "warmup": 2},
    "dist": {"temperature": 2.0, "beta": 0.5, "gamma": 2.0},
    "function_matching": {"temperature": 2.0},
    "feature_distillation": {
        "temperature": 0.1,
        "spatial_weight": 0.5,
        "queue": 20,
        "first_stage": 1,
    },
    "kd_standardised": {"temperature": 3.0, "weight": 0.5},
    "dkd_standardised": {
        "temperature": 3.0,
        "alpha": 0.5,
        "beta": 2.0,
        "warmup": 2,
    },
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
    "unlabelled": dict(threshold=0.5, in_domain=0.9, temperature=2, weight=3),
    "ms_mgans": {
        "temperature": 2.0,
        "adversarial_weight": 0.2,
        "feature_weight": 0.5,
        "mutual": "head",
        "adversary_learning_rate": 1e-3,
        "partner_weight": 0.5,
    },
}


def examples(distiller):
    """A batch as the distiller takes it."""
    images, labels = batch(8, views=distiller.views)
    if distiller.soft_labels:
        labels = np.eye(CLASSES, dtype="float32")[labels]
    return images, labels


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


class Rewind(keras.callbacks.Callback):
    """Begins each epoch with the memories that the first has left.

    One batch again and again would fill CRD's with ever better negatives; so
    the objective is the same in every step.
    """

    def on_epoch_begin(self, epoch, logs=None):
        losses = self.model.transfer_losses
        variables = [v for x in losses for v in x.non_trainable_variables]
        if epoch == 1:
            self.state = [variable.numpy() for variable in variables]
        elif epoch > 1:
            for variable, value in zip(variables, self.state, strict=True):
                variable.assign(value)


@pytest.mark.parametrize("method", every_kind_of_method())
def test_trains_saves_and_resumes(method, tmp_path):
    """Step by step; `test_tracing` has the graphs."""
    distiller = make(method, **OPTIONS[method])
    assert distiller.name == method
    experts = {r: snapshot(t) for r, t in distiller.teachers.items()}
    distiller.compile(
        keras.optimizers.SGD(0.01, momentum=0.9),
        metrics=["accuracy"],
        run_eagerly=True,
    )
    images, labels = examples(distiller)
    # The last two are of one phase, after every warm-up in `OPTIONS`.
    epochs = 7 if METHODS[method].staged else 3
    logs = distiller.fit(
        images,
        labels,
        epochs=epochs,
        shuffle=False,
        verbose=0,
        callbacks=[Rewind()],
    ).history
    assert np.isfinite(logs["loss"]).all()
    assert logs["loss"][-1] < logs["loss"][-2]
    for role, weights in experts.items():
        assert same(weights, snapshot(distiller.teachers[role]))
    distiller.save(tmp_path / "d.keras")
    restored = keras.models.load_model(tmp_path / "d.keras")
    assert settings(restored.get_config()) == settings(distiller.get_config())
    assert type(restored) is type(distiller)
    assert same(snapshot(restored), snapshot(distiller))
    assert_same_next_step(restored, distiller, examples(distiller), epochs)


def describe(weight):
    if not callable(weight):
        return f"{weight:g}"
    if isinstance(weight, Product):
        return " * ".join(map(describe, weight.factors))
    numbers = ", ".join(f"{v:g}" for v in weight.get_config().values())
    return f"{type(weight).__name__}({numbers})"


def objective(method, **options):
    """Terms and weights, as one readable line each."""
    distiller = untrained(method, **options)
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
    ("attention", "1000 * AttentionTransfer"),
    ("gradient_attention", "1 * GradientAttention"),
    ("fitnet", "100 * Hint"),
    ("rkd", "1 * RelationalKD"),
    ("crd", "0.8 * ContrastiveRepresentation"),
    ("ofd", "0.001 * Overhaul"),
    ("reviewkd", "LinearWarmup(1, 20) * ReviewKD"),
    ("sp", "3000 * SimilarityPreserving"),
    ("pkt", "30000 * ProbabilisticTransfer"),
    ("vid", "1 * VariationalInformation"),
    ("irg", "0.1 * LogitsL2", "5 * InstanceEdges", "5 * EdgeTransformation"),
    ("dkd", "LinearWarmup(1, 20) * DecoupledKD"),
    ("pr_dkd", "LinearWarmup(1, 20) * PerceptionDecoupledKD"),
    ("kd_standardised", "9 * StandardisedKD"),
    ("dkd_standardised", "LinearWarmup(1, 20) * StandardisedDecoupledKD"),
    ("dist", "1 * InterClassRelation", "1 * IntraClassRelation"),
]


@pytest.mark.parametrize(
    ("method", "options", "expected"),
    [
        ("baseline", {}, ["1 * supervised"]),
        ("kd", {}, ["0.1 * supervised", "0.9 * KD(expert)"]),
        ("logits_l2", {}, ["1 * supervised", "1.5 * LogitsL2(expert)"]),
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
            (name, {}, ["1 * supervised", *(f"{t}(expert)" for t in terms)])
            for name, *terms in EXPERT
        ),
        ("function_matching", {}, ["0 * supervised", "1 * KD(expert)"]),
        (
            "feature_distillation",
            {"spatial_weight": 2.0},
            [
                "Stages(0, 1, 160) * supervised",
                "Stages(1, 0, 160) * PooledSimilarity(expert)",
                "Stages(2, 0, 160) * SpatialSimilarity(expert)",
            ],
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


def test_methods_ask_for_the_views_that_the_pipeline_has():
    for name, row in METHODS.items():
        assert untrained(name).views == VIEWS[row.views].count, name
