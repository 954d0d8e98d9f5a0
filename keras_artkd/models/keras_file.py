"""Keras files from elsewhere, read within the bounds of what they hold.

A `.keras` file is an archive of settings and weights. The settings say how
large each layer is, and Keras makes it before it looks at the weights: a file
of a few kilobytes could ask for all the memory there is.
"""

import concurrent.futures
import json
import math
import pathlib
import zipfile

import keras

from keras_artkd.types import Path, Tensor

# How much larger a file may become when it is unpacked. Trained weights hardly
# shrink, and Keras does not compress them.
_MAX_GROWTH = 20
_MAX_TEXT = 64 * 2**20
# Numbers that a network may have and not keep, such as seeds.
_MAX_UNKEPT = 2**20
_SETTINGS = "config.json"


def load_network(path: Path) -> keras.Model:
    """Loads a `.keras` file, not compiled.

    Raises:
        ValueError: if it cannot be read, or asks for more than it holds.
    """
    path = pathlib.Path(path)
    try:
        check_keras_file(path)
        network: keras.Model = keras.models.load_model(path, compile=False)
    except Exception as error:  # zipfile, HDF5 and Keras raise many types.
        reason = " ".join(str(error).split())[:300] or type(error).__name__
        raise ValueError(
            f"The network cannot be read. Received: {path} ({reason}). Fix: "
            "if the file is damaged, copy or export it again."
        ) from error
    return network


def check_keras_file(path: pathlib.Path) -> None:
    """Rejects an archive that would fill the memory, before it does.

    Raises:
        ValueError: if unpacked it would be far larger than it is, or its
            settings make more weights than it holds; the reason alone.
    """
    with zipfile.ZipFile(path) as archive:
        sizes = {item.filename: item.file_size for item in archive.infolist()}
        text = sum(size for name, size in sizes.items() if _is_text(name))
        most = _MAX_GROWTH * path.stat().st_size + _MAX_TEXT
        if text > _MAX_TEXT or sum(sizes.values()) > most:
            raise ValueError(
                f"unpacked it would take {sum(sizes.values()):,} bytes, "
                f"{text:,} of them settings: more than a network of its size"
            )
        settings = json.loads(archive.read(_SETTINGS))
    _check_settings(settings, sum(sizes.values()) - text)


def _is_text(name: str) -> bool:
    return name.endswith(".json")


class _Counting(keras.StatelessScope):
    """A scope that counts weights, and in which none is made.

    Args:
        held: int, bytes that the file's weights take.
    """

    def __init__(self, held: int) -> None:
        super().__init__(initialize_variables=False)
        self.held = held
        self.total = 0
        self.counted: dict[int, keras.Variable] = {}

    def get_current_value(self, variable: keras.Variable) -> Tensor | None:
        """Keras asks for it where a layer uses a weight that is not made."""
        self.count(variable)
        return super().get_current_value(variable)

    def count(self, variable: keras.Variable) -> None:
        """Adds a weight's size.

        Raises:
            ValueError: if there are more than there may be.
        """
        if id(variable) in self.counted:
            return
        self.counted[id(variable)] = variable
        self.total += math.prod(int(side) for side in variable.shape)
        # A weight takes a byte or more.
        if self.total > self.held + _MAX_UNKEPT:
            raise ValueError(
                f"its {_SETTINGS} asks for {self.total:,} weights or more, and "
                f"those that it holds take {self.held:,} bytes"
            )


def _check_settings(settings: dict[str, object], held: int) -> None:
    """Makes the network without its weights, and counts them."""

    def count() -> None:
        with _Counting(held) as scope:
            network = keras.saving.deserialize_keras_object(
                {**settings, "compile_config": None}
            )
            for variable in getattr(network, "variables", ()):
                scope.count(variable)

    # Keras remembers for each thread which weights are still to be made: what
    # ends with a thread is never made.
    with concurrent.futures.ThreadPoolExecutor(1) as executor:
        executor.submit(count).result()
