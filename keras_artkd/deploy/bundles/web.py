"""A page in which a run's student classifies: `keras_artkd.deploy.web`."""

import pathlib

from keras_artkd.deploy.bundles.base import Bundle
from keras_artkd.deploy.web import page
from keras_artkd.files import replacing
from keras_artkd.run_folder import RunFolder
from keras_artkd.types import Path

# Half the size of float32, the same answers to three digits, and for GPUs,
# which compute with floats. int8 would save a fiftieth of what a browser loads.
QUANTISATION = "float16"


def _write(
    run: RunFolder,
    output: pathlib.Path,
    quantize: str = QUANTISATION,
    data_dir: Path | None = None,
    licence: str | None = None,
    runtime: Path | None = None,
    **gate: float,
) -> str:
    """Writes the page.

    Args:
        run: `RunFolder`, finished.
        output: the folder.
        quantize: of the model, as for `.tflite`.
        data_dir: where the run's images are, if they moved since.
        licence: for the model card; the run's own by default.
        runtime: folder with LiteRT.js; npm brings it by default.
        **gate: of `ParityGate`.

    Returns:
        What a browser loads, and how well the model agrees.

    Raises:
        ValueError: if the run, its data or the runtime is not as it must be,
            or the model does not pass the gate.
        OSError: if the folder cannot be written.
    """
    from keras_artkd.deploy.export import ParityGate, export_run

    if output.exists() and any(output.iterdir()) and not page.is_page(output):
        raise ValueError(
            "The folder must be new, empty or a page (`index.html` alone is "
            f"somebody's). Received: {output}. Fix: choose another folder."
        )
    with replacing(output) as folder:
        folder.mkdir()
        has_runtime = page.add_runtime(folder, runtime)
        page.write_own_files(folder, has_runtime)
        _, report = export_run(
            run.path,
            quantize=quantize,
            path=folder / page.MODEL,
            data_dir=data_dir,
            gate=ParityGate(**gate),
            licence=licence,
        )
        page.write_settings(folder)
        loaded = page.loaded_bytes(folder)
    return (
        f"A browser loads {loaded / 1024:.0f} KiB of it"
        f"{'' if has_runtime else ', and LiteRT.js from the network'}; the "
        f"model ({report['size_bytes'] / 1024:.0f} KiB) agrees with the Keras "
        f"model on {report['agreement']:.2%} of {report['held_out']}. To see "
        f"it: artkd serve {output}"
    )


BUNDLE = Bundle(
    name="web",
    summary="a page in which it runs",
    files=page.FILES,
    options=(
        "quantize",
        "data_dir",
        "min_agreement",
        "max_accuracy_drop",
        "licence",
        "runtime",
    ),
    write=_write,
)
