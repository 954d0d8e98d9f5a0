"""What a run leaves for others: files to deploy, and what it prints."""

from keras_artkd.data import evaluation_arrays
from keras_artkd.export.parity import ParityGate
from keras_artkd.export.run import (
    choose_calibration_images,
    deliver_student,
    file_name,
    model_info,
)
from keras_artkd.files import replacing
from keras_artkd.model_info import write_info

# Kind -> format and quantisation of the files that every run leaves.
EXPORTS = {
    "saved_model": ("saved_model", "none"),
    "tflite": ("tflite", "none"),
    "tflite_int8": ("tflite", "int8"),
}


def export_student(config, data, facts, student):
    """Writes the deployable files and measures each on the test split.

    Args:
        config: `Config`.
        data: a `datasets.Collection`.
        facts: settings, data and metrics of the run.
        student: the network to deploy.

    Returns:
        dict of kind -> what was measured.
    """
    print("Exporting ...")
    held_out = ("test", *evaluation_arrays(data.test, config.image_size))
    calibration = choose_calibration_images(data.train, config.image_size)
    reports = {}
    for kind, (file_format, quantize) in EXPORTS.items():
        path = config.run_dir / file_name(file_format, quantize)
        reports[kind] = deliver_student(
            student,
            path,
            file_format,
            quantize,
            facts,
            calibration,
            held_out,
        )
    return reports


def save_student(path, student, facts):
    """Saves a Keras model that names its classes and carries its card."""
    with replacing(path) as temporary:
        student.save(temporary)
        write_info(temporary, model_info(*facts))


def print_summary(metrics, run_dir):
    """Prints how good the student is, and where its files lie."""
    test = metrics["test"]
    print(
        f"{metrics['method']} {metrics['student']} ({metrics['head']}): test "
        f"accuracy {test['accuracy']:.2%}, macro {test['macro_accuracy']:.2%} "
        f"(epoch {metrics['best_epoch']} of {metrics['epochs']}, best by "
        f"validation); last epoch {metrics['test_last_epoch']['accuracy']:.2%}"
    )
    needed = ParityGate().min_agreement
    if "expert" in metrics:
        print(f"  expert: {metrics['expert']['test_accuracy']:.2%}")
    if "test_rotations" in metrics:
        print(
            "  over four rotations, at four times the cost: "
            f"{metrics['test_rotations']['accuracy']:.2%}"
        )
    for incident in metrics.get("adversaries", ()):
        print(
            f"  adversary {incident['block']} {incident['state']} in stage "
            f"{incident['stage']}, {incident['epochs']} epochs from epoch "
            f"{incident['first_epoch']} on"
        )
    for export in metrics["exports"].values():
        reliable = export["agreement"] >= needed
        print(
            f"  {export['file']:20} {export['size_bytes'] / 1024:7.0f} KiB, "
            f"accuracy {export['accuracy']:.2%}, agrees with Keras on "
            f"{export['agreement']:.2%}"
            f"{'' if reliable else ', too few to rely on'}"
        )
    print(f"  all of it in {run_dir}, to be looked at: report.html")
