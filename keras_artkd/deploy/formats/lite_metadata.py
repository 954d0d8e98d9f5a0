"""Metadata of TFLite files, as MediaPipe Tasks and Android Studio read them.

A FlatBuffer of TensorFlow's `metadata_schema.fbs`. The library that owns the
format is MediaPipe, of a hundred megabytes; what is needed of its schema is
here: tables, and the numbers of their fields.
"""

from collections.abc import Sequence
from typing import Any

import flatbuffers

from keras_artkd.deploy.model_info import LABELS, ModelInfo

# Of the entry in the model, and of the FlatBuffer itself.
NAME = "TFLITE_METADATA"
IDENTIFIER = b"M001"

_OFFSET = "UOffsetTRelative"
# Of the unions and enumerations in the schema.
_FEATURE, _IMAGE = 1, 2
_NORMALIZATION, _THRESHOLD = 1, 3
_RGB = 1
_AXIS_LABELS = 2


def lite_metadata(info: ModelInfo) -> bytes:
    """The metadata of a classifier, raw pixels in and probabilities out.

    Args:
        info: `ModelInfo`; its class names are in the file `labels.txt` of the
            archive at the model's end.

    Returns:
        A FlatBuffer, `ModelMetadata` of the schema.
    """
    builder = flatbuffers.Builder(2048)
    # What equals a default is written, too.
    builder.ForceDefaults(True)
    side = info.image_size
    image = _tensor(
        builder,
        "image",
        f"An image of {side} x {side} pixels, RGB, 0 to 255. {LABELS} and "
        "keras_artkd.json in this file's archive say how it is made of a "
        "picture.",
        _content(
            builder,
            _IMAGE,
            _table(
                builder,
                (0, "Int8", _RGB),
                (
                    1,
                    _OFFSET,
                    _table(builder, (0, "Uint32", side), (1, "Uint32", side)),
                ),
            ),
        ),
        # The network scales inside: what it takes are the pixels themselves.
        _unit(
            builder,
            _NORMALIZATION,
            (0, _OFFSET, _floats(builder, [0.0])),
            (1, _OFFSET, _floats(builder, [1.0])),
        ),
        _stats(builder, 0.0, 255.0),
    )
    labels = _table(
        builder,
        (0, _OFFSET, builder.CreateString(LABELS)),
        (1, _OFFSET, builder.CreateString("Names of the classes, in order.")),
        (2, "Int8", _AXIS_LABELS),
    )
    probabilities = _tensor(
        builder,
        "probabilities",
        "The probability of each class.",
        _content(builder, _FEATURE, _table(builder)),
        _unit(builder, _THRESHOLD, (0, "Float32", 0.0)),
        _stats(builder, 0.0, 1.0),
        (6, _OFFSET, _vector(builder, [labels])),
    )
    graph = _table(
        builder,
        (2, _OFFSET, _vector(builder, [image])),
        (3, _OFFSET, _vector(builder, [probabilities])),
    )
    about = f"Classifies an image as one of {len(info.class_names)} classes."
    model = _table(
        builder,
        (0, _OFFSET, builder.CreateString("Image classifier")),
        (1, _OFFSET, builder.CreateString(about)),
        (3, _OFFSET, _vector(builder, [graph])),
        (7, _OFFSET, builder.CreateString("1.0.0")),
    )
    builder.Finish(model, IDENTIFIER)
    return bytes(builder.Output())


# A field: its number in the table, its type, its value: of an offset a table,
# a string or a vector that was written before.
_Field = tuple[int, str, Any]


def _tensor(
    builder: flatbuffers.Builder,
    name: str,
    description: str,
    content: int,
    unit: int,
    stats: int,
    *fields: _Field,
) -> int:
    return _table(
        builder,
        (0, _OFFSET, builder.CreateString(name)),
        (1, _OFFSET, builder.CreateString(description)),
        (3, _OFFSET, content),
        (4, _OFFSET, _vector(builder, [unit])),
        (5, _OFFSET, stats),
        *fields,
    )


def _content(builder: flatbuffers.Builder, kind: int, of_kind: int) -> int:
    return _table(builder, (0, "Uint8", kind), (1, _OFFSET, of_kind))


def _unit(builder: flatbuffers.Builder, kind: int, *options: _Field) -> int:
    table = _table(builder, *options)
    return _table(builder, (0, "Uint8", kind), (1, _OFFSET, table))


def _stats(builder: flatbuffers.Builder, low: float, high: float) -> int:
    return _table(
        builder,
        (0, _OFFSET, _floats(builder, [high])),
        (1, _OFFSET, _floats(builder, [low])),
    )


def _table(builder: flatbuffers.Builder, *fields: _Field) -> int:
    builder.StartObject(8)
    for number, kind, value in fields:
        getattr(builder, f"Prepend{kind}Slot")(number, value, 0)
    return int(builder.EndObject())


def _floats(builder: flatbuffers.Builder, values: Sequence[float]) -> int:
    builder.StartVector(4, len(values), 4)
    for value in reversed(values):
        builder.PrependFloat32(value)
    return int(builder.EndVector())


def _vector(builder: flatbuffers.Builder, tables: Sequence[int]) -> int:
    builder.StartVector(4, len(tables), 4)
    for table in reversed(tables):
        builder.PrependUOffsetTRelative(table)
    return int(builder.EndVector())
