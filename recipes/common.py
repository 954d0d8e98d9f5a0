"""The one runner: data, expert, training, test, exports."""

import dataclasses
import importlib.metadata
import json
import pathlib
import platform
import sys

import keras
import numpy as np
import tensorflow as tf

from keras_artkd import datasets, distillers, models
from keras_artkd.data import (
    evaluation_arrays,
    evaluation_dataset,
    steps_per_epoch,
    training_dataset,
)
from keras_artkd.distillers.registry import get_method
from keras_artkd.evaluate import agreement, classification_metrics
from keras_artkd.export import export_saved_model, export_tflite, verify
from keras_artkd.layers import AWGram
from keras_artkd.training import (
    Checkpoint,
    make_optimizer,
    make_strategy,
    set_weight_decay,
    write_json,
)
from recipes.config import Config

# Training images that int8 calibration looks at.
CALIBRATION_IMAGES = 256


def main(default, description, job=None):
    """Runs a recipe with the flags of the command line.

    Args:
        default: the recipe's `Config`.
        description: what `--help` says of it.
        job: what to do with the resulting `Config`; `run` by default, or the
            ablation that it asks for.

    Returns:
        Exit status: 2 for input that cannot be used, with one line saying
        why.
    """
    # Here, and not above: a run needs no command line.
    import tyro

    # Progress bars and messages are of no use in a buffer.
    sys.stdout.reconfigure(line_buffering=True)
    try:
        config = tyro.cli(
            Config,
            default=default,
            description=description,
            config=(tyro.conf.SuppressFixed,),
        )
        if job is not None:
            job(config)
        elif config.ablation:
            from recipes.ablation import run_ablation

            run_ablation(config)
        else:
            run(config)
    except (ValueError, OSError, tf.errors.ResourceExhaustedError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    return 0


def load_data(config):
    """The recipe's data set, split, at the size that crops need."""
    print(f"Data: {config.dataset} from {config.data_dir or 'itself'} ...")
    data = datasets.load(
        config.dataset,
        data_dir=config.data_dir,
        short_side=None
        if config.keep_size
        else round(config.image_size * 1.125),
        group=config.group,
        limit=config.limit,
        split_seed=config.split_seed,
        **config.data_options,
    )
    print(
        f"  {len(data.class_names)} classes; {len(data.train)} images to train "
        f"on, {len(data.validation)} to validate, {len(data.test)} to test."
    )
    if data.skipped:
        print(f"  {len(data.skipped)} files left out or doubtful:")
        for skipped in data.skipped[:5]:
            print(f"    {skipped.key}: {skipped.reason}")
        if len(data.skipped) > 5:
            print("    ... all of them in the run's data.json")
    return data


def run(config, data=None):
    """Trains, tests and exports what a configuration describes.

    Trains the expert first where the method needs one and `config.expert`
    does not give it; an expert that an earlier run finished is used again.

    Args:
        config: `Config`.
        data: a `datasets.Collection` already loaded with it, or None.

    Returns:
        dict, the content of the run's `metrics.json`.

    Raises:
        ValueError: for input that cannot be used, an unfinished run without
            `resume`, or a finished one.
    """
    run_dir = config.run_dir
    _claim(run_dir, config)
    data = load_data(config) if data is None else data
    expert = _load_expert(config, data)
    write_json(run_dir / "config.json", dataclasses.asdict(config))
    write_json(run_dir / "versions.json", _versions())
    write_json(run_dir / "data.json", _describe(data))

    print(f"Run: {run_dir}")
    distiller, checkpoint = _train(config, data, expert, run_dir)
    metrics = _evaluate(config, data, distiller, checkpoint, expert)
    checkpoint.load_best()
    metrics["exports"] = _export(config, data, distiller.student, run_dir)
    # Written last: it is what makes a run finished.
    write_json(run_dir / "metrics.json", metrics)
    _print_summary(metrics, run_dir)
    return metrics


def _claim(run_dir, config):
    """Makes the run's folder, or says why it must not be touched."""
    if (run_dir / "metrics.json").exists():
        raise ValueError(
            f"This run is finished: {run_dir}. Fix: read its metrics.json, "
            "change a setting or --seed, or remove the folder to run it again."
        )
    if (run_dir / "checkpoint.npz").exists() and not config.resume:
        raise ValueError(
            f"This run was interrupted: {run_dir}. Fix: add --resume to go "
            "on, or remove the folder to start over."
        )
    run_dir.mkdir(parents=True, exist_ok=True)


def _load_expert(config, data):
    """The trained expert, or None where the method has none."""
    if not get_method(config.method).needs_expert:
        return None
    if config.expert is not None:
        path = pathlib.Path(config.expert)
        if not path.is_file():
            raise ValueError(
                "`expert` must be a .keras file. "
                f"Received: {path}, which is not there."
            )
    else:
        # An interrupted expert goes on: it was never asked for by name.
        expert_config = dataclasses.replace(config.expert_config(), resume=True)
        path = expert_config.run_dir / "student.keras"
        if (expert_config.run_dir / "metrics.json").exists():
            print(f"Expert: {path}, trained before.")
        else:
            print(f"Expert: training {config.expert_network} ...")
            run(expert_config, data)
    expert = keras.models.load_model(path)
    classes = models.get_endpoints(expert)["logits"].shape[-1]
    if classes != len(data.class_names):
        raise ValueError(
            "The expert must know the data's classes. Received: "
            f"{path} with {classes}, data with {len(data.class_names)}."
        )
    return expert


def _build_network(config, name, num_classes, **options):
    return models.build(
        name,
        num_classes,
        (config.image_size, config.image_size, 3),
        **options,
    )


def _build_student(config, num_classes):
    options = {}
    if config.student_head == "awgram":
        options["head"] = AWGram(
            config.correlation,
            feature_scale=config.feature_scale,
            dtype="float32",
            name="awgram",
        )
    if config.expert_weights is not None and config.method == "baseline":
        options["weights"] = config.expert_weights
    return _build_network(config, config.student, num_classes, **options)


def build_distiller(config, num_classes, expert=None):
    """The compiled distiller of a configuration.

    Its student is built first and from the same seed whatever the method, so
    that compared students with the same head start from the same weights.
    """
    keras.utils.set_random_seed(config.seed)
    keras.config.set_dtype_policy(config.precision)
    try:
        student = _build_student(config, num_classes)
        initial = None
        if get_method(config.method).needs_initial:
            initial = _build_network(config, config.initial, num_classes)
    finally:
        keras.config.set_dtype_policy("float32")
    for model in (student, initial):
        if model is not None:
            set_weight_decay(model, config.weight_decay)
    return distillers.build(
        config.method, student, expert, initial, **config.options
    )


def _train(config, data, expert, run_dir):
    """Trains to the last epoch; returns the distiller and its checkpoint."""
    batch_size = min(config.batch_size, len(data.train))
    steps = steps_per_epoch(data.train, batch_size)
    with make_strategy().scope():
        distiller = build_distiller(config, len(data.class_names), expert)
        distiller.compile(
            make_optimizer(
                config.learning_rate,
                steps * config.epochs,
                config.drops,
                config.drop_factor,
                config.momentum,
            ),
            metrics=["accuracy"],
            # XLA makes these networks faster on a GPU, slower on a CPU.
            jit_compile=bool(tf.config.list_physical_devices("GPU")),
        )
    checkpoint = Checkpoint(distiller, run_dir / "checkpoint.npz")
    initial_epoch = checkpoint.restore()
    if initial_epoch:
        print(f"Resuming after epoch {initial_epoch}.")
    if initial_epoch < config.epochs:
        distiller.fit(
            training_dataset(
                data.train,
                config.image_size,
                batch_size,
                config.seed,
                config.epochs,
                initial_epoch,
            ),
            steps_per_epoch=steps,
            epochs=config.epochs,
            initial_epoch=initial_epoch,
            # The pipeline shuffles; Keras would warn that it does not.
            shuffle=False,
            validation_data=evaluation_dataset(
                data.validation, config.image_size, config.batch_size
            ),
            callbacks=[
                checkpoint,
                keras.callbacks.TensorBoard(run_dir / "logs"),
                keras.callbacks.TerminateOnNaN(),
            ],
        )
    if checkpoint.epoch < config.epochs:
        raise ValueError(
            f"The loss became NaN in epoch {checkpoint.epoch + 1}. Fix: a "
            "smaller --learning-rate, or smaller weights in --options."
        )
    write_json(run_dir / "history.json", checkpoint.history)
    return distiller, checkpoint


def _evaluate(config, data, distiller, checkpoint, expert):
    """Tests the last and the best student, once each.

    The best epoch was chosen on the validation split alone.
    """
    student = distiller.student

    def logits(model, split):
        batches = evaluation_dataset(
            getattr(data, split), config.image_size, config.batch_size
        )
        return model.predict(batches, verbose=0)

    def metrics(values, split):
        return classification_metrics(
            getattr(data, split).labels, values, data.class_names
        )

    last = metrics(logits(student, "test"), "test")
    student.save(config.run_dir / "student_last.keras")
    checkpoint.load_best()
    student.save(config.run_dir / "student.keras")
    best = logits(student, "test")
    result = {
        "method": config.method,
        "student": config.student,
        "head": config.student_head,
        "seed": config.seed,
        "parameters": student.count_params(),
        "epochs": checkpoint.epoch,
        "best_epoch": checkpoint.best_epoch,
        "class_names": data.class_names,
        "test": metrics(best, "test"),
        "test_last_epoch": {
            key: last[key] for key in ("accuracy", "macro_accuracy")
        },
        "validation": metrics(logits(student, "validation"), "validation"),
    }
    if expert is not None:
        expert_logits = logits(distiller.teachers["expert"], "test")
        taught = metrics(expert_logits, "test")
        result["expert"] = {
            "name": expert.name,
            "parameters": expert.count_params(),
            "test_accuracy": taught["accuracy"],
            "agreement_with_student": agreement(expert_logits, best),
        }
    return result


def _export(config, data, student, run_dir):
    """Writes the deployable files and measures each on the test split."""
    print("Exporting ...")
    size = config.image_size
    images, labels = evaluation_arrays(data.test, size)
    logits = student.predict(
        evaluation_dataset(data.test, size, config.batch_size), verbose=0
    )
    chosen = np.random.default_rng(0).permutation(len(data.train))
    calibration, _ = evaluation_arrays(
        data.train.take(chosen[:CALIBRATION_IMAGES]), size
    )
    paths = {
        "saved_model": export_saved_model(student, run_dir / "saved_model"),
        "tflite": export_tflite(student, run_dir / "student.tflite"),
        "tflite_int8": export_tflite(
            student,
            run_dir / "student_int8.tflite",
            quantize="int8",
            calibration_images=calibration,
        ),
    }
    return {
        kind: {"file": path.name, **verify(path, images, logits, labels)}
        for kind, path in paths.items()
    }


def _describe(data):
    """What the run was trained and tested on, image by image."""
    return {
        "name": data.name,
        "class_names": data.class_names,
        "splits": {
            split: getattr(data, split).keys.tolist()
            for split in ("train", "validation", "test")
        },
        "skipped": [dataclasses.asdict(s) for s in data.skipped],
    }


def _versions():
    packages = ("keras_artkd", "keras", "tensorflow", "numpy", "pillow")
    return {
        "python": platform.python_version(),
        "machine": platform.machine(),
        "gpus": len(tf.config.list_physical_devices("GPU")),
        **{name: importlib.metadata.version(name) for name in packages},
    }


def _print_summary(metrics, run_dir):
    test = metrics["test"]
    print(
        f"{metrics['method']} {metrics['student']} ({metrics['head']}): test "
        f"accuracy {test['accuracy']:.2%}, macro {test['macro_accuracy']:.2%} "
        f"(epoch {metrics['best_epoch']} of {metrics['epochs']}, best by "
        f"validation); last epoch {metrics['test_last_epoch']['accuracy']:.2%}"
    )
    if "expert" in metrics:
        print(f"  expert: {metrics['expert']['test_accuracy']:.2%}")
    for export in metrics["exports"].values():
        print(
            f"  {export['file']:20} {export['size_bytes'] / 1024:7.0f} KiB, "
            f"accuracy {export['accuracy']:.2%}, agrees with Keras on "
            f"{export['agreement']:.2%}"
        )
    print(f"  all of it in {run_dir}")


def read_metrics(run_dir):
    """The metrics of a finished run."""
    return json.loads((run_dir / "metrics.json").read_text(encoding="utf-8"))
