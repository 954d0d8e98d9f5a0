"""The model card of a repository on the Hugging Face Hub, its `README.md`.

Reference: https://huggingface.co/docs/hub/model-cards, and the specification of
the front matter, https://github.com/huggingface/hub-docs/blob/main/modelcard.md.
"""

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, TypeAlias

from keras_artkd.deploy.model_card import (
    NO_LICENCE,
    card_text,
    card_title,
    data_title,
)
from keras_artkd.output import escaped

_Facts: TypeAlias = Mapping[str, Any]

# The Hub's identifiers of licences, of what people give models and pictures;
# any other is `other`, with its name.
_LICENCES = frozenset(
    "afl-3.0 agpl-3.0 apache-2.0 artistic-2.0 bsd bsd-2-clause bsd-3-clause "
    "bsd-3-clause-clear bsl-1.0 c-uda cc cc-by-2.0 cc-by-2.5 cc-by-3.0 "
    "cc-by-4.0 cc-by-nc-2.0 cc-by-nc-3.0 cc-by-nc-4.0 cc-by-nc-nd-3.0 "
    "cc-by-nc-nd-4.0 cc-by-nc-sa-2.0 cc-by-nc-sa-3.0 cc-by-nc-sa-4.0 "
    "cc-by-nd-4.0 cc-by-sa-3.0 cc-by-sa-4.0 cc0-1.0 cdla-permissive-1.0 "
    "cdla-permissive-2.0 cdla-sharing-1.0 ecl-2.0 epl-1.0 epl-2.0 "
    "etalab-2.0 eupl-1.1 gfdl gpl gpl-2.0 gpl-3.0 isc lgpl lgpl-2.1 "
    "lgpl-3.0 mit mpl-2.0 ms-pl ncsa odbl odc-by openrail osl-3.0 pddl "
    "postgresql unknown unlicense wtfpl zlib".split()
)
# Metrics of a run: their identifier there, and how they are called.
_METRICS = {
    "accuracy": ("accuracy", "Accuracy"),
    "macro_accuracy": ("macro_accuracy", "Mean accuracy of the classes"),
    "top5_accuracy": ("top_5_accuracy", "Top-5 accuracy"),
    "expected_calibration_error": (
        "expected_calibration_error",
        "Expected calibration error",
    ),
}
_KERAS = """\
```python
import keras
import keras_artkd  # Makes its classes known to Keras; nothing else is needed.

model = keras.saving.load_model("hf://USER/NAME")
probabilities = keras.ops.softmax(model(images))
```

`images` are raw pixels, float32 from 0 to 255, `(batch, {side}, {side}, 3)`;
the model answers logits. It needs
[keras_artkd](https://github.com/keras-artkd/keras_artkd) and `huggingface_hub`.
`model.keras` is the same model in one file, with class names and preprocessing
inside, so that pictures are read as they were when it was measured:

```python
from huggingface_hub import hf_hub_download
from keras_artkd.deploy.predict import Classifier

classifier = Classifier(hf_hub_download("USER/NAME", "model.keras"))
for prediction in classifier.classify(["painting.jpg"], top=3):
    print(prediction.source, prediction.classes)
```
"""
_CONTENTS = {
    "model.keras": "the Keras model in one file, with class names, "
    "preprocessing and card inside",
    "config.json": "the Keras model unpacked, with `metadata.json` and "
    "`model.weights.h5`: what `hf://` loads",
    "keras_artkd.json": "how a picture becomes the input, and the class names",
    "labels.txt": "the class names, in the order of the outputs",
    "classify.py": "runs a `.tflite` file with NumPy, Pillow and "
    "ai-edge-litert: `python classify.py FILE painting.jpg`",
}
_KINDS = {
    ".tflite": "for LiteRT and MediaPipe Tasks: phones, browsers, small "
    "devices",
    ".onnx": "for ONNX Runtime, in Python and in browsers",
}


def hub_card(
    config: _Facts, data: _Facts, metrics: _Facts, files: Sequence[str]
) -> str:
    """Returns the card of a repository, Markdown with YAML in front.

    Args:
        config: dict, a run's `config.json`.
        data: dict, its `data.json`.
        metrics: dict, its `metrics.json`.
        files: names of the files in the repository.
    """
    front = "\n".join(_yaml(_front_matter(config, data, metrics, files)))
    first = {
        "Use": _KERAS.format(side=config["image_size"]),
        "Files": _contents(files),
    }
    return f"---\n{front}\n---\n\n{card_text(config, data, metrics, first)}"


def _contents(files: Sequence[str]) -> str:
    rows = []
    for name in files:
        kind = f".{name.rpartition('.')[2]}"
        if about := _CONTENTS.get(name, _KINDS.get(kind)):
            rows.append(f"| `{name}` | {about} |\n")
    return f"| file | |\n| --- | --- |\n{''.join(rows)}"


def _front_matter(
    config: _Facts, data: _Facts, metrics: _Facts, files: Sequence[str]
) -> dict[str, Any]:
    kinds = {name.rpartition(".")[2] for name in files}
    return {
        **_licence(str(config.get("licence", NO_LICENCE))),
        "library_name": "keras",
        "pipeline_tag": "image-classification",
        "tags": [
            "keras_artkd",
            "knowledge-distillation",
            *(["litert", "tflite"] if "tflite" in kinds else []),
            *(["onnx"] if "onnx" in kinds else []),
        ],
        "metrics": ["accuracy"],
        "model-index": [
            {
                "name": card_title(data, metrics),
                "results": [_result(data, metrics)],
            }
        ],
    }


def _licence(stated: str) -> dict[str, str]:
    """A licence as the Hub names it."""
    if stated == NO_LICENCE:
        return {"license": "unknown"}
    words = re.sub(r"[^a-z0-9.+]+", "-", stated.lower()).strip("-")
    name = re.sub("-?licen[cs]e-?", "-", words).strip("-")
    if name in _LICENCES:
        return {"license": name}
    return {"license": "other", "license_name": words or "other"}


def _result(data: _Facts, metrics: _Facts) -> dict[str, Any]:
    """What was measured, in the form of an entry of `model-index`."""
    test, folds = metrics["test"], metrics.get("folds")
    # What Hugging Face's own programs call a folder of images.
    source = "imagefolder" if data["name"] == "folder" else data["name"]
    return {
        "task": {
            "type": "image-classification",
            "name": "Image classification",
        },
        "dataset": {
            "type": source,
            "name": data_title(data),
            "split": f"{len(folds)} folds" if folds else "test",
        },
        "metrics": [
            {
                "type": kind,
                "value": round(float(test[metric]), 4),
                "name": title,
            }
            for metric, (kind, title) in _METRICS.items()
            if metric in test
        ],
    }


def _yaml(value: Any, indent: str = "") -> Iterator[str]:
    """The lines of a dict, list or scalar as YAML, whose scalars are JSON's."""
    if isinstance(value, dict):
        for key, item in value.items():
            if isinstance(item, (dict, list)):
                yield f"{indent}{key}:"
                yield from _yaml(item, f"{indent}  ")
            else:
                yield f"{indent}{key}: {_scalar(item)}"
    elif isinstance(value, list):
        for item in value:
            first, *rest = _yaml(item, f"{indent}  ")
            yield f"{indent}- {first.lstrip()}"
            yield from rest
    else:
        yield f"{indent}{_scalar(value)}"


def _scalar(value: Any) -> str:
    if isinstance(value, str):
        # YAML takes no control characters, and JSON few.
        value = escaped(value)
    return json.dumps(value, ensure_ascii=False)
