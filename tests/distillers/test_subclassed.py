"""A user's own `keras.Model` with a `call`, as student, teacher and file."""

import keras
import numpy as np
import pytest

from keras_artkd import losses, models
from keras_artkd.deploy import export
from keras_artkd.deploy.formats import open_model
from keras_artkd.distillers import Distiller

RANDOM = np.random.default_rng(0)
IMAGES = RANDOM.integers(0, 255, (12, 8, 8, 3)).astype("float32")
LABELS = np.arange(12) % 3


@keras.saving.register_keras_serializable("tests")
class Own(keras.Model):
    """As Keras's guide makes one: layers in `__init__`, Python in `call`."""

    def __init__(self, activation=None, **kwargs):
        super().__init__(**kwargs)
        self.scale = keras.layers.Rescaling(1 / 255)
        self.norm = keras.layers.BatchNormalization()
        self.pool = keras.layers.GlobalAveragePooling2D()
        self.drop = keras.layers.Dropout(0.2)
        self.dense = keras.layers.Dense(3, activation=activation)

    def call(self, images, training=False):
        x = self.norm(self.scale(images), training=training)
        return self.dense(self.drop(self.pool(x), training=training))


def own(**kwargs):
    """One that has seen images, in a batch of another size."""
    model = Own(**kwargs)
    model(IMAGES[:1])
    return model


def distiller(student, expert):
    made = Distiller(
        student,
        teachers={"expert": expert},
        transfer_losses=[losses.KD()],
    )
    made.compile(keras.optimizers.SGD(0.1), metrics=["accuracy"])
    return made


def test_it_learns_and_teaches():
    student, expert = own(name="pupil"), own(name="master")
    before = [np.array(w) for w in expert.weights]
    learner = distiller(student, expert)
    history = learner.fit(IMAGES, LABELS, batch_size=4, epochs=3, verbose=0)
    assert history.history["kd"][-1] < history.history["kd"][0]
    for old, new in zip(before, expert.weights, strict=True):
        np.testing.assert_array_equal(old, new)
    # Batch normalisation moved, which it does in training alone.
    assert np.abs(student.norm.moving_mean).max() > 0
    np.testing.assert_allclose(
        learner.predict(IMAGES, verbose=0), student(IMAGES), atol=1e-6
    )


def test_it_takes_the_same_step_as_the_functional_model():
    student, expert = own(), models.build("wrn_10_1", 3, (8, 8, 3))
    student.drop.rate = 0.0
    images = keras.Input((8, 8, 3))
    x = keras.layers.BatchNormalization()(
        keras.layers.Rescaling(1 / 255)(images)
    )
    x = keras.layers.Dense(3)(keras.layers.GlobalAveragePooling2D()(x))
    twin = keras.Model(images, x)
    twin.set_weights(student.get_weights())
    for network in (student, twin):
        distiller(network, expert).fit(
            IMAGES, LABELS, batch_size=4, epochs=2, shuffle=False, verbose=0
        )
    for own_weight, other in zip(student.weights, twin.weights, strict=True):
        np.testing.assert_allclose(own_weight, other, atol=1e-5)


def test_a_distiller_with_it_is_saved_and_loaded(tmp_path):
    learner = distiller(own(), own(name="master"))
    learner.fit(IMAGES, LABELS, verbose=0)
    learner.save(tmp_path / "d.keras")
    loaded = keras.models.load_model(tmp_path / "d.keras")
    np.testing.assert_allclose(
        loaded.predict(IMAGES, verbose=0),
        learner.predict(IMAGES, verbose=0),
        atol=1e-6,
    )


@pytest.mark.parametrize("name", ["m.tflite", "m", "m.keras"])
def test_it_becomes_a_file(tmp_path, name):
    model, path = own(), tmp_path / name
    if name == "m.tflite":
        export.export_tflite(model, path)
    elif name == "m":
        export.export_saved_model(model, path)
    else:
        model.save(path)
    np.testing.assert_allclose(
        open_model(path).predict(IMAGES),
        keras.ops.softmax(model(IMAGES)),
        atol=1e-4,
    )


def test_what_cannot_be_wrapped_is_told():
    class Two(keras.Model):
        def call(self, images):
            return images, images

    unseen, two = Own(), Two()
    two(IMAGES)
    with pytest.raises(ValueError, match=r"not built. Fix: call it once"):
        distiller(unseen, own())
    with pytest.raises(ValueError, match="one tensor, its logits.* tuple"):
        distiller(two, own())
    with pytest.raises(ValueError, match="logits.*sum to 1.000"):
        distiller(own(activation="softmax"), own())
    with pytest.raises(ValueError, match="endpoints that are not there"):
        Distiller(
            own(),
            teachers={"expert": own()},
            transfer_losses=[losses.AttentionTransfer()],
        )
    with pytest.raises(ValueError, match="model cannot be endpoints"):
        models.with_endpoints(own(), {"group1": "dense"})
    with pytest.raises(ValueError, match=r"call a subclassed one once"):
        export.export_tflite(unseen, "unused.tflite")
    with pytest.raises(ValueError, match="one tensor, its logits.* tuple"):
        export.export_tflite(two, "unused.tflite")
    with pytest.raises(ValueError, match="Of a distiller export the `student`"):
        export.export_tflite(distiller(own(), own()), "unused.tflite")


def test_one_of_half_precision_that_cannot_be_copied(tmp_path):
    class Unknown(Own):
        def get_config(self):
            raise NotImplementedError("arguments of `__init__`")

    keras.config.set_dtype_policy("mixed_bfloat16")
    try:
        model = Unknown()
    finally:
        keras.config.set_dtype_policy("float32")
    model(IMAGES[:1])
    with pytest.raises(ValueError, match="of half precision.*get_config"):
        export.export_tflite(model, tmp_path / "m.tflite")
