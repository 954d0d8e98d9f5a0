"""What many classes cost: a step, the files of a run, and its report.

    python -m benchmarks.classes 10 100 1000 10000

For every number of classes a process of its own trains the default student
for some steps of `kd` on made-up images, then makes up the answers of a run of
10,000 test images, and writes its report. Seconds are of a core, so that other
programs disturb them little.
"""

import argparse
import pathlib
import resource
import subprocess
import sys
import tempfile
import time

import numpy as np

_STUDENT = "efficientnet_lite0_first8"
_BATCH, _STEPS = 32, 10


def step(classes):
    """Milliseconds of a core that a step of `kd` takes."""
    import keras

    from keras_artkd import distillers, models

    random = np.random.default_rng(0)
    images = random.uniform(0, 255, (_BATCH * _STEPS, 96, 96, 3))
    labels = random.integers(0, classes, len(images))
    student = models.build(_STUDENT, classes, (96, 96, 3))
    # Small, so that what is timed is the student and the loss.
    expert = models.build("wrn_10_1", classes, (96, 96, 3))
    distiller = distillers.build("kd", student, expert)
    distiller.compile(keras.optimizers.AdamW(1e-4))
    distiller.fit(images, labels, batch_size=_BATCH, verbose=0)
    start = time.process_time()
    distiller.fit(images, labels, batch_size=_BATCH, verbose=0)
    return 1000 * (time.process_time() - start) / _STEPS, student.count_params()


def report(classes, images):
    """Seconds of a core that the report takes, and megabytes of files."""
    from keras_artkd.report import write_report
    from tests.report.runs import write_run

    with tempfile.TemporaryDirectory() as folder:
        run = write_run(
            pathlib.Path(folder) / "run", classes, images=images, teachers=()
        )
        start = time.process_time()
        page = write_report(run)
        seconds = time.process_time() - start
        sizes = [p.stat().st_size / 1e6 for p in (run / "metrics.json", page)]
    return seconds, *sizes


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("classes", type=int, nargs="+")
    parser.add_argument("--images", type=int, default=10_000)
    parser.add_argument("--part", action="store_true", help=argparse.SUPPRESS)
    args = parser.parse_args()
    if not args.part:
        print(
            "| classes | parameters of the student | step | metrics.json | "
            "report.html | report | peak of memory |\n"
            "| ---: | ---: | ---: | ---: | ---: | ---: | ---: |",
            flush=True,
        )
        for classes in args.classes:
            command = [sys.executable, "-m", "benchmarks.classes", "--part"]
            command += [str(classes), "--images", str(args.images)]
            subprocess.run(command, check=True)
        return
    (classes,) = args.classes
    milliseconds, parameters = step(classes)
    seconds, metrics, page = report(classes, args.images)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(
        f"| {classes:,} | {parameters:,} | {milliseconds:.0f} ms | "
        f"{metrics:.2f} MB | {page:.2f} MB | {seconds:.1f} s | "
        f"{peak:,.0f} MB |",
        flush=True,
    )


if __name__ == "__main__":
    main()
