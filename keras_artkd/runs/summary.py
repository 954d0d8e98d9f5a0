"""The lines that a run prints at its end; imports no framework."""

import shlex
from typing import Any

from keras_artkd.output import escaped
from keras_artkd.run_folder import RunFolder
from keras_artkd.runs.changed_files import check_same_files


def print_finished(folder: RunFolder) -> dict[str, Any]:
    """Prints what a finished run reached, and where it lies.

    Returns:
        Its metrics.

    Raises:
        ValueError: if its images changed, or its files are damaged.
    """
    metrics = folder.metrics
    check_same_files(folder)
    try:
        print(
            f"This run is finished: {folder}\nAnother setting or --seed makes "
            "another run; artkd export makes files to deploy."
        )
        print_summary(metrics, folder)
    except (KeyError, TypeError, AttributeError) as error:
        raise ValueError(
            "The run's files are not what this version writes. Received: "
            f"{folder} ({error!r:.300}). Fix: another --workdir trains anew."
        ) from error
    return metrics


def _epoch(metrics: dict[str, Any]) -> str:
    """Which epoch's student that is."""
    epochs = metrics["epochs"]
    best, why = metrics["best_epoch"], "best by validation"
    if metrics.get("epoch_chosen_by", "validation") != "validation":
        if best == epochs:
            return f"the last of {epochs} epochs"
        why = "later ones are worse by validation"
    last = metrics["test_last_epoch"]["accuracy"]
    return f"epoch {best} of {epochs}, {why}; last epoch {last:.2%}"


def print_summary(metrics: dict[str, Any], folder: RunFolder) -> None:
    """Prints how good the student is, and where its files lie."""
    test = metrics["test"]
    print(
        f"{metrics['method']} {metrics['student']} ({metrics['head']}): test "
        f"accuracy {test['accuracy']:.2%}, macro {test['macro_accuracy']:.2%} "
        f"({_epoch(metrics)})"
    )
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
    for export in metrics.get("exports", {}).values():
        print(
            f"  {export['file']:20} {export['size_bytes'] / 1024:7.0f} KiB, "
            f"accuracy {export['accuracy']:.2%}, agrees with Keras on "
            f"{export['agreement']:.2%}"
        )
    for failed in metrics.get("failed_exports", {}).values():
        print(
            f"  {failed['file']} is NOT there: {failed['reason']} "
            f"Next: {failed['next']}"
        )
    verdict = metrics.get("verdict", {"concerns": ()})
    if "summary" in verdict:
        print(f"Verdict: {verdict['summary']}")
    for concern in verdict["concerns"]:
        # It can name a class.
        print(escaped(f"  {concern['what']} Next: {concern['next']}."))
    if "pseudo_labels" in metrics:
        words = shlex.join(["artkd", "label", str(folder)])
        print(f"  to label the pictures that teach it most: {words}")
    print(f"  all of it in {folder}, to be looked at: {folder.report.name}")
