"""Train a small classifier.

  artkd train FOLDER
  artkd train FILE.npz
  artkd train tfds:beans
  artkd train --recipe pandora --data-dir ARCHIVE

FOLDER holds one folder of images for each class. Without --epochs, a few steps
are timed and the number of epochs is chosen to keep to --minutes. An expert is
trained first, to teach or to judge by, then the student. The run's folder,
which is printed, holds the report, the student and the files to deploy.
"""

import dataclasses
import pathlib
import shlex
import sys
import time
from collections.abc import Sequence
from typing import Annotated

import tyro

from keras_artkd.catalogue.networks import SIZES, get_network
from keras_artkd.cli.flags import parse_flags
from keras_artkd.cli.selection import Selection, select
from keras_artkd.cli.status import exit_status
from keras_artkd.output import import_tensorflow
from keras_artkd.runs.checks import require_least
from keras_artkd.runs.config import Config
from keras_artkd.runs.hosts import Hosts, joined
from keras_artkd.runs.open_plan import reference, remembered
from keras_artkd.runs.plan import Plan, resolve
from keras_artkd.runs.presets import recipe_module
from keras_artkd.runs.summary import print_finished
from keras_artkd.runs.validation import check_plan, check_rounds


@dataclasses.dataclass(frozen=True)
class Extent:
    """How long to train, where the number of epochs is not given."""

    minutes: float = 10.0
    """What expert and student may take together, from Enter to the report; with
    --folds, of each fold; with --rounds, in the first."""
    sizes: tuple[str, ...] = ()
    """Students to train beside one expert and to compare: tiny small medium,
    or names of networks."""
    rounds: int = 1
    """Train so many times at most, each time with the student of the round
    before as the expert. Ends as soon as the validation images tell no gain,
    and says which round is the one to take."""

    def __post_init__(self) -> None:
        if not self.minutes > 0:
            raise ValueError(
                f"`minutes` must be positive. Received: minutes={self.minutes}."
            )
        require_least("rounds", self.rounds, 1)
        if self.rounds > 1 and self.sizes:
            raise ValueError(
                "The rounds of one student are trained at a time. Received: "
                "--rounds and --sizes. Fix: leave out one; --student takes one "
                "size."
            )
        for size in self.sizes:
            get_network(size, "sizes")
        names = {SIZES.get(size, size) for size in self.sizes}
        if len(self.sizes) == 1 or len(names) < len(self.sizes):
            raise ValueError(
                "`sizes` must be at least two, each once. "
                f"Received: sizes={self.sizes}. Fix: --sizes tiny small medium."
            )


@dataclasses.dataclass(frozen=True)
class Command:
    """Everything that the command line sets."""

    selection: Annotated[Selection, tyro.conf.arg(name="")]
    extent: Annotated[Extent, tyro.conf.arg(name="")]
    hosts: Annotated[Hosts, tyro.conf.arg(name="")]
    run: Annotated[Config, tyro.conf.arg(name="")]


def main(arguments: Sequence[str]) -> int:
    """Trains with the flags of the command line.

    Args:
        arguments: list of str, what follows `artkd train`.

    Returns:
        Exit status, see `exit_status`.
    """
    return exit_status(
        lambda: _start(arguments), _resuming("artkd train", arguments)
    )


def run_recipe(name: str, arguments: Sequence[str] | None = None) -> int:
    """Trains by a recipe: what `python -m recipes.<name>` does.

    Args:
        name: str, the recipe.
        arguments: list of str; the process's own by default.

    Returns:
        Exit status, see `exit_status`.
    """
    words = sys.argv[1:] if arguments is None else arguments
    program = f"python -m recipes.{name}"
    return exit_status(
        lambda: _start(["--recipe", name, *words], program),
        _resuming(program, words),
    )


def _start(arguments: Sequence[str], program: str = "artkd train") -> int:
    started = time.monotonic()
    plan, extent, hosts = _parse(arguments, program)
    return _run(plan, extent, started, hosts)


def parse_plan(arguments: Sequence[str], program: str = "artkd train") -> Plan:
    """The plan that a command line describes; imports no framework.

    It is open, where the number of epochs is still to be chosen.

    Args:
        arguments: list of str, what follows `artkd train`.
        program: str, what the user typed before them.

    Raises:
        ValueError: for input that cannot be used.
    """
    return _parse(arguments, program)[0]


def _parse(
    arguments: Sequence[str], program: str
) -> tuple[Plan, Extent, Hosts]:
    selection, config, words = select(arguments)
    description = recipe_module(selection.recipe).__doc__
    if selection.recipe == Selection.recipe:
        description = __doc__
    command = parse_flags(
        Command,
        Command(selection, Extent(), Hosts(), config),
        program,
        description,
        words,
    )
    plan = resolve(command.run)
    experts = plan.config.networks.expert
    if experts is not None and not plan.has_expert:
        raise ValueError(
            f"Method {plan.method.name} has no expert. Received: --expert "
            f"{' '.join(experts)}. Fix: --method kd, or another that "
            "learns from one; or --inherit expert."
        )
    return plan, command.extent, command.hosts


def run_config(
    config: Config,
    description: str | None,
    arguments: Sequence[str] | None = None,
) -> int:
    """Trains by a configuration of the user's own: what `best.py` does.

    Args:
        config: `Config`; flags overrule its settings.
        description: str, what `--help` says.
        arguments: list of str; the process's own by default.

    Returns:
        Exit status, see `exit_status`.
    """
    words = sys.argv[1:] if arguments is None else arguments
    program = pathlib.Path(sys.argv[0]).name
    return exit_status(
        lambda: _run(
            resolve(parse_flags(Config, config, program, description, words))
        ),
        _resuming(f"python {sys.argv[0]}", words),
    )


def _resuming(program: str, words: Sequence[str]) -> str:
    """What to type after an interruption."""
    again = [*words, *(["--resume"] if "--resume" not in words else [])]
    return f"To go on: {program} {shlex.join(again)}"


def _run(
    plan: Plan,
    extent: Extent | None = None,
    started: float | None = None,
    hosts: Hosts | None = None,
) -> int:
    extent, started = extent or Extent(), started or time.monotonic()
    hosts = hosts or Hosts()
    if hosts.are_several:
        _check_several(plan, extent)
    if extent.sizes:
        if plan.config.data.folds is not None:
            raise ValueError(
                "Several sizes are compared on one split. Received: --sizes "
                "and --folds. Fix: leave out one; --student takes one size."
            )
        if plan.config.data.labels_only:
            raise ValueError(
                "The labels of one student are made at a time. Received: "
                "--sizes and --labels-only. Fix: leave out one."
            )
        check_plan(plan)
        import_tensorflow()
        from keras_artkd.runs.reference import run_sizes

        run_sizes(plan, extent.sizes, extent.minutes, started)
        return 0
    if plan.is_open:
        plan = remembered(plan, extent.minutes) or plan
    elif extent.minutes != Extent.minutes:
        print("note: --minutes counts only where --epochs is not given")
    if extent.rounds > 1:
        check_rounds(plan)
        check_plan(plan)
        import_tensorflow()
        from keras_artkd.runs.rounds import run_rounds

        run_rounds(plan, extent.rounds, extent.minutes, started)
        return 0
    if plan.folder.is_finished:
        print_finished(plan.folder)
        others = plan.is_of_all_folds or plan.has_expert
        judge = None if others else reference(plan)
        judged = "expert" in plan.folder.metrics.get("verdict", {}).get(
            "compared", {}
        )
        if judged and judge and not judge.folder.is_finished:
            print(
                "note: this student was judged by another expert than the one "
                "these flags describe; one that teaches (--method kd) makes "
                "another run"
            )
        return 0
    check_plan(plan)
    # Only now: mistakes are told within a second.
    import_tensorflow()
    from keras_artkd.runs.folds import run_folds
    from keras_artkd.runs.reference import run_open, run_with_reference

    with joined(hosts):
        if plan.is_of_all_folds:
            run_folds(plan, extent.minutes, started)
        elif plan.is_open:
            run_open(plan, extent.minutes, started)
        else:
            run_with_reference(plan)
    return 0


def _check_several(plan: Plan, extent: Extent) -> None:
    """Rejects what several processes do not do together."""
    backend = plan.config.schedule.backend
    if backend != "jax":
        raise ValueError(
            "Several processes train by JAX. Received: "
            f"backend={backend!r}. Fix: --backend jax."
        )
    wrong = {
        "no --epochs, whose number is measured on one machine": plan.is_open,
        "--folds": plan.is_of_all_folds,
        "--sizes": bool(extent.sizes),
        "--rounds": extent.rounds > 1,
        f"--method {plan.method.name}, between whose stages one device fits "
        "a classifier": plan.first_stage > 0,
    }
    if received := [what for what, is_so in wrong.items() if is_so]:
        raise ValueError(
            "Several processes train one student, of so many epochs. "
            f"Received: {', '.join(received)}. Fix: --epochs, and one command "
            "for each training."
        )
