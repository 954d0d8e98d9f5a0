"""What it saves to keep an expert's answers, `--expert-views`.

    python -m benchmarks.expert_views FOLDER

Times steps of `artkd train FOLDER --method kd`, student and expert of the
default sizes, with the expert in each step, with its answers from a file, and
without it (`baseline`); and how long the file takes. The expert is not trained:
that does not change the time. Rounds alternate between the three, so that
changes in the machine's speed affect all alike. Quote the ratios.
"""

import argparse
import time

import numpy as np

from keras_artkd.runs.compilation import compiled_distiller
from keras_artkd.runs.expert_views import time_recording
from keras_artkd.runs.networks import build_expert
from keras_artkd.runs.plan import resolve
from keras_artkd.runs.presets import recipe_presets
from keras_artkd.runs.runner import load_data
from keras_artkd.runs.training import training_batches


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder")
    parser.add_argument("--views", type=int, default=4)
    parser.add_argument("--steps", type=int, default=10)
    parser.add_argument("--rounds", type=int, default=4)
    parser.add_argument("--epochs", type=int, default=8)
    args = parser.parse_args()

    config = recipe_presets("folder")["pretrained"].replace(
        data_dir=args.folder, method="kd", epochs=args.epochs
    )
    plans = {
        "expert in each step": resolve(config),
        f"{args.views} views kept": resolve(
            config.replace(expert_views=args.views)
        ),
        "labels alone": resolve(config.replace(method="baseline")),
    }
    first, kept, _ = plans.values()
    data = load_data(first)
    classes = len(data.class_names)
    expert = build_expert(first, classes)
    recorded, recording = time_recording(kept, data.train, expert)
    trainings = {}
    for name, plan in plans.items():
        distiller = compiled_distiller(
            plan, data, expert if plan.has_expert else None, args.steps
        )
        batches = iter(
            training_batches(
                plan,
                data,
                epochs=10_000,
                recorded=recorded if plan is kept else None,
            )
        )
        distiller.train_on_batch(*next(batches))
        trainings[name] = (distiller, batches)
    seconds = {name: [] for name in plans}
    for _ in range(args.rounds):
        for name, (distiller, batches) in trainings.items():
            start = time.perf_counter()
            for _ in range(args.steps):
                distiller.train_on_batch(*next(batches))
            seconds[name].append((time.perf_counter() - start) / args.steps)
    medians = {name: np.median(values) for name, values in seconds.items()}
    slowest = next(iter(medians.values()))
    for name, median in medians.items():
        print(
            f"{name:20} {1000 * median:6.1f} ms a step "
            f"({1000 * min(seconds[name]):.1f} to "
            f"{1000 * max(seconds[name]):.1f}), {median / slowest:.2f} of the "
            "first"
        )
    steps = -(-len(data.train) // config.schedule.batch_size) * args.epochs
    live, from_file, _ = (steps * median for median in medians.values())
    print(
        f"keeping the answers once: {recording:.0f} s; {args.epochs} epochs, "
        f"{steps} steps: {live:.0f} s with the expert in each step, "
        f"{from_file:.0f} s with kept answers"
    )


if __name__ == "__main__":
    main()
