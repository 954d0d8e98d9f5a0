"""Ways to compile a distiller, to save it and to go on."""

import keras
import numpy as np
import pytest

from keras_artkd import losses
from keras_artkd.distillers import LinearWarmup
from tests.contract import settings
from tests.distillers.networks import (
    CLASSES,
    assert_same_changes,
    batch,
    compiled,
    full_distiller,
    normalised,
    plain,
    same,
    snapshot,
    wide,
)


def test_callbacks_of_every_form():
    distiller = compiled(full_distiller())
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
    "how",
    [
        {"jit_compile": False, "steps_per_execution": 2},
        pytest.param({"jit_compile": True}, marks=pytest.mark.exhaustive),
        pytest.param({"jit_compile": False}, marks=pytest.mark.exhaustive),
    ],
    ids=["two steps at once", "xla", "graph"],
)
def test_ways_to_compile_agree(how):
    """With eager steps, of networks in which rounding stays small."""
    before, logs, after = one_epoch(run_eagerly=True)
    _, other_logs, other_after = one_epoch(run_eagerly=False, **how)
    assert set(other_logs) == set(logs)
    for name, values in logs.items():
        assert other_logs[name] == pytest.approx(values, rel=1e-3), name
    assert_same_changes(before, after, other_after, 0.01)


def one_epoch(**how):
    """Weights before, logs, weights after an epoch of four steps."""
    keras.utils.set_random_seed(3)
    distiller = full_distiller(
        plain(),
        teachers={"expert": plain(6)},
        co_trained={"initial": plain(5)},
    )
    before = snapshot(distiller)
    compiled(distiller, metrics=["accuracy"], **how)
    images, labels = batch()
    logs = distiller.fit(
        images, labels, batch_size=4, shuffle=False, verbose=0
    ).history
    return before, logs, snapshot(distiller)


def kernels(network):
    return [np.array(v) for v in network.trainable_variables if v.ndim > 1]


@pytest.mark.parametrize(
    "policy",
    [
        "mixed_float16",
        pytest.param("mixed_bfloat16", marks=pytest.mark.exhaustive),
    ],
)
def test_mixed_student_with_float32_teacher(policy):
    distiller = full_distiller(
        wide(head="awgram", dtype=policy),
        co_trained={"initial": plain(dtype=policy)},
    )
    compiled(distiller, metrics=["accuracy"], run_eagerly=False)
    scaled = isinstance(
        distiller.optimizer, keras.optimizers.LossScaleOptimizer
    )
    assert scaled == (policy == "mixed_float16")
    images, labels = batch()
    before = kernels(distiller.student)
    logs = distiller.fit(images, labels, epochs=3, verbose=0).history
    assert all(np.isfinite(v).all() for v in logs.values())
    assert not any(map(np.array_equal, before, kernels(distiller.student)))
    np.testing.assert_array_equal(
        distiller(images, training=False),
        distiller.student(images, training=False),
    )


def test_same_seed_same_weights():
    results = []
    for _ in range(2):
        keras.utils.set_random_seed(4)
        distiller = compiled(full_distiller())
        distiller.fit(*batch(), batch_size=4, verbose=0)
        results.append(snapshot(distiller))
    assert same(*results)


def test_saves_and_resumes_half_trained(tmp_path):
    images, labels = batch()
    distiller = full_distiller(
        transfer_losses=[losses.KD(), losses.AttentionTransfer()],
        transfer_weights=[LinearWarmup(1.0, 3), 0.2],
    )
    compiled(distiller, metrics=["accuracy"])
    distiller.fit(images, labels, verbose=0, shuffle=False)
    distiller.save(tmp_path / "d.keras")
    restored = keras.models.load_model(tmp_path / "d.keras")
    assert settings(restored.get_config()) == settings(distiller.get_config())
    before = snapshot(distiller)
    restored.run_eagerly = True
    for model in (distiller, restored):
        model.fit(images, labels, verbose=0, shuffle=False)
    assert_same_changes(before, snapshot(distiller), snapshot(restored))


def test_teacher_of_another_resolution():
    distiller = full_distiller(teachers={"expert": normalised(side=32)})
    compiled(distiller)
    logs = distiller.fit(*batch(), verbose=0).history
    assert np.isfinite(logs["loss"][0])
    # Images larger than what the student was built for are resized too.
    assert distiller.predict(batch(side=32)[0], verbose=0).shape == (16, 4)


def test_loss_by_name():
    distiller = compiled(full_distiller(), loss="mse")
    images, labels = batch()
    logs = distiller.fit(images, np.eye(CLASSES)[labels], verbose=0).history
    assert np.isfinite(logs["loss"][0])


def test_one_hot_labels_with_their_own_loss():
    distiller = full_distiller()
    loss = keras.losses.CategoricalCrossentropy(from_logits=True)
    compiled(distiller, loss=loss)
    images, labels = batch()
    logs = distiller.fit(images, np.eye(CLASSES)[labels], verbose=0).history
    assert np.isfinite(logs["loss"][0])
