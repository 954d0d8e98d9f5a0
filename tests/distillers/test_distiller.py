"""Invariants of the one training step."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from keras_artkd import Distiller, losses
from keras_artkd.distillers import LinearWarmup
from keras_artkd.training import set_weight_decay
from tests.contract import settings
from tests.distillers.networks import (
    CLASSES,
    batch,
    plain,
    same,
    snapshot,
    wide,
)

CE = keras.losses.SparseCategoricalCrossentropy(from_logits=True)


def full_distiller(student=None, **changes):
    """Every kind of network and term."""
    arguments = {
        "teachers": {"expert": wide(2)},
        "co_trained": {"initial": wide(1)},
        "transfer_losses": [
            losses.KD(teacher="initial"),
            losses.LogitsL2(),
            losses.AttentionTransfer(),
        ],
        "transfer_weights": [1.0, 1.5, 0.2],
    }
    return Distiller(student or wide(1), **{**arguments, **changes})


def sgd(rate=0.05):
    return keras.optimizers.SGD(rate, momentum=0.9)


def test_fit_trains_what_it_should_and_nothing_else():
    distiller = full_distiller()
    expert = distiller.teachers["expert"]
    initial = distiller.co_trained["initial"]
    before = [snapshot(m) for m in (expert, initial, distiller.student)]
    distiller.compile(sgd())
    distiller.fit(*batch(), batch_size=8, epochs=2, verbose=0)
    after = [snapshot(m) for m in (expert, initial, distiller.student)]
    assert same(before[0], after[0])
    for old, new in zip(before[1:], after[1:], strict=True):
        assert not any(
            np.array_equal(a, b) for a, b in zip(old, new, strict=True)
        )


def test_evaluate_and_predict_change_no_state():
    distiller = full_distiller()
    distiller.compile(sgd(), metrics=["accuracy"])
    images, labels = batch()
    distiller.fit(images, labels, verbose=0)
    before = snapshot(distiller)
    logs = distiller.evaluate(images, labels, verbose=0, return_dict=True)
    logits = distiller.predict(images, verbose=0)
    assert same(before, snapshot(distiller))
    np.testing.assert_array_equal(
        logits, distiller.student.predict(images, verbose=0)
    )
    assert set(logs) == {"loss", "accuracy"}
    assert logs["loss"] == pytest.approx(float(CE(labels, logits)), rel=1e-5)
    assert logs["accuracy"] == np.mean(logits.argmax(1) == labels)


def test_every_term_is_logged_and_adds_up():
    distiller = full_distiller(supervised_weight=0.5)
    set_weight_decay(distiller.student, 1e-2)
    distiller.compile(sgd(0.0))
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
        name: model.predict(images, verbose=0)
        for name, model in (("s", student), ("e", expert), ("i", initial))
    }
    distiller = Distiller(
        student,
        teachers={"expert": expert},
        co_trained={"initial": initial},
        transfer_losses=[losses.KD(2.0, teacher="initial"), losses.LogitsL2()],
    )
    distiller.compile(sgd(0.0))
    history = distiller.fit(images, labels, batch_size=8, verbose=0).history
    expected = {
        "supervised": float(CE(labels, logits["s"])),
        "initial_supervised": float(CE(labels, logits["i"])),
        "kd": np.mean(losses.kd(logits["i"], logits["s"], 2.0)),
        "logits_l2": np.mean((logits["e"] - logits["s"]) ** 2),
    }
    for name, value in expected.items():
        assert history[name][0] == pytest.approx(value, rel=1e-4), name


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


def test_one_forward_a_step():
    networks = [counting_network() for _ in range(3)]
    (student, _), (expert, _), (initial, _) = networks
    distiller = full_distiller(
        student, teachers={"expert": expert}, co_trained={"initial": initial}
    )
    distiller.compile(sgd(), metrics=["accuracy"], jit_compile=False)
    distiller.fit(*batch(32), batch_size=8, epochs=3, verbose=0)
    assert [int(counter.count) for _, counter in networks] == [12, 12, 12]
    distiller.evaluate(*batch(32), batch_size=8, verbose=0)
    assert [int(counter.count) for _, counter in networks] == [16, 12, 12]


def test_a_step_is_traced_once(monkeypatch):
    """Making variables in it would trace it again: seconds, for large ones."""
    distiller = full_distiller()
    distiller.compile(sgd(), metrics=["accuracy"], jit_compile=False)
    traced, step = [], distiller.train_step
    monkeypatch.setattr(
        distiller, "train_step", lambda data: traced.append(1) or step(data)
    )
    distiller.fit(*batch(16), batch_size=4, epochs=2, verbose=0)
    assert len(traced) == 1


def test_batch_norm_moves_once_a_step():
    student = wide()
    reference = keras.models.clone_model(student)
    reference.set_weights(student.get_weights())
    images, labels = batch(8)
    distiller = full_distiller(student)
    distiller.compile(sgd(0.0))
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
    distiller = full_distiller()
    distiller.compile(sgd())
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
    distiller.compile(sgd())
    result = gradients(distiller, *batch(8), ["kd"])
    assert all(np.abs(g).max() > 0 for g in result["initial"])


def trained_alone(images, labels, **fit):
    """A student trained by Keras itself."""
    keras.utils.set_random_seed(1)
    student = wide()
    student.compile(sgd(), loss=CE)
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
    distiller = full_distiller(wide(), transfer_weights=[0.0, 0.0, 0.0])
    distiller.compile(sgd())
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
        distiller.compile(sgd(0.0))
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
    distiller.compile(sgd())
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
    distiller.compile(sgd())
    logs = distiller.fit(*batch(), verbose=0).history
    assert logs["kd"][0] == pytest.approx(0.0, abs=1e-6)


def test_weights_may_follow_the_epoch():
    weight = LinearWarmup(2.0, epochs=4)
    distiller = full_distiller(
        transfer_losses=[losses.LogitsL2()], transfer_weights=[weight]
    )
    distiller.compile(sgd(0.0))
    images, labels = batch(8)
    logs = distiller.fit(
        images, labels, batch_size=8, epochs=6, initial_epoch=1, verbose=0
    ).history
    rest = np.array(logs["supervised"]) + logs["initial_supervised"]
    np.testing.assert_allclose(
        (np.array(logs["loss"]) - rest) / logs["logits_l2"],
        [1.0, 1.5, 2.0, 2.0, 2.0],
        rtol=1e-4,
    )
    assert LinearWarmup(**weight.get_config()).get_config() == {
        "weight": 2.0,
        "epochs": 4,
    }
    with pytest.raises(ValueError, match="epochs=0"):
        LinearWarmup(1.0, epochs=0)


def test_teacher_of_another_resolution():
    distiller = full_distiller(teachers={"expert": wide(side=32)})
    distiller.compile(sgd())
    logs = distiller.fit(*batch(), verbose=0).history
    assert np.isfinite(logs["loss"][0])
    # Images larger than what the student was built for are resized too.
    assert distiller.predict(batch(side=32)[0], verbose=0).shape == (16, 4)


def test_callbacks_of_every_form():
    distiller = full_distiller()
    distiller.compile(sgd())
    seen = []
    callback = keras.callbacks.LambdaCallback(
        on_epoch_end=lambda epoch, logs: seen.append(epoch)
    )
    images, labels = batch()
    for callbacks in (
        callback,
        [callback],
        keras.callbacks.CallbackList([callback], model=distiller),
    ):
        distiller.fit(images, labels, callbacks=callbacks, verbose=0)
    assert seen == [0, 0, 0]


@pytest.mark.parametrize(
    "options",
    [{"jit_compile": True}, {"steps_per_execution": 2}, {"run_eagerly": True}],
    ids=lambda o: next(iter(o)),
)
def test_ways_to_compile_agree(options):
    images, labels = batch()
    results = []
    for extra in ({"jit_compile": False}, options):
        keras.utils.set_random_seed(3)
        distiller = full_distiller()
        distiller.compile(sgd(), metrics=["accuracy"], **extra)
        logs = distiller.fit(
            images, labels, batch_size=4, shuffle=False, verbose=0
        ).history
        results.append((logs["loss"][0], distiller.student.get_weights()))
    assert results[0][0] == pytest.approx(results[1][0], rel=1e-3)
    for a, b in zip(results[0][1], results[1][1], strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-2, atol=2e-3)


@pytest.mark.parametrize("policy", ["mixed_float16", "mixed_bfloat16"])
def test_mixed_student_with_float32_teacher(policy):
    distiller = full_distiller(
        wide(head="awgram", dtype=policy),
        co_trained={"initial": wide(dtype=policy)},
    )
    distiller.compile(sgd(), metrics=["accuracy"])
    scaled = isinstance(
        distiller.optimizer, keras.optimizers.LossScaleOptimizer
    )
    assert scaled == (policy == "mixed_float16")
    images, labels = batch()
    logs = distiller.fit(images, labels, epochs=3, verbose=0).history
    assert all(np.isfinite(v).all() for v in logs.values())
    np.testing.assert_array_equal(
        distiller.predict(images, verbose=0),
        distiller.student.predict(images, verbose=0),
    )


def test_same_seed_same_weights():
    results = []
    for _ in range(2):
        keras.utils.set_random_seed(4)
        distiller = full_distiller()
        distiller.compile(sgd())
        distiller.fit(*batch(), batch_size=4, verbose=0)
        results.append(snapshot(distiller))
    assert same(*results)


def test_saves_and_goes_on_half_trained(tmp_path):
    images, labels = batch()
    distiller = full_distiller(
        transfer_losses=[losses.KD(), losses.AttentionTransfer()],
        transfer_weights=[LinearWarmup(1.0, 3), 0.2],
    )
    distiller.compile(sgd(), metrics=["accuracy"])
    distiller.fit(images, labels, verbose=0, shuffle=False)
    distiller.save(tmp_path / "d.keras")
    restored = keras.models.load_model(tmp_path / "d.keras")
    assert settings(restored.get_config()) == settings(distiller.get_config())
    for model in (distiller, restored):
        model.fit(images, labels, verbose=0, shuffle=False)
    for a, b in zip(
        distiller.student.get_weights(),
        restored.student.get_weights(),
        strict=True,
    ):
        np.testing.assert_allclose(a, b, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        (
            {"transfer_losses": [losses.KD(teacher="guru")]},
            "'kd'.*'guru'.*student, expert, initial",
        ),
        (
            {"transfer_losses": [losses.KD(), losses.KD()]},
            "distinct names.*kd, kd",
        ),
        (
            {"transfer_losses": [losses.KD(name="supervised")]},
            "distinct names.*supervised",
        ),
        ({"transfer_weights": [1.0]}, "1 weights, 3 losses"),
        ({"co_trained": {"expert": None}}, "twice: expert"),
        ({"teachers": {"student": None}}, "twice: student"),
    ],
)
def test_bad_arguments(changes, message):
    if "transfer_losses" in changes:
        changes = {**changes, "transfer_weights": None}
    with pytest.raises(ValueError, match=message):
        if None in (changes.get("co_trained") or {}).values():
            changes["co_trained"] = {"expert": wide()}
        if None in (changes.get("teachers") or {}).values():
            changes["teachers"] = {"student": wide()}
        full_distiller(**changes)


def test_missing_endpoints_list_both_networks():
    inputs = keras.Input((16, 16, 3))
    x = keras.layers.GlobalAveragePooling2D()(inputs)
    bare = keras.Model(inputs, keras.layers.Dense(CLASSES)(x), name="bare")
    with pytest.raises(
        ValueError,
        match="Missing of expert: group1, group2, group3.*'bare' has logits "
        r".*student.*group1 \(None, 16, 16, 16\)",
    ):
        full_distiller(teachers={"expert": bare})


def test_one_model_in_two_roles_is_refused():
    student = wide()
    with pytest.raises(ValueError, match="network of its own"):
        full_distiller(student, teachers={"expert": student})


def test_different_classes_are_refused():
    inputs = keras.Input((16, 16, 3))
    x = keras.layers.GlobalAveragePooling2D()(inputs)
    other = keras.Model(inputs, keras.layers.Dense(CLASSES + 1)(x))
    with pytest.raises(ValueError, match="same classes.*5"):
        Distiller(wide(), teachers={"expert": other})


@pytest.mark.parametrize(
    "loss",
    [
        "sparse_categorical_crossentropy",
        keras.losses.SparseCategoricalCrossentropy(),
    ],
)
def test_losses_of_probabilities_are_refused(loss):
    with pytest.raises(ValueError, match="must take logits.*from_logits=True"):
        full_distiller().compile("sgd", loss=loss)


def test_loss_by_name():
    distiller = full_distiller()
    distiller.compile(sgd(), loss="mse")
    images, labels = batch()
    logs = distiller.fit(images, np.eye(CLASSES)[labels], verbose=0).history
    assert np.isfinite(logs["loss"][0])


def test_wrong_shape_of_a_loss_is_refused():
    class Wrong(losses.TransferLoss):
        def call(self, labels, teacher, student):
            return teacher["logits"] - student["logits"]

    with pytest.raises(ValueError, match=r"'wrong'.*\(None, 4\)"):
        full_distiller(transfer_losses=[Wrong()], transfer_weights=None)


def test_one_hot_labels_with_their_own_loss():
    distiller = full_distiller()
    distiller.compile(
        sgd(), loss=keras.losses.CategoricalCrossentropy(from_logits=True)
    )
    images, labels = batch()
    logs = distiller.fit(images, np.eye(CLASSES)[labels], verbose=0).history
    assert np.isfinite(logs["loss"][0])
