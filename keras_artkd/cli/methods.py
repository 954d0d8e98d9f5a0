"""List the methods and their options, or explain one.

  artkd methods
  artkd methods skdsam
  artkd methods collaborative+skdsam

Without a name it lists every method: what teaches the student, which teachers
the method needs, its options and their defaults. With a name, or several
joined by +, it explains each option. A training takes them as --method NAME
--options OPTION VALUE.
"""

import argparse
import re
import textwrap
from collections.abc import Iterator

from keras_artkd.catalogue.methods import METHODS, Method, get_method
from keras_artkd.catalogue.source import Option
from keras_artkd.cli.docstrings import read_docstrings

_WIDTH = 80
_LEGEND = """\
In formulas L is the cross-entropy, y are the labels, S is the student, T1 the
initial teacher, T2 the expert. What the options mean: artkd methods NAME.
"""
# A space at which no line is broken.
_FIRM = "\u00a0"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declares the command line."""
    parser.add_argument(
        "method",
        nargs="?",
        metavar="NAME",
        help="a method, or several joined by +; all of them in brief by "
        "default",
    )


def run(arguments: argparse.Namespace) -> int:
    """Prints the list, or the explanation."""
    if arguments.method is None:
        column = max(map(len, METHODS)) + 1
        for method in METHODS.values():
            print("\n".join(_brief(method, column)))
        print(f"\n{_LEGEND}", end="")
        return 0
    method = get_method(arguments.method)
    blocks = [
        _explanation(part, f"{part.name}." if method.parts else "")
        for part in method.parts or (method,)
    ]
    print("\n\n\n".join("\n".join(block) for block in blocks))
    return 0


def _brief(method: Method, column: int) -> Iterator[str]:
    """The lines of a method in the list of all, the text at a column."""
    summary = _description(method).split("\n\n")[0]
    yield from _hanging(f"{method.name:{column}}", summary)
    yield f"{'':{column}}teachers: {_teachers(method)}"
    options = ", ".join(
        f"{option}{_FIRM}{_word(default)}"
        for option, default in method.options.items()
    )
    yield from _hanging(f"{'':{column}}", f"options: {options or 'none'}")


def _explanation(method: Method, prefix: str) -> Iterator[str]:
    """The lines of one method by itself, its options called with a prefix."""
    heading, *more = _description(method).split("\n\n")
    yield from _hanging(f"{method.name}: ", heading)
    for paragraph in more:
        yield f"\n{paragraph}"
    yield f"\nTeachers: {_teachers(method)}."
    if method.mixup is not None:
        yield f"Every batch is mixed (Mixup, alpha {method.mixup:g})."
    if method.head != "pool":
        yield f"The student's published head: {method.head}."
    yield "" if method.options else "Options: none."
    meanings = _meanings_of(method)
    for option, default in method.options.items():
        yield f"{prefix}{option} {_word(default)}"
        meaning = _with_reference(option, meanings.get(option, ""))
        yield from _hanging(4 * " ", meaning)
    reference = _plain(method.documentation).partition("\nReference: ")[2]
    if reference:
        yield ""
        yield from _hanging("", f"Reference: {reference}")


def _teachers(method: Method) -> str:
    needed = ["expert, trained before"] * method.needs_expert
    needed += ["initial, trained along"] * method.needs_initial
    return "; ".join(needed) or "none"


def _word(default: Option) -> str:
    """A default as `--options` takes it: numbers and names."""
    return default if isinstance(default, str) else f"{default:g}"


def _hanging(first: str, text: str) -> list[str]:
    """Lines that begin with `first`, or as far to the right."""
    lines = textwrap.wrap(
        text,
        _WIDTH,
        initial_indent=first,
        subsequent_indent=len(first) * " ",
        break_long_words=False,
        break_on_hyphens=False,
    )
    return [line.replace(_FIRM, " ") for line in lines]


def _description(method: Method) -> str:
    """A docstring up to its first section."""
    text = _plain(method.documentation)
    return re.split(r"\n\n(?:Args|Returns|Reference):", text)[0]


def _meanings_of(method: Method) -> dict[str, str]:
    """The meaning of each option of a method, from the docstrings.

    A class that explains none takes them as the class that it derives from.
    """
    meanings = _meanings(method.documentation)
    if meanings or not method.options:
        return meanings
    module = f"keras_artkd.distillers.methods.{method.name}"
    return next(filter(None, map(_meanings, read_docstrings(module))), {})


def _meanings(docstring: str) -> dict[str, str]:
    """The meaning of each argument in a docstring."""
    _, found, section = _plain(docstring).partition("\nArgs:\n")
    if not found:
        return {}
    # Up to the next line that is not indented. An item begins four spaces in,
    # and continues farther in.
    section = re.split(r"\n(?=\S)", section)[0]
    items = re.split(r"(?m)^ {4}(?=\w+: )", section)[1:]
    pairs = (item.split(": ", 1) for item in items)
    return {name: " ".join(text.split()) for name, text in pairs}


def _with_reference(option: str, meaning: str) -> str:
    """A meaning, with that of the method or loss to which it refers."""
    meanings: dict[str, str] = {}
    if loss := re.search(r"\bsee keras_artkd\.losses\.(\w+)", meaning):
        texts = read_docstrings("keras_artkd.losses", loss[1])
        meanings = _meanings("".join(texts))
    elif method := re.search(r"\bsee (\w+)", meaning):
        if method[1] in METHODS:
            meanings = _meanings_of(METHODS[method[1]])
    for name, text in meanings.items():
        # There `attention_norm` is called `norm`.
        if f"_{option}".endswith(f"_{name}"):
            return f"{meaning} There: {text}"
    return meaning


def _plain(text: str) -> str:
    """A docstring without its backticks."""
    return text.replace("`", "")
