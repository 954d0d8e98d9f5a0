"""The first learning rate of each cell: the study's, or the best of several.

Losses of several terms make gradients several times larger, and need smaller
rates than the student alone. At one rate for all, the rate is what is compared.
"""

from collections.abc import Mapping, Sequence

from keras_artkd.runs.plan import Plan, resolve
from keras_artkd.studies.study import Study


def with_rate(plan: Plan, rate: float) -> Plan:
    """The run with another first learning rate, its expert as it was."""
    changes = {"learning_rate": rate}
    if plan.expert:
        changes["expert_learning_rate"] = plan.expert.first_rate
    return resolve(plan.config.replace(**changes))


def check_rates(study: Study, rates: Sequence[float]) -> None:
    """Raises ValueError for rates that cannot be tried in a study."""
    if any(not rate > 0 for rate in rates) or len({*rates}) < len(rates):
        raise ValueError(
            "`rates` must be positive and different. Received: "
            f"rates={' '.join(f'{rate:g}' for rate in rates)}."
        )
    own = [c.name for c in study.cells if "learning_rate" in c.changes]
    if rates and own:
        raise ValueError(
            f"Cells of {study.key} have rates of their own: "
            f"{'; '.join(own)}. Fix: leave out --rates."
        )


def trials(plan: Plan, rates: Sequence[float]) -> dict[float, Plan]:
    """The runs that try the rates, of the run of a cell: dict by rate."""
    return {rate: with_rate(plan, rate) for rate in rates}


def shares(runs: Mapping[float, Plan]) -> dict[float, float | None]:
    """The results of trials.

    Args:
        runs: dict of rate -> `Plan`.

    Returns:
        dict of rate -> accuracy of the validation images at the best epoch,
        None while the run has not ended.
    """
    return {
        rate: plan.folder.metrics["validation"]["accuracy"]
        if plan.folder.is_finished
        else None
        for rate, plan in runs.items()
    }


def best_rate(accuracies: Mapping[float, float | None]) -> float | None:
    """The rate with the best share, of equals the smallest.

    Returns:
        float, or None while some rate has not been tried.
    """
    known = {r: a for r, a in accuracies.items() if a is not None}
    if not known or len(known) < len(accuracies):
        return None
    return max(sorted(known), key=known.__getitem__)
