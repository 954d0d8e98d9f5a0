"""Shorter runs for tests of other things."""

import pytest

from recipes import common, delivery


@pytest.fixture
def short_runs(monkeypatch):
    """One export and no report: `test_folder_end_to_end` looks at all."""
    kept = {"tflite": delivery.EXPORTS["tflite"]}
    monkeypatch.setattr(delivery, "EXPORTS", kept)
    monkeypatch.setattr(common, "write_report", lambda run_dir: None)
