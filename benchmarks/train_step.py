"""Images a second of training, by method and precision.

    python -m benchmarks.train_step --image-size 32 --batch-size 128

Times whole `fit` epochs on random images, after one that warms up. Rounds
alternate between the candidates, so that changes in the machine's speed affect
all alike. Quote the ratios.
"""

import argparse
import time

import numpy as np
import tensorflow as tf

from keras_artkd import models
from keras_artkd.data.prefetching import prefetched
from keras_artkd.runs.config import Config
from keras_artkd.runs.networks import build_distiller
from keras_artkd.runs.plan import resolve


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--image-size", type=int, default=32)
    parser.add_argument("--batch-size", type=int, default=128)
    parser.add_argument("--steps", type=int, default=4)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--student", default="wrn_16_2")
    parser.add_argument("--teacher", default="wrn_40_2")
    parser.add_argument("--methods", nargs="+", default=["baseline", "kd"])
    parser.add_argument(
        "--precisions", nargs="+", default=["float32", "mixed_bfloat16"]
    )
    parser.add_argument("--jit-compile", action="store_true")
    args = parser.parse_args()

    side, batch = args.image_size, args.batch_size
    random = np.random.default_rng(0)
    images = random.uniform(0, 255, (batch, side, side, 3)).astype("float32")
    labels = random.integers(0, 10, batch)
    data = tf.data.Dataset.from_tensors((images, labels)).repeat(args.steps)
    data = prefetched(data)

    speeds = {}
    distillers = {}
    for method in args.methods:
        for precision in args.precisions:
            config = Config.of(
                recipe="benchmark",
                dataset="none",
                method=method,
                student=args.student,
                initial=args.teacher,
                image_size=side,
                precision=precision,
            )
            expert = models.build(args.teacher, 10, (side, side, 3))
            distiller = build_distiller(resolve(config), 10, expert)
            distiller.compile("sgd", jit_compile=args.jit_compile)
            distiller.fit(data, verbose=0, shuffle=False)
            distillers[method, precision] = distiller
            speeds[method, precision] = []
    for _ in range(args.rounds):
        for key, distiller in distillers.items():
            start = time.perf_counter()
            distiller.fit(data, verbose=0, shuffle=False)
            seconds = time.perf_counter() - start
            speeds[key].append(args.steps * batch / seconds)
    first = np.median(next(iter(speeds.values())))
    for (method, precision), values in speeds.items():
        median = np.median(values)
        print(
            f"{method:14} {precision:15} {median:8.1f} images/s "
            f"({min(values):.1f} to {max(values):.1f}), "
            f"{median / first:.2f} of the first"
        )


if __name__ == "__main__":
    main()
