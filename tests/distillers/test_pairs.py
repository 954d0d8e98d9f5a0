"""Every method with an expert, on pairs of networks of different kinds."""

import keras
import numpy as np
import pytest

from keras_artkd import models
from keras_artkd.distillers import METHODS, build
from keras_artkd.distillers.schedules import weight_at
from tests.distillers.networks import same, snapshot

CLASSES = 4
# Of paper 001, tables 3 and 4.
PUBLISHED_PAIRS = [
    ("resnet56", "resnet20"),
    ("resnet110", "resnet32"),
    ("resnet32x4", "resnet8x4"),
    ("wrn_40_2", "wrn_16_2"),
    ("wrn_40_2", "wrn_40_1"),
    ("vgg13", "vgg8"),
    ("resnet32x4", "shufflenet_v1"),
    ("wrn_40_2", "shufflenet_v1"),
    ("vgg13", "mobilenet_v2"),
    ("resnet50", "mobilenet_v2"),
    ("resnet32x4", "shufflenet_v2"),
]
# Shallow ones of other kinds.
SHALLOW_PAIRS = [
    ("vgg8", "mobilenet_v2"),
    ("resnet8x4", "shufflenet_v2"),
]
PAIRS = [
    ("wrn_10_2", "resnet8"),
    *(
        pytest.param(*pair, marks=pytest.mark.exhaustive)
        for pair in SHALLOW_PAIRS + PUBLISHED_PAIRS
    ),
]
OF_AN_EXPERT = [
    name
    for name, row in METHODS.items()
    if row.needs_expert
    and not (row.needs_initial or row.pseudo_labels or row.staged)
]
FIRST_STAGES = ("ab", "feature_distillation")
OF_FIRST_STAGES = (
    "activation_boundary",
    "pooled_similarity",
    "spatial_similarity",
)
# Of CIFAR's size for the memory that a test needs.
SETTINGS = {"crd": {"num_negatives": 64}}


def network(name):
    return models.build(name, CLASSES, (32, 32, 3))


def batch(size):
    random = np.random.default_rng(0)
    images = random.uniform(0, 255, (size, 32, 32, 3)).astype("float32")
    return images, np.arange(size) % CLASSES


@pytest.mark.parametrize(("expert", "student"), PAIRS)
def test_one_step_of_all_methods_at_once(expert, student):
    """Connectors bridge the networks, every term is finite, all is trained."""
    expert = network(expert)
    before = snapshot(expert)
    options = {
        f"{method}.{name}": value
        for method, settings in SETTINGS.items()
        for name, value in settings.items()
    }
    distiller = build(
        "+".join(OF_AN_EXPERT),
        network(student),
        expert,
        # First stages: all the others' weights are zero in them, so they are
        # over before they begin. Then their own are zero.
        **{**options, **{f"{name}.first_stage": 0.5 for name in FIRST_STAGES}},
    )
    distiller.compile(keras.optimizers.SGD(1e-6), run_eagerly=True)
    parts = {"student": distiller.student}
    parts |= {loss.name: loss for loss in distiller.transfer_losses}
    weights = {
        name: [v.numpy() for v in part.trainable_variables]
        for name, part in parts.items()
    }
    logs = distiller.train_on_batch(*batch(8), return_dict=True)
    # IRG has three terms, DIST and feature distillation two, the others one.
    assert len(parts) == 1 + len(OF_AN_EXPERT) + 4
    for loss in distiller.transfer_losses:
        assert np.isfinite(logs[loss.name]) and logs[loss.name] > 0, loss.name
    for name, part in parts.items():
        assert all(np.isfinite(v).all() for v in part.trainable_variables)
        changed = [
            not np.array_equal(old, variable)
            for old, variable in zip(
                weights[name], part.trainable_variables, strict=True
            )
        ]
        # Of the connectors biases before a normalisation have no gradient.
        if name not in OF_FIRST_STAGES and changed:
            assert np.mean(changed) > 0.6, name
    assert same(before, snapshot(expert))


def check_that_the_loss_falls(method, expert, student):
    """The method's terms and the objective, of one batch, in twenty steps."""
    options = dict(SETTINGS.get(method, {}))
    for name in METHODS[method].epoch_options:
        # Twenty steps are an epoch here: the whole weight from the first.
        options[name] = 1
    distiller = build(method, network(student), network(expert), **options)
    distiller.compile(
        # Clipped: untrained deep networks have gradients of any size.
        keras.optimizers.SGD(1e-3, momentum=0.9, global_clipnorm=1.0),
        jit_compile=False,
    )
    images, labels = batch(8)
    # Of one batch a frozen network says the same in every step.
    taught = distiller.call_teachers(images)
    logits = taught["expert"]["logits"]
    if (spread := keras.ops.std(logits)) > 100:
        # Without trained averages a deep expert's logits are of any size,
        # beyond what twenty clipped steps can change.
        taught["expert"]["logits"] = logits / spread
    distiller.call_teachers = lambda images: taught
    losses = distiller.transfer_losses
    weights = [float(weight_at(w, 1.0)) for w in distiller.transfer_weights]
    variables = [v for loss in losses for v in loss.non_trainable_variables]

    def weighted(terms):
        """The method's terms together, as the objective has them."""
        return sum(
            weight * float(terms[loss.name])
            for loss, weight in zip(losses, weights, strict=True)
        )

    # CRD's constants are those of the first batch.
    distiller.train_on_batch(images, labels)
    state = [v.numpy() for v in variables]

    def values():
        """The terms, with queues and estimates as they are now."""
        for variable, value in zip(variables, state, strict=True):
            variable.assign(value)
        endpoints = {**taught, **distiller.call_trained(images)}
        terms, total = distiller.compute_terms(labels, endpoints)
        return weighted(terms), float(total)

    before, during = values(), []
    for _ in range(20):
        logs = distiller.train_on_batch(images, labels, return_dict=True)
        assert np.isfinite(logs["loss"])
        during.append(weighted(logs))
    if method == "crd":
        # Its memory soon holds nothing but this batch: ever harder to tell.
        assert min(during) < 0.95 * during[0]
    else:
        after = values()
        assert after[1] < before[1]
        # Where the labels outweigh the term ten times, they lead.
        term, total = before
        assert after[0] < term or term < 0.1 * total


def test_the_loss_falls_in_twenty_steps():
    check_that_the_loss_falls("reviewkd", "wrn_10_2", "wrn_10_1")


@pytest.mark.exhaustive
@pytest.mark.parametrize("method", OF_AN_EXPERT)
@pytest.mark.parametrize(("expert", "student"), PUBLISHED_PAIRS)
def test_the_loss_falls_for_every_pair(method, expert, student):
    check_that_the_loss_falls(method, expert, student)
