"""Invariants of the one training step."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from keras_artkd import Distiller, losses
from keras_artkd.distillers import LinearWarmup
from keras_artkd.runs.optimizer import set_weight_decay
from tests.distillers.networks import (
    CLASSES,
    batch,
    compiled,
    full_distiller,
    normalised,
    plain,
    same,
    snapshot,
)

# For what a graph could get wrong.
GRAPH = {"run_eagerly": False, "jit_compile": False}
CE = keras.losses.SparseCategoricalCrossentropy(from_logits=True)


class CountingLayer(keras.layers.Layer):
    """Counts how often the graph runs it."""

    def __init__(self, **kwargs):
        super().__init__(**kwargs)
        self.count = tf.Variable(0, trainable=False)

    def call(self, x):
        self.count.assign_add(1)
        return tf.identity(x)


def counting_network():
    counter = CountingLayer()
    base = plain()
    x = counter(base.inputs[0])
    inner = keras.Model(base.inputs[0], base.endpoints)
    endpoints = inner(x)
    model = keras.Model(base.inputs[0], endpoints["logits"])
    model.endpoints = endpoints
    return model, counter


def test_fit_trains_what_it_should_and_nothing_else():
    distiller = full_distiller()
    expert = distiller.teachers["expert"]
    initial = distiller.co_trained["initial"]
    before = [snapshot(m) for m in (expert, initial, distiller.student)]
    compiled(distiller)
    distiller.fit(*batch(), batch_size=8, epochs=2, verbose=0)
    after = [snapshot(m) for m in (expert, initial, distiller.student)]
    assert same(before[0], after[0])
    for old, new in zip(before[1:], after[1:], strict=True):
        assert not any(
            np.array_equal(a, b) for a, b in zip(old, new, strict=True)
        )


def test_evaluate_and_predict_change_no_state():
    distiller = compiled(full_distiller(), metrics=["accuracy"], **GRAPH)
    images, labels = batch()
    distiller.fit(images, labels, verbose=0)
    before = snapshot(distiller)
    logs = distiller.evaluate(images, labels, verbose=0, return_dict=True)
    logits = distiller.predict(images, verbose=0)
    assert same(before, snapshot(distiller))
    np.testing.assert_allclose(
        logits, distiller.student(images, training=False), rtol=1e-4, atol=1e-5
    )
    assert set(logs) == {"loss", "accuracy"}
    assert logs["loss"] == pytest.approx(float(CE(labels, logits)), rel=1e-5)
    assert logs["accuracy"] == np.mean(logits.argmax(1) == labels)


def test_every_term_is_logged_and_adds_up():
    distiller = full_distiller(supervised_weight=0.5)
    set_weight_decay(distiller.student, 1e-2)
    compiled(distiller, 0.0)
    images, labels = batch(8)
    logs = distiller.fit(
        images,
        labels,
        batch_size=8,
        verbose=0,
        validation_data=(images, labels),
    ).history
    logs = {name: values[0] for name, values in logs.items()}
    assert set(logs) == {
        "loss",
        "supervised",
        "initial_supervised",
        "kd",
        "logits_l2",
        "attention_transfer",
        "regularization",
        "val_loss",
    }
    total = (
        0.5 * logs["supervised"]
        + logs["initial_supervised"]
        + logs["kd"]
        + 1.5 * logs["logits_l2"]
        + 0.2 * logs["attention_transfer"]
        + logs["regularization"]
    )
    assert logs["loss"] == pytest.approx(total, rel=1e-5)
    weights = distiller.student.trainable_variables
    penalty = 0.5e-2 * sum(np.sum(np.square(w)) for w in weights)
    assert logs["regularization"] == pytest.approx(penalty, rel=1e-4)


def test_terms_are_the_functions_of_the_networks():
    """Against NumPy on each network called on its own, without BN."""
    student, expert, initial = plain(2), plain(4), plain(3)
    images, labels = batch(8)
    logits = {
        name: np.array(model(images, training=False))
        for name, model in (("s", student), ("e", expert), ("i", initial))
    }
    distiller = Distiller(
        student,
        teachers={"expert": expert},
        co_trained={"initial": initial},
        transfer_losses=[losses.KD(2.0, teacher="initial"), losses.LogitsL2()],
    )
    compiled(distiller, 0.0)
    history = distiller.fit(images, labels, batch_size=8, verbose=0).history
    expected = {
        "supervised": float(CE(labels, logits["s"])),
        "initial_supervised": float(CE(labels, logits["i"])),
        "kd": np.mean(losses.kd(logits["i"], logits["s"], 2.0)),
        "logits_l2": np.mean((logits["e"] - logits["s"]) ** 2),
    }
    for name, value in expected.items():
        assert history[name][0] == pytest.approx(value, rel=1e-4), name


def test_one_forward_a_step():
    networks = [counting_network() for _ in range(3)]
    (student, _), (expert, _), (initial, _) = networks
    distiller = full_distiller(
        student, teachers={"expert": expert}, co_trained={"initial": initial}
    )
    compiled(distiller, metrics=["accuracy"], **GRAPH)
    for _, counter in networks:
        # Making the distiller looks at two answers.
        counter.count.assign(0)
    distiller.fit(*batch(32), batch_size=8, epochs=3, verbose=0)
    assert [int(counter.count) for _, counter in networks] == [12, 12, 12]
    distiller.evaluate(*batch(32), batch_size=8, verbose=0)
    assert [int(counter.count) for _, counter in networks] == [16, 12, 12]


def test_a_step_is_traced_once(monkeypatch):
    """Making variables in it would trace it again: seconds, for large ones."""
    distiller = full_distiller()
    compiled(distiller, metrics=["accuracy"], **GRAPH)
    traced, step = [], distiller.train_step
    monkeypatch.setattr(
        distiller, "train_step", lambda data: traced.append(1) or step(data)
    )
    distiller.fit(*batch(16), batch_size=4, epochs=2, verbose=0)
    assert len(traced) == 1


def test_batch_norm_moves_once_a_step():
    student = normalised()
    reference = keras.models.clone_model(student)
    reference.set_weights(student.get_weights())
    images, labels = batch(8)
    distiller = compiled(full_distiller(student), 0.0)
    distiller.fit(images, labels, batch_size=8, verbose=0)
    reference(images, training=True)
    for ours, once in zip(
        student.get_weights(), reference.get_weights(), strict=True
    ):
        np.testing.assert_allclose(ours, once, rtol=1e-4, atol=1e-6)


def gradients(distiller, images, labels, terms=None):
    """Gradients of the objective, or of chosen terms, by role."""
    endpoints = distiller.call_teachers(images)
    with tf.GradientTape() as tape:
        endpoints |= distiller.call_trained(images)
        values, total = distiller.compute_terms(labels, endpoints)
        if terms is not None:
            total = sum(values[term] for term in terms)
    networks = {"student": distiller.student, **distiller.co_trained}
    variables = {role: m.trainable_variables for role, m in networks.items()}
    return tape.gradient(total, variables)


def test_transfer_losses_give_the_initial_teacher_no_gradient():
    distiller = compiled(full_distiller())
    images, labels = batch(8)
    transfer = ("kd", "logits_l2", "attention_transfer")
    result = gradients(distiller, images, labels, transfer)
    assert all(g is None for g in result["initial"])
    # The last bias gets its own from the logits; all the rest from both.
    assert all(np.abs(g).max() > 0 for g in result["student"])
    alone = gradients(distiller, images, labels, ["initial_supervised"])
    whole = gradients(distiller, images, labels)
    for a, b in zip(alone["initial"], whole["initial"], strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-4, atol=1e-6)


def test_detach_teacher_can_be_lifted():
    distiller = full_distiller(
        transfer_losses=[losses.KD(teacher="initial", detach_teacher=False)],
        transfer_weights=None,
    )
    compiled(distiller)
    result = gradients(distiller, *batch(8), ["kd"])
    assert all(np.abs(g).max() > 0 for g in result["initial"])


def trained_alone(images, labels, **fit):
    """A student trained by Keras itself."""
    keras.utils.set_random_seed(1)
    student = normalised()
    compiled(student, loss=CE)
    student.fit(images, labels, batch_size=8, shuffle=False, verbose=0, **fit)
    return student


@pytest.mark.parametrize(
    "fit",
    [
        {"epochs": 2},
        {"sample_weight": np.linspace(0, 2, 16)},
        {"class_weight": {0: 0.5, 1: 2.0, 2: 1.0, 3: 0.0}},
    ],
    ids=["plain", "sample_weight", "class_weight"],
)
def test_zero_weights_equal_plain_training(fit):
    images, labels = batch()
    expected = trained_alone(images, labels, **fit)
    keras.utils.set_random_seed(1)
    distiller = full_distiller(normalised(), transfer_weights=[0.0, 0.0, 0.0])
    compiled(distiller)
    distiller.fit(images, labels, batch_size=8, shuffle=False, verbose=0, **fit)
    for ours, theirs in zip(
        distiller.student.get_weights(), expected.get_weights(), strict=True
    ):
        np.testing.assert_allclose(ours, theirs, rtol=1e-4, atol=1e-5)


def test_sample_weights_reach_every_term():
    """Zero weights leave the penalty alone; halves are half of the terms."""
    images, labels = batch(8)
    logs = {}
    for weight in (0.0, 0.5, 1.0):
        keras.utils.set_random_seed(2)
        distiller = full_distiller()
        set_weight_decay(distiller.student, 1e-2)
        compiled(distiller, 0.0)
        history = distiller.fit(
            images,
            labels,
            batch_size=8,
            sample_weight=np.full(8, weight),
            verbose=0,
        ).history
        logs[weight] = {name: v[0] for name, v in history.items()}
    penalty = logs[1.0].pop("regularization")
    assert logs[0.0]["loss"] == pytest.approx(penalty)
    for name, value in logs[1.0].items():
        if name != "loss":
            assert logs[0.0][name] == 0.0
            assert logs[0.5][name] == pytest.approx(value / 2, rel=1e-5)


class BatchScalar(losses.TransferLoss):
    """A loss that is a property of the batch, with a trained connector."""

    def __init__(self, **kwargs):
        super().__init__(**kwargs)
        self.connector = keras.layers.Dense(CLASSES)

    def call(self, labels, teacher, student):
        mapped = self.connector(student["logits"])
        return keras.ops.mean(keras.ops.square(teacher["logits"] - mapped))


def test_scalar_losses_and_connectors():
    loss = BatchScalar()
    distiller = full_distiller(transfer_losses=[loss], transfer_weights=None)
    assert loss.connector.built
    before = [np.array(w) for w in loss.trainable_variables]
    compiled(distiller)
    distiller.fit(*batch(), verbose=0, sample_weight=np.ones(16))
    after = [np.array(w) for w in loss.trainable_variables]
    assert len(before) == 2
    assert not any(
        np.array_equal(a, b) for a, b in zip(before, after, strict=True)
    )


def test_self_distillation_reads_the_student_itself():
    distiller = full_distiller(
        transfer_losses=[losses.KD(teacher="student")], transfer_weights=None
    )
    compiled(distiller)
    logs = distiller.fit(*batch(), verbose=0).history
    assert logs["kd"][0] == pytest.approx(0.0, abs=1e-6)


def test_weights_may_follow_the_epoch():
    # Large: the rest of the loss is subtracted from it.
    weight = LinearWarmup(200.0, epochs=4)
    distiller = full_distiller(
        transfer_losses=[losses.LogitsL2()], transfer_weights=[weight]
    )
    compiled(distiller, 0.0, **GRAPH)
    images, labels = batch(8)
    logs = distiller.fit(
        images, labels, batch_size=8, epochs=6, initial_epoch=1, verbose=0
    ).history
    rest = np.array(logs["supervised"]) + logs["initial_supervised"]
    np.testing.assert_allclose(
        (np.array(logs["loss"]) - rest) / logs["logits_l2"],
        [100, 150, 200, 200, 200],
        rtol=1e-4,
    )
    assert LinearWarmup(**weight.get_config()).get_config() == {
        "weight": 200.0,
        "epochs": 4,
    }
    with pytest.raises(ValueError, match="epochs=0"):
        LinearWarmup(1.0, epochs=0)
