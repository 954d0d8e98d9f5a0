"""What an AWGram head costs as its map becomes wider, and when it is projected.

    python -m benchmarks.channels 32 64 128 256 512 1024

Of each number of channels: parameters of the head (AWGram and a Dense of 20
classes) and the time of a core that a forward and a backward pass take for 32
maps of 6 x 6; alone, and with `AWGram(channels=64)`.
"""

import argparse
import time

import keras
import numpy as np
import tensorflow as tf

from keras_artkd.layers import AWGram

_BATCH, _SIDE, _CLASSES, _STEPS = 32, 6, 20, 10


def head_cost(channels, projected):
    """Parameters, and milliseconds of a core a step."""
    inputs = keras.Input((_SIDE, _SIDE, channels))
    gram = AWGram(channels=projected)(inputs)
    head = keras.Model(inputs, keras.layers.Dense(_CLASSES)(gram))
    shape = (_BATCH, _SIDE, _SIDE, channels)
    maps = tf.constant(np.random.default_rng(0).random(shape, "float32"))

    @tf.function
    def step():
        with tf.GradientTape() as tape:
            tape.watch(maps)
            loss = tf.reduce_mean(head(maps) ** 2)
        return tape.gradient(loss, [maps, *head.trainable_weights])

    step()
    start = time.process_time()
    for _ in range(_STEPS):
        step()
    used = time.process_time() - start
    return head.count_params(), 1000 * used / _STEPS


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("channels", type=int, nargs="+")
    args = parser.parse_args()
    print(
        "| channels | parameters | a step | with channels=64 | a step |\n"
        "| ---: | ---: | ---: | ---: | ---: |"
    )
    for channels in args.channels:
        row = []
        for projected in (None, 64):
            parameters, milliseconds = head_cost(channels, projected)
            row.append(f"{parameters:,} | {milliseconds:.1f} ms")
        print(f"| {channels:,} | {' | '.join(row)} |", flush=True)


if __name__ == "__main__":
    main()
