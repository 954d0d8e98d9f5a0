"""ConvNeXts of keras.applications, with endpoints."""

import keras

from keras_artkd.models.endpoints import EndpointModel, with_endpoints


def convnext(
    application: str,
    num_classes: int,
    input_shape: tuple[int, int, int],
    weights: str | None = None,
) -> EndpointModel:
    """Makes a ConvNeXt of keras.applications with a classifier of our own.

    Its four stages have strides 4, 8, 16 and 32. The last three have the names
    of a wide ResNet's groups.

    Args:
        application: str, its name in `keras.applications`.
        num_classes: int >= 1.
        input_shape: `(height, width, 3)`, pixels.
        weights: `"imagenet"` for pretrained weights, which Keras downloads or
            finds in `~/.keras`; None for random ones.

    Returns:
        A network with endpoints, from raw pixels in [0, 255] to float32
        logits.
    """
    backbone = getattr(keras.applications, application)(
        include_top=False, weights=weights, input_shape=input_shape
    )
    x = keras.layers.GlobalAveragePooling2D(name="pool")(backbone.output)
    logits = keras.layers.Dense(num_classes, dtype="float32", name="logits")(x)
    model = keras.Model(backbone.input, logits, name=backbone.name)
    # A stage ends in an unnamed addition: the input of the next layer.
    readers = {
        "group1": model.get_layer(f"{backbone.name}_downsampling_block_1"),
        "group2": model.get_layer(f"{backbone.name}_downsampling_block_2"),
        "group3": backbone.layers[-1],
    }
    layer_names = {
        endpoint: reader.input._keras_history.operation.name
        for endpoint, reader in readers.items()
    }
    return with_endpoints(
        model, {**layer_names, "features": backbone.layers[-1].name}
    )
