"""A step of the same training, divided among devices and processes.

    python -m benchmarks.devices

A WRN-16-2 at 32 pixels, batches of 64, by `baseline`: on all cores as one
device, as two replicas or devices that share each batch, and by two processes
on loopback. The cores are the same, so that what comes out is what dividing
costs; what machines of their own gain is not seen here.
"""

import argparse
import os
import pathlib
import socket
import statistics
import subprocess
import sys
import tempfile
import time

import numpy as np

BATCH = 64
# Of which some validate.
IMAGES = 20 * BATCH
WAYS = {
    "TensorFlow": ("tensorflow", 1, 1),
    "TensorFlow, two replicas": ("tensorflow", 2, 1),
    "JAX": ("jax", 1, 1),
    "JAX, two devices": ("jax", 2, 1),
    "JAX, two processes": ("jax", 1, 2),
}


def train(way, folder, port, process):
    """Trains; process 0 prints the seconds of a step, epoch by epoch."""
    backend, devices, processes = WAYS[way]
    os.environ["KERAS_BACKEND"] = backend
    flag = f"--xla_force_host_platform_device_count={devices}"
    os.environ["XLA_FLAGS"] = flag if backend == "jax" else ""
    import keras
    import tensorflow as tf

    from keras_artkd.runs import optimizer
    from keras_artkd.runs.config import Config
    from keras_artkd.runs.hosts import Hosts, joined
    from keras_artkd.runs.plan import resolve
    from keras_artkd.runs.runner import load_data
    from keras_artkd.runs.training import train as train_alone
    from keras_artkd.runs.training import train_together

    if backend == "tensorflow" and devices > 1:
        tf.config.set_logical_device_configuration(
            tf.config.list_physical_devices("CPU")[0],
            [tf.config.LogicalDeviceConfiguration()] * devices,
        )
        names = [f"CPU:{index}" for index in range(devices)]
        optimizer.replica_devices = lambda: names

    class Seconds(keras.callbacks.Callback):
        """From the beginning of an epoch to that of its validation."""

        def on_epoch_begin(self, epoch, logs=None):
            self.began = time.perf_counter()

        # It also has JAX wait for the step.
        def on_train_batch_end(self, batch, logs=None):
            self.steps = batch + 1

        def on_test_begin(self, logs=None):
            if process == 0:
                seconds = time.perf_counter() - self.began
                print("seconds", seconds / self.steps, flush=True)

    config = Config.of(
        recipe="npz",
        dataset="npz",
        data_dir=str(folder / "images.npz"),
        workdir=str(folder / way.replace(" ", "_")),
        method="baseline",
        student="wrn_16_2",
        image_size=32,
        batch_size=BATCH,
        epochs=4,
        learning_rate=0.01,
        backend=backend,
        exports=False,
    )
    plan = resolve(config)
    with joined(Hosts(f"127.0.0.1:{port}", processes, process)):
        arguments = plan, load_data(plan), None, plan.folder, [Seconds()]
        together = backend == "jax" and devices * processes > 1
        (train_together if together else train_alone)(*arguments)


def measured(way, folder):
    """Seconds of a step: the median of epochs, but the first."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = str(probe.getsockname()[1])
    command = [sys.executable, "-m", "benchmarks.devices", "--folder"]
    started = [
        subprocess.Popen(
            [*command, str(folder), "--way", way, "--port", port]
            + ["--process", str(process)],
            stdout=subprocess.PIPE,
            text=True,
        )
        for process in range(WAYS[way][2])
    ]
    outputs = [process.communicate()[0] for process in started]
    if any(process.returncode for process in started):
        raise SystemExit(f"{way} failed.")
    lines = [x for x in outputs[0].splitlines() if x.startswith("seconds ")]
    return statistics.median(float(line.split()[1]) for line in lines[1:])


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=2)
    parser.add_argument("--folder", type=pathlib.Path, help=argparse.SUPPRESS)
    parser.add_argument("--way", help=argparse.SUPPRESS)
    parser.add_argument("--port", help=argparse.SUPPRESS)
    parser.add_argument("--process", type=int, help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.way:
        train(args.way, args.folder, args.port, args.process)
        return
    random = np.random.default_rng(0)
    found = {way: [] for way in WAYS}
    for _ in range(args.rounds):
        # A folder of its own: a training would resume.
        with tempfile.TemporaryDirectory() as name:
            folder = pathlib.Path(name)
            arrays = {}
            for part, count in (("train", IMAGES), ("test", BATCH)):
                shape = (count, 32, 32, 3)
                arrays[f"x_{part}"] = random.integers(0, 256, shape, "uint8")
                arrays[f"y_{part}"] = np.arange(count) % 10
            np.savez(folder / "images.npz", **arrays)
            for way in WAYS:
                found[way].append(measured(way, folder))
    for way, seconds in found.items():
        ratio = np.divide(seconds, found[way.split(",")[0]])
        print(
            f"{way:26} {1000 * np.median(seconds):6.0f} ms a step "
            f"({1000 * min(seconds):.0f} to {1000 * max(seconds):.0f}), "
            f"{np.median(ratio):.2f} of one device"
        )


if __name__ == "__main__":
    main()
