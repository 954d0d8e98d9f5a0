"""Search the settings of a recipe: learning rate and the method's own.

  artkd search FOLDER --trials 30
  artkd search --recipe pandora --data-dir ARCHIVE --tuner hyperband

Takes the flags of `artkd train` as well. Every trial trains the same student
with other settings and is judged by the epoch it keeps on the validation
split; no trial sees the test split. Options set with --options are not
searched. Where the method has an expert, it is trained once, before the
trials: a run of its own, tested once like any. Killed at any moment, the same
command resumes.

Hyperband tries many settings for a few epochs and the best of them for more,
from scratch, each with the learning rate's drops at the same fractions of its
epochs.

--workers 2 trains two trials at a time on this machine. For several machines
that share --workdir and --data-dir, call the same command on each, with
KERASTUNER_ORACLE_IP and KERASTUNER_ORACLE_PORT of the first machine. There
KERASTUNER_TUNER_ID=chief chooses the trials and trains nothing but the expert;
elsewhere KERASTUNER_TUNER_ID=worker0, worker1 and so on train. Workers wait for
the chief for an hour.

The search leaves, in saved_models/<recipe>/search-.../: trials.md and
trials.json, every trial; importance.png and importance.json, which setting
mattered; best.py, a script that trains and tests the best trial.
"""

import dataclasses
from collections.abc import Sequence
from importlib.util import find_spec
from typing import Annotated

import tyro

from keras_artkd.cli.flags import parse_flags
from keras_artkd.cli.selection import Selection, select
from keras_artkd.cli.status import exit_status
from keras_artkd.output import import_tensorflow
from keras_artkd.runs.config import Config
from keras_artkd.runs.open_plan import close
from keras_artkd.runs.plan import Plan, resolve
from keras_artkd.runs.validation import check_plan
from keras_artkd.search.settings import Settings, check_searchable

_NEEDED = ("keras_tuner",)


@dataclasses.dataclass(frozen=True)
class Command:
    """Everything that the command line sets."""

    search: Annotated[Settings, tyro.conf.arg(name="")]
    selection: Annotated[Selection, tyro.conf.arg(name="")]
    run: Annotated[Config, tyro.conf.arg(name="")]


def main(arguments: Sequence[str]) -> int:
    """Runs a search with the flags of the command line.

    Args:
        arguments: list of str, what follows `artkd search`.

    Returns:
        Exit status, see `exit_status`.
    """
    return exit_status(lambda: _start(arguments), "The same command resumes.")


def _start(arguments: Sequence[str]) -> int:
    settings, plan = parse_search(arguments)
    check_searchable(settings, plan)
    check_plan(plan)
    _check_installed()
    # Only now: mistakes are told within a second.
    import_tensorflow()
    from keras_artkd.search.searching import search

    search(settings, plan)
    return 0


def _check_installed() -> None:
    missing = [name for name in _NEEDED if find_spec(name) is None]
    if missing:
        raise ImportError(
            "A search needs packages that are not installed. Received: no "
            f"{', '.join(missing)}. Fix: pip install 'keras_artkd[tuner]'"
        )


def parse_search(arguments: Sequence[str]) -> tuple[Settings, Plan]:
    """Settings and plan that a command line describes.

    Args:
        arguments: list of str, what follows `artkd search`.

    Raises:
        ValueError: for input that cannot be used.
    """
    selection, config, words = select(arguments)
    command = parse_flags(
        Command,
        Command(Settings(), selection, config),
        "artkd search",
        __doc__,
        words,
    )
    plan = resolve(command.run)
    return command.search, close(plan) if plan.is_open else plan
