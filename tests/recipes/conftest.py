"""What tests of recipes share: shorter runs, and arrays to run on."""

import numpy as np
import pytest

from recipes import common, delivery


@pytest.fixture
def short_runs(monkeypatch):
    """No exports and no report: `test_folder_end_to_end` looks at all."""
    monkeypatch.setattr(delivery, "EXPORTS", {})
    monkeypatch.setattr(common, "write_report", lambda run_dir: None)


@pytest.fixture
def arrays(tmp_path):
    """An .npz of four colours."""
    random = np.random.default_rng(0)
    sets = {}
    for split, count in (("train", 64), ("test", 16)):
        labels = np.arange(count) % 4
        images = random.integers(0, 120, (count, 16, 16, 3))
        images[np.arange(count), :, :, labels % 3] += 60
        sets[f"x_{split}"] = images.astype("uint8")
        sets[f"y_{split}"] = labels
    np.savez(tmp_path / "colours.npz", **sets)
    return tmp_path / "colours.npz"
