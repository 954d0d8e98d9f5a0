"""Steps of distillation here and in plain PyTorch, images a second.

    python -m benchmarks.against_pytorch --torch-python PYTHON

KD from WRN-40-2 to WRN-16-2 at 32 pixels, one batch again and again: no input
pipeline on either side. `PYTHON` is one that has torch, which is no dependency
of this package; without it only this package is timed. Each side is a process
of its own that sleeps while the other works. Rounds alternate between the
candidates, so that changes in the machine's speed affect all alike. Quote the
ratios.
"""

import argparse
import pathlib
import subprocess
import sys
import time

import numpy as np

CLASSES = 100
OURS = ("float32", "bfloat16", "kept-float32", "kept-bfloat16")
THEIRS = ("eager", "channels_last", "compiled", "bfloat16", "compiled_bfloat16")
WORKER = pathlib.Path(__file__).with_name("pytorch_worker.py")


class Training:
    """Steps of one candidate of this package.

    Args:
        way: str of `OURS`; `kept` takes the expert's answers from the batch,
            as `--expert-views` does.
        batch_size: int.
    """

    def __init__(self, way, batch_size):
        import keras
        import tensorflow as tf

        from keras_artkd import Distiller, losses, models
        from keras_artkd.distillers.recorded import recorded_teacher

        dtype = "mixed_bfloat16" if way.endswith("bfloat16") else "float32"
        student, expert = (
            models.build(name, CLASSES, (32, 32, 3), dtype=dtype)
            for name in ("wrn_16_2", "wrn_40_2")
        )
        random = np.random.default_rng(0)
        images = random.uniform(0, 255, (batch_size, 32, 32, 3))
        images = tf.constant(images, "float32")
        if way.startswith("kept"):
            images = {"images": images, "expert": expert(images)}
            expert = recorded_teacher(CLASSES)
        self.batch = (
            images,
            tf.constant(random.integers(CLASSES, size=batch_size)),
        )
        self.distiller = Distiller(
            student,
            teachers={"expert": expert},
            transfer_losses=[losses.KD(temperature=4.0)],
            transfer_weights=[0.9],
            supervised_weight=0.1,
        )
        self.distiller.compile(
            keras.optimizers.SGD(0.01, momentum=0.9, weight_decay=5e-4)
        )

    def run(self, steps):
        """Seconds of as many steps, through `fit` as a user calls it."""
        import tensorflow as tf

        from keras_artkd.data.prefetching import prefetched

        data = tf.data.Dataset.from_tensors(self.batch).repeat(steps)
        data = prefetched(data)
        start = time.perf_counter()
        self.distiller.fit(data, verbose=0, shuffle=False)
        return time.perf_counter() - start


def serve(batch_size):
    """Answers lines `CANDIDATE STEPS` with seconds."""
    answers, sys.stdout = sys.stdout, sys.stderr
    trainings = {}
    for line in sys.stdin:
        way, steps = line.split()
        if way not in trainings:
            trainings[way] = Training(way, batch_size)
        print(trainings[way].run(int(steps)), file=answers, flush=True)


def started(*command):
    """A process that is asked by lines."""
    return subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )


def ask(process, way, steps):
    """Seconds of as many steps of a candidate."""
    process.stdin.write(f"{way} {steps}\n")
    process.stdin.flush()
    return float(process.stdout.readline())


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--torch-python")
    parser.add_argument("--batch-size", type=int, default=64)
    parser.add_argument("--steps", type=int, default=8)
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--ways", nargs="+", default=[*OURS, *THEIRS])
    parser.add_argument("--serve", action="store_true", help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.serve:
        serve(args.batch_size)
        return

    size = str(args.batch_size)
    module = [sys.executable, "-m", "benchmarks.against_pytorch"]
    ours = started(*module, "--serve", "--batch-size", size)
    candidates = {f"keras_artkd {x}": (ours, x) for x in OURS if x in args.ways}
    if args.torch_python:
        theirs = started(args.torch_python, str(WORKER), size)
        candidates |= {
            f"PyTorch {x}": (theirs, x) for x in THEIRS if x in args.ways
        }
    for process, way in candidates.values():
        ask(process, way, 2)  # Traces, compiles and warms up.
    rates = {name: [] for name in candidates}
    for _ in range(args.rounds):
        for name, (process, way) in candidates.items():
            seconds = ask(process, way, args.steps)
            rates[name].append(args.steps * args.batch_size / seconds)
    first = next(iter(rates))
    for name, values in rates.items():
        ratios = np.divide(values, rates[first])
        print(
            f"{name:28} {np.median(values):7.1f} images/s "
            f"({min(values):.1f} to {max(values):.1f}), "
            f"{np.median(ratios):.2f} of the first "
            f"({min(ratios):.2f} to {max(ratios):.2f})"
        )


if __name__ == "__main__":
    main()
