"""The folder of a model on the Hugging Face Hub.

`keras.saving.load_model("hf://USER/NAME")` takes a repository that is a Keras
model unpacked: `config.json`, `metadata.json` and `model.weights.h5`. Beside it
lie `model.keras`, the same in one file with class names and preprocessing, and
the run's files for devices.
"""

import pathlib
import shlex
import shutil
from typing import TYPE_CHECKING

from keras_artkd.deploy.bundles.base import Bundle
from keras_artkd.deploy.bundles.hub_card import hub_card
from keras_artkd.deploy.finished_run import model_info, read_facts
from keras_artkd.deploy.formats import onnx, tflite, write_info
from keras_artkd.deploy.formats.keras_file import load_keras_model
from keras_artkd.deploy.model_card import NO_LICENCE
from keras_artkd.deploy.model_info import CARD, INFO, LABELS, ModelInfo
from keras_artkd.files import replacing
from keras_artkd.run_folder import RunFolder

if TYPE_CHECKING:
    import keras

# Of Keras's unpacked form; its readers know it by these names.
_UNPACKED = ("config.json", "metadata.json", "model.weights.h5")
_PACKED = "model.keras"
_README = "README.md"
# Runs the `.tflite` files without this package, where a run has it.
_SCRIPT = RunFolder("").classify.name


def _write(
    run: RunFolder, output: pathlib.Path, licence: str | None = None
) -> str:
    """Writes the folder.

    Args:
        run: `RunFolder`, finished.
        output: the folder.
        licence: of the model; the run's own by default.

    Returns:
        How it is uploaded.

    Raises:
        ValueError: if the run's files are not what they were.
        OSError: if the folder cannot be written.
    """
    facts = read_facts(run)
    if licence is not None:
        facts.settings["licence"] = licence
    student = load_keras_model(run.student)
    with replacing(output) as folder:
        folder.mkdir()
        _save_network(student, folder, model_info(*facts))
        for name in _deployable():
            if (run.path / name).is_file():
                shutil.copyfile(run.path / name, folder / name)
        files = sorted(path.name for path in folder.iterdir())
        card = hub_card(*facts, files=files)
        (folder / _README).write_text(card, encoding="utf-8")
    upload = shlex.join(["hf", "upload", "USER/NAME", str(output), "."])
    stated = facts.settings.get("licence", NO_LICENCE) != NO_LICENCE
    return (
        "Nothing is uploaded; what does it: pip install huggingface_hub; hf "
        f"auth login; {upload}"
        f"{'' if stated else ' State a licence first: --licence NAME.'}"
    )


def _save_network(
    student: "keras.Model", folder: pathlib.Path, info: ModelInfo
) -> None:
    """Saves it unpacked and packed, with what there is to know of it."""
    from keras_artkd.deploy.formats.writing import to_deploy

    network = to_deploy(student)
    network.save(folder, zipped=False)
    # Git keeps no empty folder, and Keras needs none.
    for empty in [each for each in folder.iterdir() if each.is_dir()]:
        empty.rmdir()
    network.save(folder / _PACKED)
    write_info(folder / _PACKED, info)
    answers = "probabilities (of the Keras model: logits)"
    for name, text in info.files(answers).items():
        if name != CARD:  # The folder's is its `README.md`.
            (folder / name).write_text(text, encoding="utf-8")


def _deployable() -> list[str]:
    """The names of a run's files that are given away with the model."""
    return [
        *(
            file_format.file_name(quantize)
            for file_format in (tflite.FORMAT, onnx.FORMAT)
            for quantize in file_format.quantisations
        ),
        _SCRIPT,
    ]


BUNDLE = Bundle(
    name="hub",
    summary="a folder for the Hugging Face Hub",
    files=(
        *_UNPACKED,
        _PACKED,
        _README,
        *_deployable(),
        INFO,
        LABELS,
    ),
    options=("licence",),
    write=_write,
)
