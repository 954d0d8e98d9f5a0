"""Output of commands: closed pipes, chatter held back, safe text, progress."""

import contextlib
import os
import pathlib
import sys
import tempfile
import unicodedata
import warnings
from collections.abc import Iterable, Iterator
from typing import IO, Any, cast

# Seconds, after which progress is worth a bar.
_PATIENCE = 2.0

# Characters that reverse the direction of the text after them, numbers too.
TURNS = frozenset("\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e") | {
    chr(code) for code in range(0x2066, 0x206A)
}
# Controls, half characters, ends of lines and of paragraphs.
_UNSEEN = ("Cc", "Cs", "Zl", "Zp")


# As JSON escapes them, too: what is printed of it is read as it was.
_LEFT_OUT: dict[int, None] = dict.fromkeys(map(ord, TURNS))
_ESCAPES = {ord(mark): f"\\u{ord(mark):04x}" for mark in TURNS}


def on_one_line(text: str) -> str:
    r"""A name from anywhere, as data: without control characters.

    They become escapes such as `\x1b`, as do ends of lines. What people write
    stays as it is: in names of right-to-left scripts that is also marks of the
    direction. Whoever prints it escapes those, see `escaped`.
    """
    if text.isprintable():
        return text
    return "".join(
        character.encode("unicode_escape").decode("ascii")
        if unicodedata.category(character) in _UNSEEN
        else character
        for character in text
    )


def turns_escaped(text: str) -> str:
    r"""Text in which no mark turns what is after it, but `\u202e` is read."""
    return text.translate(_ESCAPES)


def without_turns(text: str) -> str:
    """Text without its marks of direction."""
    return text.translate(_LEFT_OUT)


def escaped(text: str) -> str:
    """Text on one line, without what a terminal or a page would obey.

    See `on_one_line` and `turns_escaped`.
    """
    return turns_escaped(on_one_line(text))


class _Printed:
    """A stream to which text is written by `turns_escaped`."""

    def __init__(self, stream: Any) -> None:
        self._stream = stream

    def write(self, text: str) -> int:
        """Writes text; returns its length, as it was."""
        self._stream.write(turns_escaped(text))
        return len(text)

    def writelines(self, lines: Iterable[str]) -> None:
        """Writes each text."""
        for line in lines:
            self.write(line)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)


@contextlib.contextmanager
def printing_safely() -> Iterator[None]:
    """Escapes marks of direction in all that is printed, by whomever.

    Names of classes and files may have them, and reach the terminal on many
    ways.
    """
    with (
        contextlib.redirect_stdout(cast(IO[str], _Printed(sys.stdout))),
        contextlib.redirect_stderr(cast(IO[str], _Printed(sys.stderr))),
    ):
        yield


@contextlib.contextmanager
def ending_with_its_reader() -> Iterator[None]:
    """Ends the program quietly once nobody reads its output any more.

    `| head` closes the pipe when it has had its lines: no error of ours.

    Raises:
        SystemExit: with status 0, then.
    """
    try:
        try:
            yield
        finally:
            # Python would do it at the very end, and complain there.
            sys.stdout.flush()
    except BrokenPipeError:
        # What is left in the buffer goes nowhere.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        raise SystemExit(0) from None


@contextlib.contextmanager
def warnings_in_a_line() -> Iterator[None]:
    """Prints a warning of this package as a line, without file and code.

    Whoever types a command can do nothing with them. Other packages' warnings
    stay as they are.
    """
    usual = warnings.formatwarning
    own = pathlib.Path(__file__).parent

    def formatted(
        message: Warning | str,
        category: type[Warning],
        filename: str,
        lineno: int,
        line: str | None = None,
    ) -> str:
        if pathlib.Path(filename).is_relative_to(own):
            return f"warning: {escaped(str(message))}\n"
        return usual(message, category, filename, lineno, line)

    warnings.formatwarning = formatted
    try:
        yield
    finally:
        warnings.formatwarning = usual


@contextlib.contextmanager
def quiet() -> Iterator[None]:
    """Holds back what native code tells the terminal.

    Native code writes to the file descriptor, below `sys.stderr`. Upon an
    exception its text becomes a note of the exception. Python's warnings are
    ignored.
    """
    sys.stderr.flush()
    descriptor = os.dup(2)
    with tempfile.TemporaryFile() as chatter, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        os.dup2(chatter.fileno(), 2)
        try:
            yield
        except Exception as error:
            sys.stderr.flush()
            chatter.seek(0)
            error.add_note(chatter.read()[-2000:].decode(errors="replace"))
            raise
        finally:
            sys.stderr.flush()
            os.dup2(descriptor, 2)
            os.close(descriptor)


@contextlib.contextmanager
def native_output_held() -> Iterator[IO[bytes]]:
    """Holds back what native code prints; what Python prints is shown.

    Yields:
        A file with what was held back, of both streams.
    """
    with tempfile.TemporaryFile() as held, contextlib.ExitStack() as stack:
        for number, stream, redirect in (
            (1, sys.stdout, contextlib.redirect_stdout),
            (2, sys.stderr, contextlib.redirect_stderr),
        ):
            stream.flush()
            shown = os.dup(number)
            stack.callback(os.close, shown)
            stack.callback(os.dup2, shown, number)
            os.dup2(held.fileno(), number)
            own = stack.enter_context(
                open(os.dup(shown), "w", 1, stream.encoding)
            )
            stack.enter_context(redirect(cast(IO[str], _Printed(own))))
        yield held


def import_tensorflow() -> None:
    """Imports TensorFlow without its chatter, for a program that uses it.

    TensorFlow talks when it is imported, and when it first looks for GPUs. No
    user can act on that, and the one line that says what is wrong would drown.
    """
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
    # Several processes may share a GPU.
    os.environ.setdefault("TF_FORCE_GPU_ALLOW_GROWTH", "true")
    os.environ.setdefault("XLA_PYTHON_CLIENT_PREALLOCATE", "false")
    with quiet():
        import tensorflow as tf

        tf.config.list_physical_devices()
        if os.environ.get("KERAS_BACKEND") == "jax":
            # They are JAX's: here TensorFlow only makes batches.
            tf.config.set_visible_devices([], "GPU")
    # Several networks of one kind are no retracing that should be mended.
    tf.get_logger().setLevel("ERROR")


def minutes_text(seconds: float) -> str:
    """A duration in words: `40 seconds`, `7 minutes`, `2.5 hours`."""
    if seconds < 90:
        return f"{max(seconds, 1):.0f} seconds"
    if seconds < 5400:
        return f"{seconds / 60:.0f} minutes"
    return f"{seconds / 3600:.1f} hours"


def progress_bar(
    what: str, total: int, first: int = 0, unit: str = "images"
) -> Any:
    """A bar on a terminal, if it takes more than a moment.

    Args:
        what: str, such as `Decoding`.
        total: int, of all.
        first: int, how many are done already.
        unit: str, what is counted.

    Returns:
        A `tqdm` bar: `update(images)`, `close()`.
    """
    import tqdm  # As slow to import as all the rest.

    return tqdm.tqdm(
        total=total,
        initial=first,
        desc=what,
        unit=f" {unit}",
        delay=_PATIENCE,
        disable=None,
        leave=False,
    )
