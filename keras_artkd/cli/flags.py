"""Flags of the command line, made from the fields of a dataclass."""

import contextlib
import io
import os
import re
from collections.abc import Sequence
from typing import Any, TypeVar, get_origin
from unittest import mock

import tyro
from tyro.constructors import (
    ConstructorRegistry,
    PrimitiveConstructorSpec,
    PrimitiveTypeInfo,
)

from keras_artkd.output import ending_with_its_reader

# Room for any message: a line that the terminal would break stays whole.
_WIDE = "10000"
_Kind = TypeVar("_Kind")
# What tyro says of a value that fits no kind of the flag.
_NO_KIND = (
    r"^Error parsing (--[\w-]+): no type matching (?:\{None\}\|)?(\S+) could "
    r"be instantiated from \['(.*?)'\].*"
)
_REGISTRY = ConstructorRegistry()


def parse_flags(
    kind: type[_Kind],
    default: _Kind,
    program: str,
    description: str | None,
    arguments: Sequence[str],
) -> _Kind:
    """Reads the command line; `--help` prints and exits, as usual.

    Args:
        kind: dataclass whose fields, and those of dataclasses in it, are the
            flags.
        default: an instance of it.
        program: str, what the user typed before the flags.
        description: str, what `--help` says of the program.
        arguments: list of str.

    Returns:
        An instance of `kind`.

    Raises:
        ValueError: for unknown flags and for values that are not possible, in
            one line.
    """
    parse: dict[str, Any] = {
        "f": kind,
        "default": default,
        "prog": program,
        "description": description,
        "args": arguments,
        # Groups are for reading; a flag has no group in its name.
        "config": (tyro.conf.OmitArgPrefixes,),
        "registry": _REGISTRY,
    }
    said = io.StringIO()
    try:
        with ending_with_its_reader(), contextlib.redirect_stderr(said):
            return tyro.cli(**parse)
    except SystemExit as stop:
        if stop.code != 2:
            raise
    said = io.StringIO()
    with (
        contextlib.suppress(SystemExit),
        contextlib.redirect_stderr(said),
        mock.patch.dict(os.environ, COLUMNS=_WIDE),
    ):
        tyro.cli(**parse)
    raise ValueError(_in_one_line(said.getvalue()))


def _in_one_line(box: str) -> str:
    """The text of a framed message of tyro's, without its ornaments."""
    # Frames are drawn in the encoding of the terminal, so both ways.
    parts = [
        " ".join(part.replace("│", " ").split())
        for part in re.split("[─╭╮╰╯]+|-{8,}", box)
    ]
    # The first is the frame's title, which the second repeats.
    message, *more = [part for part in parts if part][1:]
    # Groups are no part of what the user typed.
    message = re.sub(r"^Error parsing [a-z][a-z.]*: ", "", message)
    message = re.sub(
        _NO_KIND, r"`\1` must be of kind \2. Received: '\3'", message
    )
    near = re.findall(r"--[a-z][a-z-]*", " ".join(more[:-1]))
    near = [flag for flag in dict.fromkeys(near) if flag not in message]
    if near:
        message += f". Perhaps you meant {' or '.join(near)}"
    return f"{message} (see --help)"


@_REGISTRY.primitive_rule
def _options(
    info: PrimitiveTypeInfo,
) -> PrimitiveConstructorSpec[dict[str, Any]] | None:
    """Flags of dicts, whatever their defaults: --options NAME VALUE ..."""
    if get_origin(info.type) is not dict:
        return None
    return PrimitiveConstructorSpec(
        nargs="*",
        metavar="[NAME VALUE ...]",
        instance_from_str=_from_pairs,
        is_instance=lambda value: isinstance(value, dict),
        str_from_instance=lambda options: [
            str(word) for pair in options.items() for word in pair
        ],
    )


def _from_pairs(words: list[str]) -> dict[str, Any]:
    if len(words) % 2:
        raise ValueError(
            "each name must have a value after it. Received: "
            f"{' '.join(words)}. Fix: NAME VALUE, for each name"
        )
    return {
        name: _number_or_text(value)
        for name, value in zip(words[::2], words[1::2], strict=True)
    }


def _number_or_text(word: str) -> int | float | str:
    for kind in (int, float):
        with contextlib.suppress(ValueError):
            return kind(word)
    return word
