"""Networks to export, and images that they can tell apart."""

import keras
import numpy as np

from keras_artkd.deploy.formats import EXPORT_FORMATS
from keras_artkd.deploy.formats.writing import export_model


def stripes(num_images, size=32, num_classes=5):
    """Images striped in the direction of their class: easily learned."""
    generator = np.random.default_rng(0)
    labels = generator.integers(0, num_classes, num_images)
    angle = (np.pi * labels / num_classes)[:, None, None]
    y, x = np.mgrid[:size, :size] / size
    phase = generator.uniform(0, 2 * np.pi, (num_images, 1, 1))
    wave = np.sin(8 * np.pi * (np.cos(angle) * x + np.sin(angle) * y) + phase)
    colour = generator.uniform(0.5, 1, (num_images, 1, 1, 3))
    noise = generator.normal(0, 15, (num_images, size, size, 3))
    images = 127.5 + 90 * wave[..., None] * colour + noise
    return np.clip(images, 0, 255).astype("float32"), labels


def channel_mixtures(num_images, size=8, channels=8, num_classes=5):
    """Maps whose class is which channels fire together, as after a ReLU."""
    generator = np.random.default_rng(0)
    mixing = generator.normal(size=(num_classes, channels, channels))
    labels = generator.integers(0, num_classes, num_images)
    maps = generator.normal(size=(num_images, size, size, channels))
    maps = np.einsum("nhwc,ncd->nhwd", maps, mixing[labels])
    return np.clip(25 * maps, 0, 255).astype("float32"), labels


def with_solved_head(model, images, labels):
    """The model with a linear head that least squares gave: no training."""
    features = model.predict(images, verbose=0)
    features = np.concatenate([features, np.ones((len(features), 1))], axis=1)
    targets = 10 * np.eye(labels.max() + 1)[labels]
    gram = features.T @ features + 1e-3 * np.eye(features.shape[1])
    solution = np.linalg.solve(gram, features.T @ targets)
    head = keras.layers.Dense(solution.shape[1])
    network = keras.Model(model.inputs, head(model.outputs[0]))
    head.set_weights([solution[:-1], solution[-1]])
    return network


def conv_net(dtype=None):
    """Convolutions, batch normalisation and all that is usual."""
    inputs = keras.Input((32, 32, 3))
    x = keras.layers.Rescaling(1 / 127.5, -1.0, dtype=dtype)(inputs)
    for filters in (8, 16):
        x = keras.layers.Conv2D(
            filters, 5, 2, "same", use_bias=False, dtype=dtype
        )(x)
        x = keras.layers.BatchNormalization(momentum=0.8, dtype=dtype)(x)
        x = keras.layers.ReLU(dtype=dtype)(x)
    x = keras.layers.GlobalAveragePooling2D(dtype=dtype)(x)
    return keras.Model(inputs, keras.layers.Dense(5, dtype="float32")(x))


def flat_network():
    """An untrained network for what does not depend on its answers."""
    return keras.Sequential(
        [
            keras.Input((8, 8, 3)),
            keras.layers.Rescaling(1 / 255),
            keras.layers.Flatten(),
            keras.layers.Dense(4),
        ]
    )


def written(
    model, folder, name, quantize="none", images=None, class_names=None
):
    """The path of a model, exported into a folder in the format of a name."""
    file_format = EXPORT_FORMATS[name]
    path = folder / file_format.file_name(quantize)
    export_model(file_format, model, path, quantize, images, class_names)
    return path


def logit_correlation(answers, logits):
    """Correlation of logits and a file's probabilities, of all images.

    Logits are known of their softmax up to a constant of each image.
    """
    pairs = [
        values - values.mean(axis=1, keepdims=True)
        for values in (np.log(np.maximum(answers, 1e-37)), np.asarray(logits))
    ]
    return np.corrcoef(*[values.ravel() for values in pairs])[0, 1]
