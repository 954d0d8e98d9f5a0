"""The one runner: data, expert, training, test, exports."""

import dataclasses
import sys

import keras
import tensorflow as tf

from keras_artkd import datasets, models
from keras_artkd.augment import Cutout, Mixup, Rotations
from keras_artkd.data import steps_per_epoch, training_dataset
from keras_artkd.distillers.registry import get_method
from keras_artkd.files import (
    read_json,
    write_atomically,
    write_json,
    write_text,
)
from keras_artkd.model_card import model_card
from keras_artkd.model_info import CARD
from keras_artkd.pseudo_labels import write_labels
from keras_artkd.report import write_report
from keras_artkd.training import (
    Checkpoint,
    KeepStages,
    make_optimizer,
    make_strategy,
    plateau_ends,
)
from recipes.config import AUGMENTATIONS, EXPERT_METHOD, Config
from recipes.delivery import export_student, print_summary, save_student
from recipes.evaluation import evaluate, evaluation_batches
from recipes.flags import parse_flags, take_preset
from recipes.networks import (
    build_distiller,
    check_expert_file,
    check_student,
    load_teachers,
)
from recipes.programs import exit_status
from recipes.provenance import (
    check_foreign_expert,
    check_same_data,
    describe_data,
    describe_versions,
)
from recipes.pseudo_labelling import (
    FILE,
    check_table,
    check_unlabelled,
    describe_labels,
    print_next,
    teach,
)
from recipes.stages import FOLDER as STAGES
from recipes.stages import AnnouncePhases, stage_paths

# Fewer hardly move a network from where it started.
_FEWEST_STEPS = 200


def main(default, description, job=None):
    """Runs a recipe with the flags of the command line.

    Args:
        default: the recipe's `Config`, or a dict of several by name, among
            which `--preset` chooses.
        description: what `--help` says of it.
        job: what to do with the resulting `Config`, unless it asks for the
            ablation; `run` by default.

    Returns:
        Exit status, see `exit_status`.
    """

    def start():
        presets = default if isinstance(default, dict) else {"": default}
        preset, arguments = take_preset(presets)
        config = parse_flags(Config, preset, description, arguments)
        if config.ablation:
            from recipes.study import run_ablation

            return run_ablation(config)
        (job or run)(config)
        return None

    return exit_status(start, "--resume goes on.")


def load_data(config):
    """The recipe's data set, split, at the size that crops need."""
    where = f" from {config.data_dir}" if config.data_dir else ""
    print(f"Data: {config.dataset}{where} ...")
    data = datasets.load(**config.load_arguments())
    print(
        f"  {len(data.class_names)} classes; {len(data.train)} images to train "
        f"on, {len(data.validation)} to validate, {len(data.test)} to test."
    )
    if data.unlabelled is not None:
        print(f"  {len(data.unlabelled)} images without labels.")
    if data.skipped:
        print(f"  Left out or doubtful: {len(data.skipped)}")
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
    if not is_finished(config.run_dir):
        return run(dataclasses.replace(config, resume=True), data)
    check_same_data(config.run_dir, data)
    print(f"Finished before: {config.run_dir}")
    return read_json(config.run_dir / "metrics.json")


def run(config, data=None):
    """Trains, tests and exports what a configuration describes.

    Trains the expert first where the method needs one and `config.expert`
    does not give it; an expert that an earlier run finished is used again.

    Args:
        config: `Config`.
        data: a `datasets.Collection` already loaded with it, or None.

    Returns:
        dict, the content of the run's `metrics.json`; with `labels_only` what
        is known of the pseudo-labels.

    Raises:
        ValueError: for input that cannot be used, an unfinished run without
            `resume`, a finished one, or data that changed since.
    """
    run_dir = config.run_dir
    _check_startable(run_dir, config)
    _note_what_differs(config)
    check_unlabelled(config)
    # A mistake in the student's settings should not come to light after the
    # data was loaded and the expert trained, nor leave a folder.
    check_student(config)
    data = load_data(config) if data is None else data
    if (run_dir / "data.json").exists():
        check_same_data(run_dir, data)
    check_table(config, data)
    expert_path = find_expert(config, data)
    taught, labels = teach(config, data, expert_path, run_dir)

    run_dir.mkdir(parents=True, exist_ok=True)
    facts = [config.settings(), describe_data(config, data, labels)]
    write_json(run_dir / "config.json", facts[0])
    write_json(run_dir / "data.json", facts[1])
    write_json(run_dir / "versions.json", describe_versions())
    write_text(run_dir / "command.txt", config.command() + "\n")
    print(f"Run: {run_dir}")
    if facts[0]["options"]:
        options = (
            f"{k} {v:g}" if isinstance(v, float) else f"{k} {v}"
            for k, v in facts[0]["options"].items()
        )
        print(f"  {config.method}: {', '.join(options)}")
    if labels is not None:
        known = labels.measure(data.hidden_labels)
        print(f"Pseudo-labels: {describe_labels(known)}")
        # Not over a person's, which says the same in another order.
        if not (run_dir / FILE).exists():
            write_labels(run_dir / FILE, labels, data.class_names)
        if config.labels_only:
            print_next(config, run_dir / FILE)
            return known
    distiller, checkpoint = train(
        config,
        taught,
        expert_path,
        run_dir,
        _callbacks(config, run_dir),
        # A progress bar in a file is a mess of control characters.
        "auto" if sys.stdout.isatty() else 2,
    )
    student = models.without_exits(distiller.student)
    write_atomically(run_dir / "student_last.keras", student.save)
    metrics = evaluate(config, data, distiller, checkpoint, _replicas())
    if labels is not None:
        metrics["pseudo_labels"] = known
    facts.append(metrics)
    save_student(run_dir / "student.keras", student, facts)
    write_text(run_dir / CARD, model_card(*facts))
    metrics["exports"] = {}
    if config.exports:
        metrics["exports"] = export_student(config, data, facts, student)
    # Written last: it is what makes a run finished.
    write_json(run_dir / "metrics.json", metrics)
    write_report(run_dir)
    print_summary(metrics, run_dir)
    return metrics


def _callbacks(config, run_dir):
    callbacks = [keras.callbacks.TensorBoard(run_dir / "logs")]
    if get_method(config.method).staged:
        callbacks.append(AnnouncePhases())
    if config.method == EXPERT_METHOD:
        ends = plateau_ends(config.epochs, config.drops)
        callbacks.append(KeepStages(run_dir / STAGES, ends))
    return callbacks


def is_finished(run_dir):
    """Whether a run has ended, from its folder."""
    return (run_dir / "metrics.json").exists()


def _check_startable(run_dir, config):
    if is_finished(run_dir):
        raise ValueError(
            f"This run is finished: {run_dir}. Fix: read its metrics.json, "
            "make files to deploy with artkd export, change a setting or "
            "--seed, or run it again in another --workdir."
        )
    if (run_dir / "checkpoint.npz").exists() and not config.resume:
        raise ValueError(
            f"This run was interrupted: {run_dir}. Fix: add --resume to go "
            "on, or remove the folder to start over."
        )


def _note_what_differs(config):
    """Says so where --resume finds nothing, and there is something near."""
    run_dir = config.run_dir
    if not config.resume or (run_dir / "config.json").exists():
        return
    prefix = run_dir.name.rpartition("-")[0]
    near = [
        path.parent
        for path in sorted(run_dir.parent.glob(f"{prefix}-*/checkpoint.npz"))
        if not is_finished(path.parent)
    ]
    if near:
        print(
            f"note: nothing to resume with these settings in {run_dir}. "
            "Interrupted with other settings: "
            f"{', '.join(path.name for path in near)} (their command.txt has "
            "them)."
        )


def find_expert(config, data):
    """Path of the trained expert, or None where the method has none.

    Trains it first where it is not there yet.
    """
    if not get_method(config.method).needs_expert:
        return None
    if config.expert is not None:
        path = check_expert_file(config)
        check_foreign_expert(path, data)
        # Once before the run has a folder, to leave none.
        load_teachers(path, config, len(data.class_names))
        return path
    expert_config = config.expert_config()
    if not is_finished(expert_config.run_dir):
        print(f"Expert: {config.expert_network}")
    run_or_read(expert_config, data)
    path = expert_config.run_dir / "student.keras"
    if get_method(config.method).staged:
        stage_paths(path, config.stages)
    return path


def _augmentations(config, num_classes):
    make = {
        "cutout": lambda: Cutout(config.settings()["cutout_side"]),
        "mixup": lambda: Mixup(num_classes, config.mixup_alpha),
        # Last: it multiplies what the others have made.
        "sla": lambda: Rotations(config.rotations),
    }
    return [make[name]() for name in AUGMENTATIONS if name in config.augment]


def train(config, data, expert_path, folder, callbacks=(), verbose="auto"):
    """Trains to the last epoch, from where `folder` has it.

    Reads the training and the validation split alone.

    Args:
        config: `Config`.
        data: a `datasets.Collection`.
        expert_path: path of the trained expert, or None.
        folder: path of a folder for `checkpoint.npz` and `history.json`.
        callbacks: Keras callbacks; they come before the checkpoint.
        verbose: as Keras's `fit` has it.

    Returns:
        The distiller, with the last weights, and its `Checkpoint`.
    """
    num_classes = len(data.class_names)
    batch_size = min(config.batch_size, len(data.train))
    steps = steps_per_epoch(data.train, batch_size)
    with make_strategy().scope():
        expert = None
        if expert_path is not None:
            expert = load_teachers(expert_path, config, num_classes)
        distiller = build_distiller(config, num_classes, expert)
        own_rate = distiller.rate_schedule(
            config.first_rate, config.epochs, steps
        )
        distiller.compile(
            make_optimizer(
                own_rate or config.first_rate,
                steps * config.epochs,
                () if own_rate else config.drops,
                config.drop_factor,
                config.momentum,
            ),
            metrics=["accuracy"],
            # XLA makes these networks faster on a GPU, slower on a CPU; it
            # cannot reach over from one replica to another.
            jit_compile=len(tf.config.list_physical_devices("GPU")) == 1,
        )
    checkpoint = Checkpoint(distiller, folder / "checkpoint.npz")
    if verbose and steps * config.epochs < _FEWEST_STEPS:
        print(
            f"note: only {steps * config.epochs} steps in all, {steps} an "
            f"epoch of {len(data.train)} images; a smaller --batch-size or "
            "more --epochs train longer"
        )
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
                get_method(config.method).views,
                _augmentations(config, num_classes),
                config.crop_and_mirror,
            ),
            steps_per_epoch=steps,
            epochs=config.epochs,
            initial_epoch=initial_epoch,
            # The pipeline shuffles; Keras would warn that it does not.
            shuffle=False,
            validation_data=evaluation_batches(
                config, data.validation, _replicas()
            ),
            callbacks=[*callbacks, checkpoint],
            verbose=verbose,
        )
    write_json(folder / "history.json", checkpoint.history)
    return distiller, checkpoint


def _replicas():
    return max(1, len(tf.config.list_physical_devices("GPU")))
