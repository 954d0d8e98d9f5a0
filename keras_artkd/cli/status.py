"""The exit status of the commands."""

import errno
import io
import sys
from collections.abc import Callable

from keras_artkd.output import (
    ending_with_its_reader,
    escaped,
    printing_safely,
    warnings_in_a_line,
)


def exit_status(job: Callable[[], int], interrupted: str = "") -> int:
    """Does a command's work, and says in one line why it cannot.

    Args:
        job: called without arguments; returns the status of what it did.
        interrupted: str, what to do after an interruption.

    Returns:
        Exit status: the job's, 2 for input that cannot be used, 130 if
        interrupted.
    """
    # Progress bars and messages are of no use in a buffer.
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(line_buffering=True)
    try:
        with (
            ending_with_its_reader(),
            printing_safely(),
            warnings_in_a_line(),
        ):
            return job()
    except KeyboardInterrupt:
        print(f"Interrupted. {interrupted}".strip(), file=sys.stderr)
        return 130
    except Exception as error:
        if not _is_bad_input(error):
            raise
        print(f"error: {_message(error)}", file=sys.stderr)
        return 2


def _message(error: Exception) -> str:
    if isinstance(error, OSError) and error.errno == errno.ENOSPC:
        where = f" at {error.filename}" if error.filename else ""
        message = (
            f"The disk is full{where}. Fix: free some, then the same command; "
            "of a training with --resume."
        )
    elif isinstance(error, FileNotFoundError) and error.filename:
        message = f"There is no file {error.filename}. Fix: check the path."
    else:
        message = " ".join(str(error).split())
    # It can quote a file from anywhere.
    return escaped(message)


def _is_bad_input(error: Exception) -> bool:
    # TensorFlow has no part in it unless it is there already.
    tensorflow = sys.modules.get("tensorflow")
    out_of_memory = (
        (tensorflow.errors.ResourceExhaustedError,) if tensorflow else ()
    )
    return isinstance(error, (ImportError, OSError, ValueError, *out_of_memory))
