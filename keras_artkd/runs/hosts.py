"""Several processes that train one run together, on one machine or several.

All of them do the same, with Keras's distribution over JAX's devices: each
reads its share of every batch. What is of one process alone (the test, files,
the expert's labels) does process 0, and the others follow by the files that it
leaves in the run's folder.
"""

import atexit
import contextlib
import dataclasses
import os
import re
import sys
import time
from collections.abc import Iterator, Mapping
from typing import IO, TYPE_CHECKING, Any

from keras_artkd.output import native_output_held
from keras_artkd.runs.checks import require_least
from keras_artkd.runs.peers import SECONDS_TO_MEET, Peers, integers

if TYPE_CHECKING:
    import keras

    from keras_artkd.data.shares import Share
    from keras_artkd.types import Array

SLURM = "slurm"
_SLURM_VARIABLES = {
    "nodes": "SLURM_STEP_NODELIST",
    "processes": "SLURM_NTASKS",
    "process": "SLURM_PROCID",
    "job": "SLURM_JOB_ID",
}
# So long may the others take to end when all have done their work.
_SECONDS_TO_PART = 20


@dataclasses.dataclass(frozen=True)
class Hosts:
    """Several processes that train together, with --backend jax."""

    coordinator: str | None = None
    """HOST:PORT of process 0, with a port that is free there; the same for
    all. slurm takes all three from the variables of srun."""
    processes: int | None = None
    """How many processes train together."""
    process: int | None = None
    """Which of them this one is, from 0 on."""

    def __post_init__(self) -> None:
        given = self.coordinator, self.processes, self.process
        if given == (None, None, None) or given == (SLURM, None, None):
            return
        if None in given or self.coordinator == SLURM:
            raise ValueError(
                "Several processes need --coordinator HOST:PORT, --processes "
                "and --process, or --coordinator slurm alone. Received: "
                f"coordinator={self.coordinator}, processes={self.processes}, "
                f"process={self.process}."
            )
        assert self.coordinator and self.processes is not None
        assert self.process is not None
        host, _, port = self.coordinator.rpartition(":")
        if not host or not port.isdigit() or not 0 < int(port) < 65536:
            raise ValueError(
                "`coordinator` must be HOST:PORT. Received: "
                f"coordinator={self.coordinator}."
            )
        require_least("processes", self.processes, 1)
        if not 0 <= self.process < self.processes:
            raise ValueError(
                "`process` must be from 0 to one less than `processes`. "
                f"Received: process={self.process}, "
                f"processes={self.processes}."
            )

    @property
    def are_several(self) -> bool:
        """Whether there is more than this process."""
        return self.coordinator == SLURM or (self.processes or 1) > 1


def from_slurm(variables: Mapping[str, str]) -> Hosts:
    """The processes that `srun` has started.

    Args:
        variables: of the environment.

    Raises:
        ValueError: if they are not those of `srun`.
    """
    missing = [v for v in _SLURM_VARIABLES.values() if v not in variables]
    if missing:
        raise ValueError(
            "--coordinator slurm is for a command that srun starts. Received: "
            f"no {', '.join(missing)}. Fix: srun artkd train ..., or "
            "--coordinator HOST:PORT with --processes and --process."
        )
    known = {k: variables[v] for k, v in _SLURM_VARIABLES.items()}
    # node001, node001,node007 or node[001-004,007],other
    name, _, rest = known["nodes"].partition("[")
    if "," in name or not rest:
        first = name.split(",")[0]
    elif rest.split(",")[0].count("[") or re.search(r"\][^,]", rest):
        first = known["nodes"]  # Of two ranges: told below.
    else:
        first = name + rest.replace("]", ",").replace("-", ",").split(",")[0]
    if not re.fullmatch(r"[\w.-]+", first):
        raise ValueError(
            "The first machine of SLURM's list must be a name. Received: "
            f"{known['nodes']}. Fix: --coordinator HOST:PORT with --processes "
            "and --process."
        )
    # Two steps of one machine have two, of those that systems give to nobody.
    step = int(variables.get("SLURM_STEP_ID", 0))
    port = 61440 + (int(known["job"]) + 257 * step) % 4096
    return Hosts(
        f"{first}:{port}", int(known["processes"]), int(known["process"])
    )


_peers: Peers | None = None


@contextlib.contextmanager
def joined(hosts: Hosts) -> Iterator[None]:
    """Lets this process and the others be one, before JAX computes.

    All but process 0 are silent within.

    Raises:
        ValueError: if the processes do not find each other.
    """
    if not hosts.are_several:
        yield
        return
    if hosts.coordinator == SLURM:
        hosts = from_slurm(os.environ)
    # Gloo says whom it has connected, JAX why it ends a process.
    with native_output_held() as held:
        yield from _joined(hosts, held)


def _joined(hosts: Hosts, held: IO[bytes]) -> Iterator[None]:
    global _peers
    assert hosts.coordinator and hosts.processes is not None
    assert hosts.process is not None
    import jax

    peers = Peers(hosts.process, hosts.processes)
    try:
        peers.watch_aborts(held, _not_met(hosts))
        _initialise(hosts)
        peers.meet(hosts.coordinator.rpartition(":")[0].strip("[]"))
        _check_devices()
        follows = "" if hosts.process == 0 else "; process 0 says what is done"
        print(
            f"Process {hosts.process} of {hosts.processes}, with "
            f"{jax.local_device_count()} of {jax.device_count()} devices"
            f"{follows}.",
            flush=True,
        )
        _peers = peers
        with contextlib.ExitStack() as stack:
            if hosts.process > 0:
                null = stack.enter_context(open(os.devnull, "w"))
                stack.enter_context(contextlib.redirect_stdout(null))
            yield
            told("end")
            peers.part()
    except BaseException as error:
        if isinstance(error, jax.errors.JaxRuntimeError):
            # What a collective says of a process that is gone: in a moment the
            # connection does.
            time.sleep(_SECONDS_TO_PART)
        # When it has said why it ends. The others see that, and end as well.
        interrupted = isinstance(error, KeyboardInterrupt)
        atexit.register(_leave, 130 if interrupted else 2)
        raise
    finally:
        _peers = None
    distributed: Any = jax.distributed
    distributed.shutdown()
    peers.close()


def _leave(status: int) -> None:
    """Ends this process, before JAX waits for the others to end as well."""
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(status)


def _initialise(hosts: Hosts) -> None:
    import jax

    config: Any = jax.config
    config.update("jax_cpu_collectives_implementation", "gloo")
    # Process 0 also compiles what the others do not: it must not wait for them
    # to time a part of the kernels.
    flags = os.environ.get("XLA_FLAGS", "")
    os.environ["XLA_FLAGS"] = f"{flags} --xla_gpu_shard_autotuning=false"
    try:
        jax.distributed.initialize(
            hosts.coordinator,
            hosts.processes,
            hosts.process,
            # SLURM's would leave each process one GPU.
            cluster_detection_method="deactivate",
            initialization_timeout=SECONDS_TO_MEET,
            shutdown_timeout_seconds=_SECONDS_TO_PART,
        )
    except (RuntimeError, ValueError) as error:
        raise ValueError(_not_met(hosts)) from error


def _not_met(hosts: Hosts) -> str:
    """What to do where the processes do not find each other."""
    return (
        "The processes did not meet. Received: coordinator="
        f"{hosts.coordinator}, process={hosts.process}, "
        f"processes={hosts.processes}. Fix: the same --coordinator and "
        "--processes for all, each --process once, a port that is free, and "
        f"all of them started within {SECONDS_TO_MEET // 60} minutes."
    )


def _check_devices() -> None:
    import jax
    from jax.experimental import multihost_utils

    own = jax.local_device_count()
    counts = multihost_utils.process_allgather(integers([own])).ravel()
    if {*counts.tolist()} != {own}:
        raise ValueError(
            "Each process must have as many devices as any other. Received: "
            f"{counts.tolist()}. Fix: CUDA_VISIBLE_DEVICES."
        )


def is_first() -> bool:
    """Whether this process is the one that writes, or the only one."""
    return _peers is None or _peers.process == 0


def told(what: str, value: Any = None) -> Any:
    """What process 0 says; the others wait until it does.

    Args:
        what: str, the same in all processes: which question this answers.
        value: of process 0, as JSON has it.
    """
    return value if _peers is None else _peers.tell(what, value)


@contextlib.contextmanager
def first_goes_first(what: str) -> Iterator[None]:
    """Process 0 does what is within; then, with its files there, the others.

    Args:
        what: str, see `told`.
    """
    if not is_first():
        told(what)
    yield
    if is_first():
        told(what)


def all_are_here(what: str) -> None:
    """Waits until every process is here.

    Args:
        what: str, see `told`.
    """
    if _peers is not None:
        from jax.experimental import multihost_utils

        multihost_utils.sync_global_devices(what)


def on_all_devices(value: "Array", variable: "keras.Variable") -> Any:
    """What to assign to a variable of a training together.

    It is what all have read from one file: JAX need not compare it.

    Args:
        value: array of the variable's shape, the same in all processes.
        variable: of Keras.
    """
    if _peers is None or variable.value.sharding.is_fully_addressable:
        return value
    import jax

    return jax.make_array_from_callback(
        value.shape, variable.value.sharding, lambda index: value[index]
    )


def count_devices() -> int:
    """The devices of all processes that share a batch of a training on JAX.

    0 where Keras computes with another backend.
    """
    import keras

    if keras.backend.backend() != "jax":
        return 0
    return len(keras.distribution.list_devices())


def own_share() -> "Share":
    """The part of every batch that this process reads."""
    from keras_artkd.data.shares import Share

    process, processes = 0, 1
    if _peers is not None:
        process, processes = _peers.process, _peers.processes
    return Share(process, processes, count_devices())


def distribution() -> "keras.distribution.DataParallel":
    """Keras's distribution over all devices, of batches in shares."""
    import keras

    return keras.distribution.DataParallel(auto_shard_dataset=False)
