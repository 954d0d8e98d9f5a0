"""Gradients at the input, and the gradient of their distance."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from keras_artkd.distillers import build
from keras_artkd.distillers.recorded import recorded_teacher
from keras_artkd.losses import cross_entropy
from tests.distillers.networks import (
    CLASSES,
    batch,
    compiled,
    plain,
    same,
    snapshot,
)

SIDE, HIDDEN, SIZE, BETA = 4, 5, 6, 0.7


def dense(seed):
    """A smooth network whose gradients are easily written down."""
    keras.utils.set_random_seed(seed)
    return keras.Sequential(
        [
            keras.Input((SIDE, SIDE, 3)),
            keras.layers.Rescaling(1 / 255),
            keras.layers.Flatten(),
            keras.layers.Dense(HIDDEN, "tanh"),
            keras.layers.Dense(CLASSES),
        ]
    )


def smooth(seed):
    """With what real networks have: convolutions, batch normalisation."""
    keras.utils.set_random_seed(seed)
    return keras.Sequential(
        [
            keras.Input((SIDE, SIDE, 3)),
            keras.layers.Rescaling(1 / 255),
            keras.layers.Conv2D(6, 3, padding="same", use_bias=False),
            keras.layers.BatchNormalization(),
            keras.layers.Activation("silu"),
            keras.layers.DepthwiseConv2D(3, padding="same"),
            keras.layers.Activation("tanh"),
            keras.layers.GlobalAveragePooling2D(),
            keras.layers.Dense(CLASSES),
        ]
    )


def loss_and_gradient(weights, images, labels):
    """Of each example, by the chain rule; pixels are of 0 to 1."""
    kernel, bias, top, top_bias = weights
    hidden = np.tanh(images.reshape(len(images), -1) / 255 @ kernel + bias)
    logits = hidden @ top + top_bias
    exponentials = np.exp(logits - logits.max(1, keepdims=True))
    shares = exponentials / exponentials.sum(1, keepdims=True)
    targets = np.eye(CLASSES)[labels]
    gradient = ((shares - targets) @ top.T * (1 - hidden**2)) @ kernel.T
    return -np.log(shares[targets == 1]), gradient


def objective(student, expert, images, labels, sample_weight, norm):
    values, own = loss_and_gradient(student, images, labels)
    apart = np.linalg.norm(
        own - loss_and_gradient(expert, images, labels)[1], axis=1
    )
    apart = apart / 2 if norm == "l2" else apart**2 / 2
    return np.mean(sample_weight * (values + BETA * apart))


def slopes(function, weights, step=1e-5):
    """Central differences by every weight, in double precision."""
    found = []
    for number, value in enumerate(weights):
        slope = np.zeros_like(value)
        for place in np.ndindex(value.shape):
            ends = []
            for sign in (1, -1):
                moved = [w.copy() for w in weights]
                moved[number][place] += sign * step
                ends.append(function(moved))
            slope[place] = (ends[0] - ends[1]) / (2 * step)
        found.append(slope)
    return found


@pytest.mark.parametrize("eager", [True, False], ids=["eager", "graph"])
@pytest.mark.parametrize("norm", ["l2", "squared"])
def test_a_step_follows_the_double_gradient(norm, eager):
    student, expert = dense(0), dense(1)
    images, labels = batch(SIZE, SIDE)
    sample_weight = np.linspace(0, 2, SIZE)
    wide = images.astype("float64")
    weights, taught = (
        [w.astype("float64") for w in model.get_weights()]
        for model in (student, expert)
    )

    def total(moved):
        return objective(moved, taught, wide, labels, sample_weight, norm)

    distiller = build(
        "gradient_attention", student, expert, beta=BETA, norm=norm
    )
    distiller.compile(
        keras.optimizers.SGD(1.0), run_eagerly=eager, jit_compile=False
    )
    logs = distiller.train_on_batch(
        images, labels, sample_weight, return_dict=True
    )
    assert logs["loss"] == pytest.approx(total(weights), rel=1e-4)
    for old, slope, new in zip(
        weights, slopes(total, weights), student.get_weights(), strict=True
    ):
        np.testing.assert_allclose(old - new, slope, rtol=2e-3, atol=1e-5)
    assert same(snapshot(expert), [w.astype("float32") for w in taught])


def test_through_batch_normalisation():
    """In a random direction, by differences of the objective."""
    student = smooth(0)
    images, labels = batch(SIZE, SIDE)
    distiller = compiled(
        build("gradient_attention", student, smooth(1), beta=10.0)
    )
    taught = distiller.call_teachers(images)
    variables = student.trainable_variables
    random = np.random.default_rng(0)
    start = [v.numpy() for v in variables]
    direction = [random.normal(size=v.shape).astype("float32") for v in start]

    def total(step):
        for variable, value, way in zip(
            variables, start, direction, strict=True
        ):
            variable.assign(value + step * way)
        endpoints = {**taught, **distiller.call_trained(images)}
        return distiller.compute_terms(labels, endpoints)[1]

    with tf.GradientTape() as tape:
        value = total(0.0)
    gradient = tape.gradient(value, [v.value for v in variables])
    slope = sum(
        np.sum(g * way) for g, way in zip(gradient, direction, strict=True)
    )
    difference = (float(total(1e-3)) - float(total(-1e-3))) / 2e-3
    assert slope == pytest.approx(difference, rel=1e-2)


def input_gradients(distiller, images, labels):
    endpoints = distiller(images, training=True)
    completed = distiller.complete_endpoints(labels, endpoints)
    return {role: of["input_gradient"] for role, of in completed.items()}


def test_networks_of_other_sizes_answer_to_the_same_pixels():
    """The gradient passes back through the resizing, too."""
    expert = plain(6, side=24)
    distiller = compiled(build("gradient_attention", plain(side=16), expert))
    images, labels = batch(3, side=20)
    found = input_gradients(distiller, images, labels)
    assert {g.shape for g in found.values()} == {(3, 20, 20, 3)}
    # Uphill: the steepest.
    steepest = float(np.linalg.norm(found["expert"]))
    direction = found["expert"].numpy() / steepest

    def total(step):
        moved = images + 255 * step * direction
        logits = distiller.call_teachers(moved)["expert"]["logits"]
        return float(np.sum(cross_entropy(labels, logits)))

    difference = (total(0.05) - total(-0.05)) / 0.1
    assert steepest == pytest.approx(difference, rel=2e-2)


@pytest.mark.parametrize(
    ("policy", "tolerance"), [("mixed_float16", 0.03), ("mixed_bfloat16", 0.2)]
)
def test_gradients_of_half_precision(policy, tolerance):
    keras.utils.set_random_seed(0)
    student = plain(dtype=policy)
    full = plain()
    full.set_weights(student.get_weights())
    images, labels = batch(SIZE)
    half, whole = (
        input_gradients(
            build("gradient_attention", network, plain(6)), images, labels
        )["student"]
        for network in (student, full)
    )
    assert half.dtype == "float32"
    # Where a ReLU is near zero, rounding turns it.
    apart = np.linalg.norm(half - whole) / np.linalg.norm(whole)
    assert apart < tolerance


def test_the_students_tape_has_nothing_of_the_teacher():
    student, expert = plain(), plain(6)
    distiller = compiled(build("gradient_attention", student, expert))
    images, labels = batch(SIZE)
    taught = distiller.call_teachers(images)
    with tf.GradientTape() as tape:
        endpoints = {**taught, **distiller.call_trained(images)}
        distiller.compute_terms(labels, endpoints)
    watched = {id(variable) for variable in tape.watched_variables()}
    assert watched == {id(v.value) for v in student.trainable_variables}


def test_layers_without_a_second_gradient():
    inputs = keras.Input((SIDE, SIDE, 3))
    x = keras.layers.LayerNormalization(name="norm")(inputs)
    x = keras.layers.GlobalAveragePooling2D()(x)
    network = keras.Model(inputs, keras.layers.Dense(CLASSES)(x), name="ln")
    with pytest.raises(ValueError, match="'ln' with 'norm', a LayerNormali"):
        build("gradient_attention", network, plain())
    # Nobody differentiates the teacher's gradient.
    build("gradient_attention", plain(), network)


def test_recorded_answers_have_no_gradient():
    with pytest.raises(ValueError, match="Missing of expert: input_gradient"):
        build("gradient_attention", plain(), recorded_teacher(CLASSES))
