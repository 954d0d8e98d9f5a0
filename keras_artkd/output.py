"""What a command prints, into a pipe that its reader may close."""

import contextlib
import os
import sys


@contextlib.contextmanager
def ending_with_its_reader():
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
