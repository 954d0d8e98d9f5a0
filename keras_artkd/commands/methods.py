"""List the methods and their options, or explain one.

  artkd methods
  artkd methods skdsam
  artkd methods collaborative+skdsam

Without a name every method: what the student is taught by, which teachers it
needs, its options and their defaults. With one, or several joined by +, what
each option means. A recipe takes them as --method NAME --options OPTION VALUE.
"""

import re
import textwrap

_WIDTH = 80
_LEGEND = """\
In formulas L is the cross-entropy, y are the labels, S is the student, T1 the
initial teacher, T2 the expert. What the options mean: artkd methods NAME.
"""
# A space at which no line is broken.
_FIRM = "\u00a0"


def add_arguments(parser):
    """Declares the command line."""
    parser.add_argument(
        "method",
        nargs="?",
        metavar="NAME",
        help="a method, or several joined by +; all of them in brief by "
        "default",
    )


def run(arguments):
    """Prints what there is."""
    from keras_artkd.lite import quiet

    # Imported here: the table needs Keras. And TensorFlow talks when it is
    # imported, before it can be told not to.
    with quiet():
        from keras_artkd.distillers.registry import METHODS, get_method

    if arguments.method is None:
        for name, method in METHODS.items():
            print("\n".join(_brief(name, method)))
        print(f"\n{_LEGEND}", end="")
        return 0
    # Refuses unknown names, and what cannot be joined.
    get_method(arguments.method)
    names = arguments.method.split("+")
    blocks = [
        _explanation(name, METHODS[name], f"{name}." if names[1:] else "")
        for name in names
    ]
    print("\n\n\n".join("\n".join(block) for block in blocks))
    return 0


def _brief(name, method):
    """The lines of a method in the list of all."""
    summary = _description(method.make).split("\n\n")[0]
    yield from _hanging(f"{name:15}", summary)
    yield f"{'':15}teachers: {_teachers(method)}"
    options = ", ".join(
        f"{option}{_FIRM}{_word(default)}"
        for option, default in method.options.items()
    )
    yield from _hanging(f"{'':15}", f"options: {options or 'none'}")


def _explanation(name, method, prefix):
    """The lines of one method by itself, its options called with a prefix."""
    heading, *more = _description(method.make).split("\n\n")
    yield from _hanging(f"{name}: ", heading)
    for paragraph in more:
        yield f"\n{paragraph}"
    yield f"\nTeachers: {_teachers(method)}."
    if method.head != "pool":
        yield f"The student's published head: {method.head}."
    yield "" if method.options else "Options: none."
    meanings = _meanings(method.make)
    for option, default in method.options.items():
        yield f"{prefix}{option} {_word(default)}"
        meaning = _with_what_it_refers_to(option, meanings.get(option, ""))
        yield from _hanging(4 * " ", meaning)
    reference = _documentation(method.make).partition("\nReference: ")[2]
    if reference:
        yield ""
        yield from _hanging("", f"Reference: {reference}")


def _teachers(method):
    needed = ["expert, trained before"] * method.needs_expert
    needed += ["initial, trained along"] * method.needs_initial
    return "; ".join(needed) or "none"


def _word(default):
    """A default as `--options` takes it: numbers and names."""
    return default if isinstance(default, str) else f"{default:g}"


def _hanging(first, text):
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


def _documentation(make):
    import inspect

    return _plain(inspect.cleandoc(make.__doc__ or ""))


def _description(make):
    """A docstring up to its first section."""
    text = _documentation(make)
    return re.split(r"\n\n(?:Args|Returns|Reference):", text)[0]


def _meanings(make):
    """What a docstring says of each argument: dict of name -> text.

    A class that says nothing of them takes them as the one it derives from.
    """
    for source in getattr(make, "__mro__", (make,)):
        _, found, section = _documentation(source).partition("\nArgs:\n")
        if found:
            # Up to the next line that is not indented; an item begins four
            # spaces in, and goes on farther in.
            section = re.split(r"\n(?=\S)", section)[0]
            items = re.split(r"(?m)^ {4}(?=\w+: )", section)[1:]
            pairs = (item.split(": ", 1) for item in items)
            return {name: " ".join(text.split()) for name, text in pairs}
    return {}


def _with_what_it_refers_to(option, meaning):
    """A meaning, and what the method or loss says that it sends one to."""
    from keras_artkd import losses
    from keras_artkd.distillers.registry import METHODS

    sources = vars(losses) | {key: row.make for key, row in METHODS.items()}
    found = re.search(r"\bsee (?:keras_artkd\.losses\.)?(\w+)", meaning)
    if found and found[1] in sources:
        for name, text in _meanings(sources[found[1]]).items():
            # There `attention_norm` is called `norm`.
            if f"_{option}".endswith(f"_{name}"):
                return f"{meaning} There: {text}"
    return meaning


def _plain(text):
    """A terminal has no typewriter face."""
    return text.replace("`", "")
