"""Time that `artkd` needs to start, compared with Python itself.

    python -m benchmarks.startup --model RUN/student.tflite --image FILE

Each command runs in a process of its own, in several rounds. The number is
the median time of whole processes, in milliseconds.
"""

import argparse
import statistics
import subprocess
import sys
import time

ARTKD = [sys.executable, "-m", "keras_artkd.cli.main"]


def main():
    """Times the commands and prints a line for each."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--model", required=True)
    parser.add_argument("--image", required=True)
    parser.add_argument("--rounds", type=int, default=15)
    arguments = parser.parse_args()
    commands = {
        "python -c pass": [sys.executable, "-c", "pass"],
        "python -c 'import tensorflow'": [
            sys.executable,
            "-c",
            "import tensorflow",
        ],
        "artkd --help": [*ARTKD, "--help"],
        "artkd predict MODEL IMAGE": [
            *ARTKD,
            "predict",
            arguments.model,
            arguments.image,
        ],
    }
    seconds = {name: [] for name in commands}
    for _ in range(arguments.rounds):
        for name, command in commands.items():
            start = time.perf_counter()
            subprocess.run(command, check=True, capture_output=True)
            seconds[name].append(time.perf_counter() - start)
    for name, values in seconds.items():
        print(f"{1000 * statistics.median(values):8.0f} ms  {name}")


if __name__ == "__main__":
    main()
