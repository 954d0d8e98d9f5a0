"""Shorter runs for tests of other things."""

import pytest

from recipes import common


@pytest.fixture
def short_runs(monkeypatch):
    """One export and no report: `test_folder_end_to_end` looks at all."""
    kept = {"tflite": common.EXPORTS["tflite"]}
    monkeypatch.setattr(common, "EXPORTS", kept)
    monkeypatch.setattr(common, "write_report", lambda run_dir: None)
