"""The training of a study's runs: in which order, and by which process."""

import pytest

from keras_artkd.cli.study import main
from keras_artkd.files import read_json
from keras_artkd.run_folder import METRICS
from keras_artkd.runs.plan import resolve
from keras_artkd.studies import work


def test_experts_come_first_and_once(base):
    plans = [
        resolve(base.replace(method=method, seed=seed, expert_epochs=2))
        for seed in (0, 1)
        for method in ("kd", "attention", "baseline")
    ]
    order = [plan.config for plan in work.order_runs(plans).values()]
    assert [
        (c.teaching.method, c.schedule.epochs, c.schedule.seed) for c in order
    ] == [
        (method, epochs, seed)
        for seed in (0, 1)
        for method, epochs in (
            ("baseline", 2),
            ("kd", 1),
            ("attention", 1),
            ("baseline", 1),
        )
    ]


def test_what_an_expert_failed_to_teach(base, monkeypatch):
    """Its students are told, and the others trained."""
    trained = []

    def run(plan, data):
        # The expert's own plan keeps the epochs that it is asked for.
        if plan.config.networks.expert_epochs == 3:
            raise OSError("No space left.")
        trained.append(plan.method.name)
        plan.folder.write(METRICS, {})

    monkeypatch.setattr(work, "run_or_read", run)
    monkeypatch.setattr(work, "load_data", lambda plan: None)
    kd, other = (
        resolve(base.replace(method="kd", expert_epochs=epochs))
        for epochs in (3, 2)
    )
    failed = {}
    work.train_all([kd, other], failed)
    assert [*failed] == [kd.expert.folder, kd.folder]
    assert failed[kd.folder] == "its expert: No space left."
    assert trained == ["baseline", "kd"]


def test_data_is_loaded_once(base, monkeypatch):
    loads = []

    def load(plan):
        loads.append(plan.load_arguments)
        return object()

    monkeypatch.setattr(work, "load_data", load)
    loaded = {}
    first = work._data(resolve(base), loaded)
    assert work._data(resolve(base.replace(method="kd")), loaded) is first
    assert len(loads) == 1
    assert work._data(resolve(base.replace(limit=20)), loaded) is not first
    assert [arguments["limit"] for arguments in loads] == [None, 20]


@pytest.mark.exhaustive
def test_workers_share_the_runs(flags, canned_runs, study_folder, capsys):
    """Two processes; each run and each expert is trained by one of them."""
    cells = ("baseline", "+ expert teacher")
    flags = [*flags, "--expert-epochs", "2", "--workers", "2"]
    assert main(["000/4.13", *flags, "--cells", *cells]) == 0
    assert "6 of 6 runs" in capsys.readouterr().out
    results = read_json(study_folder() / "results.json")
    assert all(cell["mean"] is not None for cell in results["cells"][:2])
    logs = [path.read_text() for path in study_folder().glob("worker*.log")]
    assert len(logs) == 2
    assert sum(log.count("\nRun: ") for log in logs) == 6
