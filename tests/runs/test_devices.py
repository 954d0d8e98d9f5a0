"""What several devices of JAX cannot train is told before it begins."""

import pytest

from keras_artkd.runs import hosts
from keras_artkd.runs.training import check_devices
from tests.runs.settings import small_plan


@pytest.mark.parametrize(
    ("method", "message"),
    [
        ("feature_distillation", "first stage without labels has one device"),
        ("ms_mgans", "training in phases has one device.*Fix: CUDA"),
    ],
)
def test_one_device(method, message, tmp_path, monkeypatch):
    plan = small_plan(
        "atelier", method=method, epochs=12, unlabelled_dir=str(tmp_path)
    )
    check_devices(plan)
    monkeypatch.setattr(hosts, "count_devices", lambda: 2)
    with pytest.raises(ValueError, match=message):
        check_devices(plan)
    check_devices(small_plan("atelier", method="kd"))
