"""Losses with parts of their own: built, trained, saved, on two replicas."""

import json

import keras
import numpy as np
import pytest
import tensorflow as tf

from keras_artkd import losses
from keras_artkd.models import with_endpoints
from tests.losses.networks import make_batch, make_distiller, make_network

LOSSES = {
    "hint": lambda: losses.Hint(),
    "vid": lambda: losses.VariationalInformation(),
    "ab": lambda: losses.ActivationBoundary(),
    "ofd": lambda: losses.Overhaul(),
    "review": lambda: losses.ReviewKD(),
    "crd": lambda: losses.ContrastiveRepresentation(8, num_negatives=24),
}
# The teacher's images and maps: larger, smaller than the student's.
TEACHERS = {
    "same": {"width": 6},
    "wide_and_large": {"width": 6, "side": 32},
    "narrow_and_small": {"width": 3, "side": 12},
    "flat": {"width": 4, "strides": 1},
}


def endpoints(network, images):
    model = keras.Model(network.inputs[0], dict(network.endpoints))
    return model(images)


def sample(teacher=TEACHERS["same"]):
    """Labels and the endpoints of a batch in both networks."""
    _, labels = make_batch(8)
    networks = make_network(**teacher), make_network()
    sides = (teacher.get("side", 16), 16)
    return labels, *(
        endpoints(network, make_batch(8, side)[0])
        for network, side in zip(networks, sides, strict=True)
    )


@pytest.mark.parametrize("make", LOSSES.values(), ids=LOSSES)
@pytest.mark.parametrize("teacher", TEACHERS.values(), ids=TEACHERS)
def test_bridges_any_pair(make, teacher):
    """Channels and sizes may differ; known before the batch's size is."""
    labels, *sides = sample(teacher)
    specs = [
        {
            name: keras.KerasTensor((None, *tensor.shape[1:]), tensor.dtype)
            for name, tensor in side.items()
        }
        for side in sides
    ]
    loss = make()
    assert loss(keras.KerasTensor((None,), "int32"), *specs).shape == (None,)
    values = loss(labels, *sides)
    assert values.shape == (8,)
    assert np.isfinite(values).all()


@pytest.mark.parametrize("make", LOSSES.values(), ids=LOSSES)
def test_gradients_reach_student_and_connectors(make):
    labels, teacher, student = sample()
    loss = make()
    loss(labels, teacher, student)
    with tf.GradientTape() as tape:
        tape.watch(student)
        total = tf.reduce_sum(loss(labels, teacher, student))
    read = {name: student[name] for name in loss.student_endpoints}
    gradients, own = tape.gradient(total, (read, loss.trainable_variables))
    assert len(own) >= 4
    for gradient in (*gradients.values(), *own):
        assert np.isfinite(gradient).all()
    assert all(np.abs(gradient).max() > 0 for gradient in gradients.values())
    moved = [np.abs(gradient).max() > 1e-7 for gradient in own]
    # A bias before batch normalisation has no effect: AB and FitNet have one.
    assert sum(moved) >= len(moved) - 3


@pytest.mark.parametrize("make", LOSSES.values(), ids=LOSSES)
def test_trains_in_a_graph_and_changes_no_teacher(make):
    distiller = make_distiller(make())
    loss, teacher = distiller.transfer_losses[0], distiller.teachers["expert"]
    assert {id(v) for v in loss.trainable_variables} <= {
        id(v) for v in distiller.trainable_variables
    }
    before = [w.copy() for w in teacher.get_weights()]
    connectors = [v.numpy() for v in loss.trainable_variables]
    images, labels = make_batch(16)
    logs = distiller.fit(images, labels, batch_size=8, epochs=3, verbose=0)
    assert np.isfinite(logs.history[loss.name]).all()
    for old, new in zip(before, teacher.get_weights(), strict=True):
        np.testing.assert_array_equal(old, new)
    changed = [
        not np.array_equal(old, new)
        for old, new in zip(connectors, loss.trainable_variables, strict=True)
    ]
    assert np.mean(changed) > 0.7


@pytest.mark.parametrize("name", ["hint", "vid", "ofd", "review"])
def test_connectors_alone_learn(name):
    """The loss falls while networks stand still."""
    labels, teacher, student = sample()
    loss = LOSSES[name]()
    optimizer = keras.optimizers.Adam(0.01)
    values = []
    for _ in range(12):
        with tf.GradientTape() as tape:
            value = tf.reduce_mean(loss(labels, teacher, student))
        variables = loss.trainable_variables
        optimizer.apply(tape.gradient(value, variables), variables)
        values.append(float(value))
    assert values[-1] < 0.95 * values[0]


@pytest.mark.parametrize("make", LOSSES.values(), ids=LOSSES)
def test_a_half_trained_distiller_goes_on_as_it_would_have(make, tmp_path):
    """Connectors, running estimates and queues are saved."""
    distiller = make_distiller(make())
    images, labels = make_batch(16)
    distiller.fit(images, labels, batch_size=8, verbose=0)
    distiller.save(tmp_path / "distiller.keras")
    restored = keras.models.load_model(tmp_path / "distiller.keras")
    assert len(restored.get_weights()) == len(distiller.get_weights())
    for a, b in zip(
        distiller.get_weights(), restored.get_weights(), strict=True
    ):
        np.testing.assert_array_equal(a, b)
    logs = [
        model.train_on_batch(images[:8], labels[:8], return_dict=True)
        for model in (distiller, restored)
    ]
    name = distiller.transfer_losses[0].name
    assert logs[0][name] == pytest.approx(logs[1][name], rel=1e-5)


@pytest.mark.parametrize("make", LOSSES.values(), ids=LOSSES)
def test_weights_of_a_loss_alone(make, tmp_path):
    """Rebuilt from its JSON, it takes the weights and answers the same."""
    labels, teacher, student = sample()
    loss = make()
    loss(labels, teacher, student)
    config = json.loads(json.dumps(keras.saving.serialize_keras_object(loss)))
    restored = keras.saving.deserialize_keras_object(config)
    restored.set_weights(loss.get_weights())
    np.testing.assert_allclose(
        loss(labels, teacher, student),
        restored(labels, teacher, student),
        rtol=1e-5,
    )


def test_review_reads_pooled_features_too():
    loss = losses.ReviewKD(pairs=[("a", "b")], pooled_pair=("c", "d"))
    assert loss.teacher_endpoints == ("a", "c")
    assert loss.student_endpoints == ("b", "d")


def test_review_levels_have_the_teachers_shapes():
    labels, teacher, student = sample(TEACHERS["wide_and_large"])
    loss = losses.ReviewKD(max_filters=5)
    loss(labels, teacher, student)
    residual = None
    for level, fusion in reversed(list(enumerate(loss.fusions[:-1]))):
        source = student[f"group{level + 1}"]
        if residual is None:
            residual = tf.zeros((8, 1, 1, 5))
        fused, residual = fusion(source, residual)
        assert fused.shape == teacher[f"group{level + 1}"].shape
        assert residual.shape == (*fused.shape[:3], 5)


def test_ab_has_no_connector_where_channels_agree():
    _, teacher, _ = sample()
    loss = losses.ActivationBoundary()
    values = loss(None, teacher, teacher)
    assert loss.weights == []
    expected = [
        losses.activation_boundary(teacher[f"group{i}"], teacher[f"group{i}"])
        for i in (1, 2, 3)
    ]
    np.testing.assert_allclose(
        values, expected[0] / 4 + expected[1] / 2 + expected[2], rtol=1e-5
    )


def test_overhaul_estimates_margins_of_negative_responses():
    """Of each channel, over all batches seen; zero where there is none."""
    random = np.random.default_rng(0)
    scale = np.array([1.0, 3.0, 0.5])
    batches = random.normal(size=(20, 8, 4, 4, 3)) * scale
    batches[..., 2] = np.abs(batches[..., 2])
    loss = losses.Overhaul(pairs=[("map", "map")])
    loss(None, {"map": batches[0]}, {"map": batches[0]})
    first = batches[0]
    margin = loss.responses[0].numpy()
    np.testing.assert_allclose(
        margin[1][:2] / margin[0][:2],
        [first[..., c][first[..., c] < 0].mean() for c in (0, 1)],
        rtol=1e-4,
    )
    for batch in batches[1:]:
        loss(None, {"map": batch}, {"map": batch})
    share, total = loss.responses[0].numpy()
    # Half a Gaussian's mean is sqrt(2 / pi) of its deviation.
    np.testing.assert_allclose(
        total[:2] / share[:2], -0.798 * scale[:2], rtol=0.05
    )
    assert share[2] == total[2] == 0.0


def test_overhaul_uses_given_margins():
    _, teacher, student = sample()
    given = [[-0.1 * (i + 1)] * 6 * 2**i for i in range(3)]
    loss = losses.Overhaul(margins=given)
    values = loss(None, teacher, student)
    pairs = loss.connected_maps(teacher, student)
    expected = [
        losses.overhaul(taught, learnt, margin[0])
        for (taught, learnt), margin in zip(pairs, given, strict=True)
    ]
    np.testing.assert_allclose(
        values, expected[0] / 4 + expected[1] / 2 + expected[2], rtol=1e-4
    )
    with pytest.raises(ValueError, match=r"\[6, 12, 24\].*Received: \[1\]"):
        losses.Overhaul(margins=[[-1.0]])(None, teacher, student)


def test_maps_must_be_maps_of_a_fixed_size():
    loss = losses.Hint(pairs=[("logits", "group1")])
    _, teacher, student = sample()
    with pytest.raises(ValueError, match=r"fixed size.*logits \(8, 4\).*Fix"):
        loss(None, teacher, student)
    inputs = keras.Input((None, None, 3))
    x = keras.layers.Conv2D(4, 3, name="conv")(inputs)
    logits = keras.layers.Dense(4)(keras.layers.GlobalAveragePooling2D()(x))
    network = with_endpoints(keras.Model(inputs, logits), {"group2": "conv"})
    with pytest.raises(ValueError, match="fixed size.*input_shape"):
        make_distiller(losses.Hint(), student=network)


def test_initial_variance_is_the_variance_at_first():
    labels, teacher, student = sample()
    loss = losses.VariationalInformation(initial_variance=3.0)
    value = loss(labels, teacher, student)
    pairs = loss.connected_maps(teacher, student)
    expected = sum(
        losses.variational_information(taught, mean, 3.0)
        for taught, mean in pairs
    )
    np.testing.assert_allclose(value, expected, rtol=1e-4)
    with pytest.raises(ValueError, match="`initial_variance`.*Received"):
        losses.VariationalInformation(initial_variance=0.0)


def fit_connectors(name, strategy):
    """Logs of training, and the loss's weights and queues after it."""
    keras.utils.set_random_seed(3)
    with strategy.scope():
        distiller = make_distiller(LOSSES[name]())
    images, labels = make_batch(24)
    logs = distiller.fit(images, labels, batch_size=8, shuffle=False, verbose=0)
    loss = distiller.transfer_losses[0]
    return logs.history[loss.name], loss.get_weights()


@pytest.mark.parametrize(
    "name", ["hint", "ofd", pytest.param("review", marks=pytest.mark.slow)]
)
def test_two_replicas_train_connectors_as_one_device_does(name):
    strategy = tf.distribute.MirroredStrategy(
        ["CPU:0", "CPU:1"],
        cross_device_ops=tf.distribute.ReductionToOneDevice(),
    )
    one = fit_connectors(name, tf.distribute.get_strategy())
    two = fit_connectors(name, strategy)
    np.testing.assert_allclose(two[0], one[0], rtol=1e-3)
    for a, b in zip(two[1], one[1], strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-2, atol=1e-3)
