"""The first learning rate of each cell: the study's, or the best of several.

Losses of several terms make gradients several times larger, and want smaller
rates than the student alone: at one rate for all, the rate is what is compared.
"""

import dataclasses

from keras_artkd.files import read_json
from recipes.common import is_finished


def with_rate(config, rate):
    """The run with another first learning rate, its expert as it was."""
    expert_rate = config.expert_learning_rate
    if config.trains_expert:
        expert_rate = config.expert_config().first_rate
    return dataclasses.replace(
        config, learning_rate=rate, expert_learning_rate=expert_rate
    )


def check_rates(study, rates):
    """Raises ValueError for rates that cannot be tried in a study."""
    if any(not rate > 0 for rate in rates) or len({*rates}) < len(rates):
        raise ValueError(
            "`rates` must be positive, each another. Received: "
            f"rates={' '.join(f'{rate:g}' for rate in rates)}."
        )
    own = [c.name for c in study.cells if "learning_rate" in c.changes]
    if rates and own:
        raise ValueError(
            f"Cells of {study.key} have rates of their own: "
            f"{'; '.join(own)}. Fix: leave out --rates."
        )


def trials(config, rates):
    """The runs that try the rates, of the run of a cell: dict by rate."""
    return {rate: with_rate(config, rate) for rate in rates}


def shares(runs):
    """What trials came to.

    Args:
        runs: dict of rate -> `Config`.

    Returns:
        dict of rate -> accuracy of the validation images at the best epoch,
        None while the run has not ended.
    """
    result = dict.fromkeys(runs)
    for rate, config in runs.items():
        if is_finished(config.run_dir):
            metrics = read_json(config.run_dir / "metrics.json")
            result[rate] = metrics["validation"]["accuracy"]
    return result


def best_rate(accuracies):
    """The rate with the best share, of equals the smallest.

    Returns:
        float, or None while some rate has not been tried.
    """
    if not accuracies or None in accuracies.values():
        return None
    return max(sorted(accuracies), key=accuracies.get)
