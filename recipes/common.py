"""The one runner: data, expert, training, test, exports."""

import dataclasses
import json
import pathlib
import sys

import keras
import numpy as np
import tensorflow as tf
import tyro

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
    evaluation_batch_size,
    make_optimizer,
    make_strategy,
    set_weight_decay,
    write_atomically,
    write_json,
)
from recipes.config import Config
from recipes.provenance import (
    check_foreign_expert,
    check_same_data,
    describe_data,
    describe_versions,
)

# Training images that int8 calibration looks at.
CALIBRATION_IMAGES = 256


def main(default, description, job=None):
    """Runs a recipe with the flags of the command line.

    Args:
        default: the recipe's `Config`.
        description: what `--help` says of it.
        job: what to do with the resulting `Config`, unless it asks for the
            ablation; `run` by default.

    Returns:
        Exit status: 2 for input that cannot be used, with one line saying
        why.
    """
    # Progress bars and messages are of no use in a buffer.
    sys.stdout.reconfigure(line_buffering=True)
    job = job or run
    try:
        config = tyro.cli(Config, default=default, description=description)
        if config.ablation:
            from recipes.ablation import run_ablation

            job = run_ablation
        job(config)
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


def run_or_read(config, data):
    """The metrics of a run: of the finished one, or run now.

    For runs that are part of something larger, which nobody starts by name:
    an interrupted one goes on.
    """
    if not _is_finished(config.run_dir):
        return run(dataclasses.replace(config, resume=True), data)
    check_same_data(config.run_dir, data)
    print(f"Finished before: {config.run_dir}")
    return json.loads(
        (config.run_dir / "metrics.json").read_text(encoding="utf-8")
    )


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
            `resume`, a finished one, or data that changed since.
    """
    run_dir = config.run_dir
    _check_startable(run_dir, config)
    data = load_data(config) if data is None else data
    if (run_dir / "data.json").exists():
        check_same_data(run_dir, data)
    expert_path = _find_expert(config, data)

    run_dir.mkdir(parents=True, exist_ok=True)
    write_json(run_dir / "config.json", dataclasses.asdict(config))
    write_json(run_dir / "versions.json", describe_versions())
    write_json(run_dir / "data.json", describe_data(data))
    print(f"Run: {run_dir}")
    distiller, checkpoint = _train(config, data, expert_path)
    metrics = _evaluate(config, data, distiller, checkpoint)
    metrics["exports"] = _export(config, data, distiller.student)
    # Written last: it is what makes a run finished.
    write_json(run_dir / "metrics.json", metrics)
    _print_summary(metrics, run_dir)
    return metrics


def _is_finished(run_dir):
    return (run_dir / "metrics.json").exists()


def _check_startable(run_dir, config):
    if _is_finished(run_dir):
        raise ValueError(
            f"This run is finished: {run_dir}. Fix: read its metrics.json, "
            "change a setting or --seed, or remove the folder to run it again."
        )
    if (run_dir / "checkpoint.npz").exists() and not config.resume:
        raise ValueError(
            f"This run was interrupted: {run_dir}. Fix: add --resume to go "
            "on, or remove the folder to start over."
        )


def _find_expert(config, data):
    """Path of the trained expert, or None where the method has none."""
    if not get_method(config.method).needs_expert:
        return None
    if config.expert is not None:
        path = pathlib.Path(config.expert)
        if not path.is_file():
            raise ValueError(
                "`expert` must be a .keras file. "
                f"Received: {path}, which is not there."
            )
        check_foreign_expert(path, data)
        return path
    expert_config = config.expert_config()
    if not _is_finished(expert_config.run_dir):
        # A mistake in the student's settings should not come to light after
        # the expert's training: make the student once, with any expert.
        stand_in = models.build("wrn_10_1", len(data.class_names), (32, 32, 3))
        build_distiller(config, len(data.class_names), stand_in)
        print(f"Expert: {config.expert_network}")
    run_or_read(expert_config, data)
    return expert_config.run_dir / "student.keras"


def _load_expert(path, num_classes):
    expert = keras.models.load_model(path)
    classes = models.get_endpoints(expert)["logits"].shape[-1]
    if classes != num_classes:
        raise ValueError(
            "The expert must know the data's classes. Received: "
            f"{path} with {classes}, data with {num_classes}."
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
    if config.student_weights is not None:
        options["weights"] = config.student_weights
    return _build_network(config, config.student, num_classes, **options)


def build_distiller(config, num_classes, expert=None):
    """The distiller of a configuration, not yet compiled.

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


def _train(config, data, expert_path):
    """Trains to the last epoch; returns the distiller and its checkpoint."""
    run_dir = config.run_dir
    num_classes = len(data.class_names)
    batch_size = min(config.batch_size, len(data.train))
    steps = steps_per_epoch(data.train, batch_size)
    with make_strategy().scope():
        expert = None
        if expert_path is not None:
            expert = _load_expert(expert_path, num_classes)
        distiller = build_distiller(config, num_classes, expert)
        distiller.compile(
            make_optimizer(
                config.learning_rate,
                steps * config.epochs,
                config.drops,
                config.drop_factor,
                config.momentum,
            ),
            metrics=["accuracy"],
            # XLA makes these networks faster on a GPU, slower on a CPU; it
            # cannot reach over from one replica to another.
            jit_compile=len(tf.config.list_physical_devices("GPU")) == 1,
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
            validation_data=_evaluation_batches(config, data.validation),
            callbacks=[
                checkpoint,
                keras.callbacks.TensorBoard(run_dir / "logs"),
            ],
        )
    write_json(run_dir / "history.json", checkpoint.history)
    return distiller, checkpoint


def _evaluation_batches(config, store):
    """A split to evaluate, in batches that fit the replicas."""
    replicas = max(1, len(tf.config.list_physical_devices("GPU")))
    return evaluation_dataset(
        store,
        config.image_size,
        evaluation_batch_size(len(store), config.batch_size, replicas),
    )


def _evaluate(config, data, distiller, checkpoint):
    """Tests the last and the best student, once each, and saves both.

    The best epoch was chosen on the validation split alone. Leaves the best
    weights in the student.
    """
    student = distiller.student
    expert = distiller.teachers.get("expert")

    def logits(model, split):
        batches = _evaluation_batches(config, getattr(data, split))
        return model.predict(batches, verbose=0)

    def metrics(values, split):
        return classification_metrics(
            getattr(data, split).labels, values, data.class_names
        )

    last = metrics(logits(student, "test"), "test")
    write_atomically(config.run_dir / "student_last.keras", student.save)
    checkpoint.load_best()
    write_atomically(config.run_dir / "student.keras", student.save)
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
        expert_logits = logits(expert, "test")
        taught = metrics(expert_logits, "test")
        result["expert"] = {
            "name": expert.name,
            "parameters": expert.count_params(),
            "test_accuracy": taught["accuracy"],
            "agreement_with_student": agreement(expert_logits, best),
        }
    return result


def _export(config, data, student):
    """Writes the deployable files and measures each on the test split."""
    print("Exporting ...")
    run_dir, size = config.run_dir, config.image_size
    images, labels = evaluation_arrays(data.test, size)
    logits = student.predict(_evaluation_batches(config, data.test), verbose=0)
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
