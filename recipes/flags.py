"""Flags of the command line, made from the fields of a dataclass."""

import argparse
import contextlib
import io
import os
import re
import sys
from unittest import mock

import tyro

from keras_artkd.output import ending_with_its_reader

# Room for any message: a line that the terminal would break stays whole.
_WIDE = "10000"
# What tyro says of a dict with an odd number of words.
_NO_PAIRS = r"Error parsing (--\S+): Failed to parse key-value pairs!"


def take_preset(presets, arguments=None):
    """Reads `--preset NAME`, whose values the other flags go over.

    Args:
        presets: dict of name -> default; the first is the default one. Where
            it is the only one, there is no such flag.
        arguments: list of str, or None for the process's own.

    Returns:
        The default of that name, and the other arguments.

    Raises:
        ValueError: for an unknown name; it lists the known ones.
    """
    arguments = sys.argv[1:] if arguments is None else arguments
    if len(presets) == 1:
        return next(iter(presets.values())), arguments
    parser = argparse.ArgumentParser(
        add_help=False, allow_abbrev=False, exit_on_error=False
    )
    parser.add_argument("--preset", default=next(iter(presets)), nargs="?")
    known, others = parser.parse_known_args(arguments)
    if known.preset not in presets:
        raise ValueError(
            f"`--preset` must be one of {', '.join(presets)}. "
            f"Received: {known.preset or 'none'}."
        )
    return presets[known.preset], others


def parse_flags(kind, default, description, arguments=None):
    """Reads the command line; `--help` prints and exits, as usual.

    Args:
        kind: dataclass whose fields are the flags.
        default: an instance of it.
        description: str, what `--help` says of the program.
        arguments: list of str, or None for the process's own.

    Returns:
        An instance of `kind`.

    Raises:
        ValueError: for what it does not know or take, in one line.
    """
    parse = {
        "f": kind,
        "default": default,
        "description": description,
        "args": arguments,
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


def _in_one_line(box):
    """What a framed message of tyro's says, its ornaments left out."""
    # Frames are drawn in the encoding of the terminal, so both ways.
    parts = [
        " ".join(part.replace("│", " ").split())
        for part in re.split("[─╭╮╰╯]+|-{8,}", box)
    ]
    # The first is the frame's title, which the second repeats.
    message, *more = [part for part in parts if part][1:]
    message = message.removeprefix("Error parsing Config: ")
    message = re.sub(
        _NO_PAIRS,
        r"`\1` must have a value after each name. Received: a name without "
        r"one. Fix: \1 NAME VALUE, for each name",
        message,
    )
    near = re.findall(r"--[a-z][a-z-]*", " ".join(more[:-1]))
    near = [flag for flag in dict.fromkeys(near) if flag not in message]
    if near:
        message += f". Perhaps you meant {' or '.join(near)}"
    return f"{message} (see --help)"
