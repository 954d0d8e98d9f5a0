"""Checks that every transfer loss must pass, for the loss's own test file."""

import json

import keras
import numpy as np
import tensorflow as tf

from tests.contract import check_config, finite_difference_check
from tests.losses.networks import TEACHERS, make_batch, make_distiller, sample
from tests.losses.samples import EXAMPLES, sample_call, symbolic


def check_loss_layer(
    cls, term, role="expert", views=None, per_example=True, **changed
):
    """The layer's names, configuration, output and serialisation.

    Args:
        cls: an exported `TransferLoss`; `losses.<name>` in the test's code,
            which `test_base.py` looks for.
        term: the name that the loss has in the logs.
        role: of the network to learn from, by default.
        views: how many views of an example it compares.
        per_example: whether it gives a value for each example, or one.
        **changed: its own arguments, each with another value than its
            default.
    """
    loss = cls()
    assert loss.name == cls().name == term
    assert loss.teacher == role
    assert loss.views == views
    changed |= {"teacher": "other", "detach_teacher": False, "name": "other"}
    check_config(cls(**changed), **changed)

    labels = keras.KerasTensor((None,), "int32")
    _, teacher, student = sample_call(loss)
    output = loss(labels, symbolic(teacher), symbolic(student))
    assert output.shape == ((None,) if per_example else ())
    config = json.dumps(keras.saving.serialize_keras_object(loss))
    restored = keras.saving.deserialize_keras_object(json.loads(config))
    restored.set_weights(loss.get_weights())
    for dtype in ("float32", "float16"):
        call = sample_call(loss, dtype)
        result = loss(*call)
        assert result.shape == ((EXAMPLES,) if per_example else ())
        assert result.dtype == "float32"
        assert np.isfinite(result).all()
        np.testing.assert_allclose(result, restored(*call), rtol=1e-5)


def check_definition(function, reference, *inputs, rtol=1e-5, atol=1e-6):
    """A function equals its definition, in single and in half precision.

    Args:
        function: of arrays, gives a tensor.
        reference: the same in NumPy, of float64 arrays.
        *inputs: arrays.
        rtol: of the comparison.
        atol: of the comparison.
    """
    for dtype in ("float32", "float16"):
        given = [np.asarray(x).astype(dtype) for x in inputs]
        result = function(*given)
        expected = reference(*(x.astype("float64") for x in given))
        assert result.dtype == "float32"
        assert result.shape == np.shape(expected)
        np.testing.assert_allclose(result, expected, rtol=rtol, atol=atol)


def check_gradient(function, x, **options):
    """The gradient of the function's sum agrees with finite differences.

    Returns the slope; see `finite_difference_check` for the options.
    """
    return finite_difference_check(
        lambda tensor: tf.reduce_sum(function(tensor)), x, **options
    )


def gradients(function, *inputs, dtype="float32"):
    """The gradients of the function's sum, as arrays; None where none is."""
    variables = [tf.Variable(np.asarray(x).astype(dtype)) for x in inputs]
    with tf.GradientTape() as tape:
        value = tf.reduce_sum(function(*variables))
    return [
        None if gradient is None else np.array(tf.convert_to_tensor(gradient))
        for gradient in tape.gradient(value, variables)
    ]


def check_connectors(make):
    """Connectors bridge any pair of networks and learn with the student.

    Args:
        make: gives a loss with trained connectors.
    """
    for teacher in TEACHERS:
        labels, *sides = sample(teacher)
        loss = make()
        specs = map(symbolic, sides)
        assert loss(keras.KerasTensor((None,), "int32"), *specs).shape == (
            None,
        )
        values = loss(labels, *sides)
        assert values.shape == (8,)
        assert np.isfinite(values).all()

    labels, teacher, student = sample()
    loss = make()
    loss(labels, teacher, student)
    with tf.GradientTape() as tape:
        tape.watch(student)
        total = tf.reduce_sum(loss(labels, teacher, student))
    read = {name: student[name] for name in loss.student_endpoints}
    of_student, own = tape.gradient(total, (read, loss.trainable_variables))
    assert len(own) >= 2
    for gradient in (*of_student.values(), *own):
        assert np.isfinite(gradient).all()
    assert all(np.abs(gradient).max() > 0 for gradient in of_student.values())
    moved = [np.abs(gradient).max() > 1e-7 for gradient in own]
    # A bias before batch normalisation has no effect: AB and FitNet have one.
    assert sum(moved) >= len(moved) - 3


def check_connectors_learn(make, steps=8):
    """The loss falls while the networks stand still."""
    labels, teacher, student = sample()
    loss = make()
    optimizer = keras.optimizers.Adam(0.02)
    values = []
    for _ in range(steps):
        with tf.GradientTape() as tape:
            value = tf.reduce_mean(loss(labels, teacher, student))
        variables = loss.trainable_variables
        optimizer.apply(tape.gradient(value, variables), variables)
        values.append(float(value))
    assert values[-1] < 0.95 * values[0]


def check_training(make, folder):
    """A distiller trains the connectors in a graph and saves all of them.

    Running estimates and queues are saved, too; the teacher stays as it was.

    Args:
        make: gives a loss with trained connectors.
        folder: a path, where the distiller is saved.
    """
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

    distiller.save(folder / "distiller.keras")
    restored = keras.models.load_model(folder / "distiller.keras")
    for a, b in zip(
        distiller.get_weights(), restored.get_weights(), strict=True
    ):
        np.testing.assert_array_equal(a, b)
    terms = [
        model.compute_terms(labels[:8], model(images[:8], training=True))[0]
        for model in (distiller, restored)
    ]
    np.testing.assert_allclose(
        terms[0][loss.name], terms[1][loss.name], rtol=1e-5
    )
