"""How the programs among the recipes end."""

import sys

import tensorflow as tf

_BAD_INPUT = (
    ImportError,
    OSError,
    ValueError,
    tf.errors.ResourceExhaustedError,
)


def exit_status(job, interrupted):
    """Does a program's work, and says in one line why it cannot.

    Args:
        job: called without arguments; returns whether something failed.
        interrupted: str, what to do after an interruption.

    Returns:
        Exit status: 1 if something failed, 2 for input that cannot be used,
        130 if interrupted.
    """
    # Progress bars and messages are of no use in a buffer.
    sys.stdout.reconfigure(line_buffering=True)
    try:
        return 1 if job() else 0
    except _BAD_INPUT as error:
        print(f"error: {' '.join(str(error).split())}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print(f"Interrupted. {interrupted}", file=sys.stderr)
        return 130
