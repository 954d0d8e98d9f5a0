"""What Keras users do with any model, done with a distiller."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from keras_artkd import losses
from keras_artkd.distillers import Distiller, LinearWarmup, build
from tests.distillers.networks import plain

IMAGES = np.random.default_rng(0).integers(0, 255, (12, 8, 8, 3), "uint8")
LABELS = np.arange(12) % 3


def network(activation=None, name=None):
    inputs = keras.Input((8, 8, 3))
    x = keras.layers.Flatten()(keras.layers.Rescaling(1 / 255)(inputs))
    x = keras.layers.Dense(3, activation=activation)(x)
    return keras.Model(inputs, x, name=name)


def distiller(metrics=("accuracy",), **options):
    made = Distiller(
        network(name="pupil"),
        teachers={"expert": network(name="master")},
        transfer_losses=[losses.KD()],
        **options,
    )
    made.compile("sgd", metrics=[*metrics], run_eagerly=True)
    return made


@pytest.mark.parametrize("name", ["accuracy", "acc"])
@pytest.mark.parametrize("kind", ["metrics", "weighted_metrics"])
def test_callbacks_know_that_more_accuracy_is_better(name, kind, tmp_path):
    made = distiller()
    made.compile("sgd", run_eagerly=True, **{kind: [name]})
    made.save(tmp_path / "d.keras")
    data = {"validation_data": (IMAGES, LABELS), "epochs": 2, "verbose": 0}
    for model in (made, keras.models.load_model(tmp_path / "d.keras")):
        stop = keras.callbacks.EarlyStopping(f"val_{name}")
        model.fit(IMAGES, LABELS, callbacks=[stop], **data)
        assert stop.monitor_op is keras.ops.greater


def test_a_weight_that_the_step_would_not_see_is_refused():
    made = distiller()
    with pytest.raises(AttributeError, match="transfer_weights.*LinearWarmup"):
        made.transfer_weights[0] = 0.0
    with pytest.raises(AttributeError, match="supervised_weight"):
        made.supervised_weight = 0.0
    with pytest.raises(AttributeError, match="`temperature` of 'kd'.*8.0"):
        made.transfer_losses[0].temperature = 8.0
    # What is Keras's own still changes.
    made.trainable = False
    made.transfer_losses[0].trainable = True


@pytest.mark.parametrize(
    "weight",
    [keras.Variable(0.5), lambda epoch: 0.5, "0.5", np.ones(2), None],
    ids=["variable", "lambda", "text", "array", "none"],
)
@pytest.mark.parametrize("name", ["transfer_weights", "supervised_weight"])
def test_a_weight_that_would_not_be_loaded_is_refused(name, weight):
    given = [weight] if name == "transfer_weights" else weight
    with pytest.raises(ValueError, match=f"`{name}` must be a number"):
        distiller(**{name: given})


def test_weights_survive_saving(tmp_path):
    made = distiller(
        transfer_weights=[LinearWarmup(0.5, 3)],
        supervised_weight=np.float32(0.25),
    )
    made.save(tmp_path / "d.keras")
    again = keras.models.load_model(tmp_path / "d.keras")
    assert again.supervised_weight == 0.25
    assert again.transfer_weights[0].get_config() == (
        made.transfer_weights[0].get_config()
    )


def hidden_softmax():
    inputs = keras.Input((8, 8, 3))
    inner = network("softmax")
    yield keras.Model(inputs, inner(inputs))
    yield keras.Model(inputs, keras.ops.softmax(network()(inputs)))
    # Over images of any size.
    images = keras.Input((None, None, 3))
    x = keras.layers.GlobalAveragePooling2D()(images)
    x = keras.layers.Dense(3)(x)
    powers = keras.ops.exp(x - keras.ops.max(x, axis=-1, keepdims=True))
    share = powers / keras.ops.sum(powers, axis=-1, keepdims=True)
    yield keras.Model(images, share)


@pytest.mark.parametrize("index", range(3))
@pytest.mark.parametrize("role", ["student", "expert"])
def test_a_softmax_further_in(index, role):
    model = [*hidden_softmax()][index]
    networks = {"student": network(), "expert": network(), role: model}
    with pytest.raises(ValueError, match="must end in logits.*sum to 1.000"):
        Distiller(networks["student"], {"expert": networks["expert"]})


def test_logits_of_any_operation_are_taken():
    inputs = keras.Input((8, 8, 3))
    nested = keras.Model(inputs, network()(inputs))
    doubled = keras.Model(inputs, 2.0 * network()(inputs))
    assert {*Distiller(nested, {"expert": doubled}).teachers} == {"expert"}


def test_export_is_the_students(tmp_path):
    """Without the heads that are for its training."""
    made = build("byot", plain())
    made.compile("sgd", run_eagerly=True)
    images = np.zeros((4, 16, 16, 3), "float32")
    made.fit(images, np.arange(4), verbose=0)
    made.export(tmp_path / "model", verbose=False)
    exported = tf.saved_model.load(tmp_path / "model")
    served = exported.serve(images)
    np.testing.assert_allclose(
        served, made.predict(images, verbose=0), rtol=1e-5, atol=1e-5
    )


def test_summary_and_layers_are_those_of_the_networks():
    made, lines = distiller(), []
    made.summary(print_fn=lambda text, line_break=True: lines.append(text))
    text = "\n".join(lines)
    assert text.index("pupil") < text.index("master")
    assert made.get_layer("master") is made.teachers["expert"]
    assert made.get_layer("pupil") is made.student
    assert made.get_layer(index=1) is made.student.layers[1]
    with pytest.raises(ValueError, match="No such layer: nobody"):
        made.get_layer("nobody")


def test_quantize_says_what_to_do_instead():
    with pytest.raises(ValueError, match="distiller.student.quantize"):
        distiller().quantize("int8")
