"""What was chosen for an open plan; imports no framework."""

import pathlib
from typing import Any

from keras_artkd.files import read_json
from keras_artkd.run_folder import DAMAGE
from keras_artkd.runs.expert_config import expert_config
from keras_artkd.runs.plan import Plan, resolve


def remembered(
    plan: Plan,
    minutes: float,
    students: int = 1,
    fingerprint: str | None = None,
) -> Plan | None:
    """The plan that an open one became, in an earlier call; None if none did.

    Args:
        plan: an open `Plan`.
        minutes: float, that it may take.
        students: int, how many are trained in these minutes.
        fingerprint: str, of the images; what was chosen for others counts no
            more. None where they are not loaded yet.

    Raises:
        ValueError: if what is remembered is damaged.
    """
    path = choice_file(plan, minutes, students)
    if not path.is_file():
        return None
    try:
        choice = read_json(path)
        if fingerprint not in (None, choice["fingerprint"]):
            return None
        return with_settings(plan, choice["settings"])
    except DAMAGE as error:
        raise ValueError(
            f"What was chosen for these flags is damaged. Received: {path}. "
            "Fix: remove this file, and it is chosen anew."
        ) from error


def close(plan: Plan) -> Plan:
    """An open plan with the usual epochs, for what cannot be measured."""
    expert_epochs = plan.config.networks.expert_epochs or 12
    return with_settings(plan, {"epochs": 8, "expert_epochs": expert_epochs})


def reference(plan: Plan) -> Plan | None:
    """The plan of the expert that the student is judged by, if there is one."""
    if plan.expert is not None:
        return plan.expert
    networks = plan.config.networks
    if networks.expert is not None or networks.expert_epochs is None:
        return None
    expert = resolve(expert_config(plan.config))
    # A student may be just what its expert would be.
    return None if expert.folder == plan.folder else expert


def with_settings(plan: Plan, settings: dict[str, Any]) -> Plan:
    """A plan with other settings."""
    return resolve(plan.config.replace(**settings))


def choice_file(plan: Plan, minutes: float, students: int) -> pathlib.Path:
    """The file that remembers what was chosen for an open plan."""
    folder = plan.folder.path
    return folder.with_name(f"{folder.name}-{minutes:g}-{students}.json")
