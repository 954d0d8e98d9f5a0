"""Several steps in one call of TensorFlow's: what `fit` gains.

    python -m benchmarks.steps_per_execution

Trains on one batch again and again, with `compile(steps_per_execution=1)` and
8: KD from WRN-40-2 to WRN-16-2 at 32 pixels, with the expert in each step and
with its answers kept, and students that inherit, at 96 pixels. Rounds alternate
between the two of a pair. Quote the ratios.
"""

import argparse

import numpy as np

from benchmarks.against_pytorch import Training
from benchmarks.batch_normalization import Inheriting

TRAININGS = {
    "WRN, bfloat16": lambda: Training("bfloat16", 64),
    "WRN, kept-bfloat16": lambda: Training("kept-bfloat16", 64),
    "medium student": lambda: Inheriting(96),
    "tiny student": lambda: Inheriting(96, student="tiny"),
}


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--steps", type=int, default=16)
    parser.add_argument("--rounds", type=int, default=7)
    args = parser.parse_args()
    for name, make in TRAININGS.items():
        pair = [make(), make()]
        pair[1].distiller.steps_per_execution = 8
        for training in pair:
            training.run(16)
        seconds = [
            [training.run(args.steps) for training in pair]
            for _ in range(args.rounds)
        ]
        one, eight = np.transpose(seconds) / args.steps * 1000
        print(
            f"{name:20} {np.median(one):6.1f} ms a step, in eights "
            f"{np.median(eight):6.1f}: {np.median(one / eight):.3f} times as "
            f"fast ({min(one / eight):.3f} to {max(one / eight):.3f})",
            flush=True,
        )


if __name__ == "__main__":
    main()
