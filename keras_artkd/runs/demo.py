"""The job of the recipe `demo`: a student with and without teachers."""

from typing import Any

from keras_artkd.runs.networks import check_student
from keras_artkd.runs.plan import ALONE, Plan, resolve
from keras_artkd.runs.runner import load_data, run, run_or_read


def compare(plan: Plan) -> dict[str, Any]:
    """Runs the student by the method and alone, and prints both.

    With a method that has no expert it is a run like any other.

    Returns:
        The metrics of the run by the method.
    """
    if not plan.method.needs_expert or plan.config.data.labels_only:
        return run(plan)
    # Before the baseline is trained.
    check_student(plan)
    data = load_data(plan)
    baseline = resolve(plan.config.replace(**ALONE, crop_size=plan.crop_size))
    alone, taught = run_or_read(baseline, data), run_or_read(plan, data)
    print("\nThe same student, test split of scenes it has never seen:")
    for metrics in (alone, taught):
        print(
            f"  {metrics['method']:14} {metrics['test']['accuracy']:7.2%} "
            f"({metrics['parameters']:,} parameters)"
        )
    expert = taught["expert"]
    print(
        f"  {'its expert':14} {expert['test_accuracy']:7.2%} "
        f"({expert['parameters']:,} parameters)"
    )
    return taught
