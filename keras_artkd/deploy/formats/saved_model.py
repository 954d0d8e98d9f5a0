"""SavedModel: for servers, and for TensorFlow itself.

TensorFlow runs whatever is in its graph. Therefore one that would reach files
or run code outside of it is not opened here (`saved_graph.check_graph`).

What the model says of itself lies in its folder `assets.extra`.
"""

import contextlib
import os
import pathlib
import shutil
import tempfile
from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, Any

from keras_artkd.deploy.formats.base import (
    ExportFormat,
    NotAClassifier,
    Runtime,
    check_classifier,
    quiet_libraries,
)
from keras_artkd.deploy.formats.saved_graph import check_graph
from keras_artkd.deploy.model_info import CARD, INFO, ModelInfo, read_limited
from keras_artkd.output import import_tensorflow
from keras_artkd.types import Array, Path

if TYPE_CHECKING:
    import keras
    import tensorflow as tf


def export_saved_model(
    model: "keras.Model", path: Path, class_names: Sequence[str] | None = None
) -> pathlib.Path:
    """Writes an inference SavedModel.

    The signature `serving_default` (and the method `serve`) takes raw pixels,
    float32 in [0, 255], `(batch, height, width, channels)` of any batch
    size. It returns float32 `probabilities`, also for a model trained in mixed
    precision.

    With `class_names` it has the signature `classify`, too (and the method).
    It takes `image_bytes`, strings `(n,)`, the contents of JPEG, PNG, GIF or
    BMP files, and returns `classes`, strings `(n, classes)`, most probable
    first, and `scores`, their probabilities. TensorFlow reads these images
    nearly as `artkd predict` does, see `encoded_images`.

    Args:
        model: a Keras model, one image in, logits out; one with
            heads for its training (`with_exits`) is written without them.
        path: the folder to write; a SavedModel already there is replaced.
        class_names: list of str in the order of the logits, or None. They
            are put into the file with the preprocessing that `artkd predict`
            gives an image: its shorter side is resized to 9/8 of the
            network's input, then the central square is cut out.

    Returns:
        The path, a `pathlib.Path`.

    Raises:
        ValueError: if the model, the path or the names do not fit.
        OSError: if the path cannot be written.
    """
    from keras_artkd.deploy.formats.writing import export_model

    return export_model(FORMAT, model, path, class_names=class_names)


class SavedModelRuntime(Runtime):
    """A SavedModel folder in TensorFlow, by its `serving_default`."""

    name = "TensorFlow"

    def __init__(self, path: pathlib.Path) -> None:
        self.info = _read_info(path)
        network = _load(path)
        if "serving_default" not in network.signatures:
            raise NotAClassifier(
                "A SavedModel must have the signature serving_default. "
                f"Received: {path} with {sorted(network.signatures)}."
            )
        self._signature = network.signatures["serving_default"]
        # The signature works only as long as the network is there.
        self._network = network
        _, inputs = self._signature.structured_input_signature
        ((self._input, spec),) = inputs.items()
        outputs = self._signature.structured_outputs.values()
        self.input_shape, self.num_classes = check_classifier(
            path, [spec.shape], [output.shape for output in outputs]
        )

    def _run(self, images: Array) -> Array:
        import tensorflow as tf

        (answers,) = self._signature(
            **{self._input: tf.constant(images)}
        ).values()
        return answers.numpy()


def is_saved_model(path: pathlib.Path) -> bool:
    """Whether a folder is a SavedModel."""
    return (path / "saved_model.pb").is_file()


def _load(path: pathlib.Path) -> Any:
    import_tensorflow()
    import tensorflow as tf

    check_graph(path)
    with quiet_libraries(), _plain(path) as plain:
        return tf.saved_model.load(str(plain))


def _is_pattern(path: pathlib.Path) -> bool:
    r"""Whether TensorFlow would look for what matches a path.

    It does when it reads a SavedModel's variables, and finds none below a
    folder such as `old [1]` or `a\b`.
    """
    return not set("*?[]{}\\").difference(os.sep).isdisjoint(str(path))


@contextlib.contextmanager
def _plain(path: pathlib.Path) -> Iterator[pathlib.Path]:
    """Gives a path of the same folder that is no pattern."""
    if not _is_pattern(path):
        yield path
        return
    with tempfile.TemporaryDirectory() as place:
        plain = pathlib.Path(place, "saved_model")
        try:
            plain.symlink_to(path.absolute(), target_is_directory=True)
        except OSError:  # Windows gives this right to few.
            shutil.copytree(path, plain)
        yield plain


def _read_info(path: pathlib.Path) -> ModelInfo | None:
    folder = path / "assets.extra"
    files = {}
    for name in (INFO, CARD):
        if (folder / name).is_file():
            with open(folder / name, "rb") as file:
                files[name] = read_limited(name, file)
    return ModelInfo.from_files(files)


def _write_info(path: pathlib.Path, info: ModelInfo) -> None:
    folder = path / "assets.extra"
    folder.mkdir()
    for name, text in info.files().items():
        (folder / name).write_text(text, encoding="utf-8")


def _write(
    network: "keras.Model",
    path: pathlib.Path,
    signature: "tf.TensorSpec",
    quantize: str,
    images: Array | None,
    gives_logits: bool,
    info: ModelInfo | None,
) -> None:
    import keras
    import tensorflow as tf

    served = _with_probabilities(network, gives_logits)
    archive = keras.export.ExportArchive()
    # The first is also the signature `serving_default`.
    archive.track_and_add_endpoint("serve", served, [signature])
    if info is not None:
        encoded = tf.TensorSpec(signature.shape[:1], tf.string, "image_bytes")
        archive.add_endpoint("classify", _classify(served, info), [encoded])
    with tempfile.TemporaryDirectory() as place:
        # TensorFlow looks for its own shards, too.
        plain = pathlib.Path(place, "saved_model")
        written = plain if _is_pattern(path) else path
        archive.write_out(str(written), verbose=False)
        if written != path:
            shutil.move(written, path)


def _classify(
    network: "keras.Model", info: ModelInfo
) -> Callable[[Any], dict[str, Any]]:
    """What classifies encoded images, the class names in it."""
    import tensorflow as tf

    from keras_artkd.deploy.formats.encoded_images import read_images

    names = info.class_names

    def classify(image_bytes: Any) -> dict[str, Any]:
        answers = network(read_images(image_bytes, info))["probabilities"]
        scores, order = tf.math.top_k(answers, len(names))
        return {"classes": tf.gather(names, order), "scores": scores}

    return classify


def _with_probabilities(
    network: "keras.Model", gives_logits: bool
) -> "keras.Model":
    import keras

    (answers,) = network.outputs
    if gives_logits:
        answers = keras.layers.Softmax(dtype="float32")(answers)
    return keras.Model(network.inputs, {"probabilities": answers})


FORMAT = ExportFormat(
    name="saved_model",
    suffix="",
    open=SavedModelRuntime,
    write_info=_write_info,
    quantisations=("none",),
    write=_write,
)
