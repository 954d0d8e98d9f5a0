"""Runs commands of `artkd` in one process, for `benchmarks.fuzz`.

`python -m benchmarks.fuzz_worker` reads a JSON list of words a line, and writes
what came of it, a JSON object a line. `Worker` is the other end.
"""

import contextlib
import json
import os
import pathlib
import select
import subprocess
import sys
import tempfile
import time
import traceback

_STATUS = "/proc/{}/status"


def memory(process, kind="VmRSS"):
    """Memory of a process, bytes: `VmRSS` now, `VmHWM` at most."""
    with open(_STATUS.format(process)) as file:
        lines = [line.split() for line in file if line.startswith(kind)]
    return int(lines[0][1]) * 1024 if lines else 0


def run(words):
    """Runs a command; what came of it, with all that was printed.

    Also native code's output counts, which is written to the descriptors.
    """
    from keras_artkd.cli.main import main

    # What a process took at most is counted anew.
    pathlib.Path("/proc/self/clear_refs").write_text("5")
    before, start, trace = memory("self"), time.monotonic(), ""
    with _captured(1) as out, _captured(2) as err:
        try:
            status = main(words)
        except SystemExit as error:
            status = error.code
        except BaseException:
            status, trace = None, traceback.format_exc()
    return {
        "status": status,
        "traceback": trace,
        "out": _text(out),
        "err": _text(err),
        "memory": memory("self", "VmHWM") - before,
        "seconds": time.monotonic() - start,
    }


@contextlib.contextmanager
def _captured(number):
    """Context with a file that gets what goes to a file descriptor."""
    stream = {1: sys.stdout, 2: sys.stderr}[number]
    stream.flush()
    usual = os.dup(number)
    with tempfile.TemporaryFile() as file:
        os.dup2(file.fileno(), number)
        try:
            yield os.dup(file.fileno())
        finally:
            stream.flush()
            os.dup2(usual, number)
            os.close(usual)


def _text(descriptor):
    with os.fdopen(descriptor, "rb") as file:
        file.seek(0)
        # What is no UTF-8 becomes half characters, which are faults.
        return file.read(2**20).decode("utf-8", "surrogateescape")


class Worker:
    """A process that runs commands, and is started again when it ends.

    Args:
        commands: int, how many commands a process runs, at most.
        most_memory: int, bytes that a command may take.
        most_seconds: float, that it may take.
    """

    def __init__(self, commands, most_memory, most_seconds):
        self._commands = commands
        self._most_memory = most_memory
        self._most_seconds = most_seconds
        self._process = None
        self._done = 0

    def run(self, words):
        """What came of a command, as `run` gives it; a `fault` if it died."""
        if self._process is None:
            self._start()
        process = self._process
        start, before = time.monotonic(), memory(process.pid)
        process.stdin.write(json.dumps(words).encode() + b"\n")
        process.stdin.flush()
        fault = ""
        while not select.select([process.stdout], [], [], 0.05)[0]:
            if time.monotonic() - start > self._most_seconds:
                fault = f"more than {self._most_seconds:g} seconds"
            elif memory(process.pid) - before > 2 * self._most_memory:
                fault = f"more than {2 * self._most_memory:,} bytes"
            if fault:
                process.kill()
                break
        line = b"" if fault else process.stdout.readline()
        if not line:
            fault = fault or f"ended by signal {-process.wait()}"
            self.stop()
            return {"fault": fault}
        self._done += 1
        if self._done >= self._commands:
            self.stop()
        return json.loads(line)

    def stop(self):
        """Ends the process."""
        if self._process is not None:
            self._process.kill()
            self._process.communicate()
            self._process = None

    def _start(self):
        self._done = 0
        self._process = subprocess.Popen(
            [sys.executable, "-m", "benchmarks.fuzz_worker"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env={**os.environ, "PYTHONIOENCODING": "utf-8"},
        )


def main():
    # Commands get other descriptors in place of these.
    answers = os.fdopen(os.dup(1), "w")
    words = os.fdopen(os.dup(0), "r")
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    for line in words:
        print(json.dumps(run(json.loads(line))), file=answers, flush=True)


if __name__ == "__main__":
    main()
