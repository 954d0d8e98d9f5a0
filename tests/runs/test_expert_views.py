"""An expert's answers, computed once and kept."""

import numpy as np
import pytest

from keras_artkd.data.store import ImageStore
from keras_artkd.models.resizing import resize_like
from keras_artkd.runs.expert_views import record_expert
from keras_artkd.runs.networks import check_student
from keras_artkd.runs.plan import resolve
from keras_artkd.runs.runner import run
from keras_artkd.runs.validation import check_plan
from tests.runs.paintings import make_expert
from tests.runs.settings import small, small_plan


def plan(**changes):
    return small_plan(
        "atelier", **{"method": "kd", "expert_views": 2, **changes}
    )


def noise():
    rng = np.random.default_rng(0)
    pixels = rng.integers(0, 256, (9, 18, 20, 3), dtype="uint8")
    return ImageStore.from_array(
        pixels, np.zeros(9), [f"{i}" for i in range(9)]
    )


def test_answers_are_the_experts_at_its_own_size(tmp_path):
    expert, images = make_expert(), noise()
    expert.save(path := tmp_path / "student.keras")
    views = record_expert(plan(), images, expert, path)
    seen = np.concatenate(list(views.images(images, 16, 4)))
    said = expert.predict(resize_like(seen, expert), verbose=0)
    np.testing.assert_allclose(
        views.answers["expert"].reshape(18, 4), said, rtol=1e-5, atol=1e-5
    )


def test_answers_are_kept_until_expert_images_or_views_change(tmp_path, capsys):
    expert, images = make_expert(), noise()
    expert.save(path := tmp_path / "student.keras")

    def computes(plan, images):
        record_expert(plan, images, expert, path)
        return "Recording the expert" in capsys.readouterr().out

    assert computes(plan(), images)
    # Of another student, and for another method.
    assert not computes(plan(seed=7, method="dkd", epochs=3), images)
    assert computes(plan(expert_views=3), images)
    assert computes(plan(), images.take(np.arange(5)))
    assert computes(plan(image_size=12), images)
    make_expert().save(path)
    assert computes(plan(), images)


def test_a_damaged_file_is_written_anew(tmp_path, capsys):
    expert, images = make_expert(), noise()
    expert.save(path := tmp_path / "student.keras")
    whole = record_expert(plan(), images, expert, path).answers["expert"]
    file = next(tmp_path.glob("*.npz"))
    file.write_bytes(file.read_bytes()[:100])
    again = record_expert(plan(), images, expert, path).answers["expert"]
    assert "it is written anew" in capsys.readouterr().out
    np.testing.assert_array_equal(again, whole)


def test_a_run_with_recorded_answers(arrays, tmp_path, short_runs, capsys):
    """Its expert is tested, and its answers serve the next run."""
    config = small(
        "npz",
        method="kd",
        expert_views=2,
        data_dir=str(arrays),
        workdir=str(tmp_path),
        exports=False,
    )
    metrics = run(resolve(config))
    expert = resolve(config).expert.folder.metrics
    assert metrics["expert"]["test_accuracy"] == expert["test"]["accuracy"]
    capsys.readouterr()
    run(resolve(config.replace(seed=0, options={"alpha": 0.5})))
    assert "Recording" not in capsys.readouterr().out


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"method": "baseline"}, "has no expert"),
        ({"method": "ms_mgans", "epochs": 12}, "not single views"),
        ({"method": "kd+cs_kd"}, "not single views"),
        ({"augment": ("mixup",)}, "changes images anew"),
        ({"method": "function_matching"}, "changes images anew"),
    ],
)
def test_what_cannot_be_recorded(changes, message):
    with pytest.raises(ValueError, match=message):
        check_plan(plan(**changes))


def test_a_method_of_maps_is_told_before_the_training():
    with pytest.raises(ValueError, match="fitnet.*leave out --expert-views"):
        check_student(plan(method="fitnet"))


def test_views_are_part_of_what_a_run_is():
    assert plan().folder != plan(expert_views=None).folder
    given = {"expert": "e.keras"}
    assert plan(**given).folder != plan(**given, expert_views=8).folder
    # The expert's own run is the same one.
    assert plan().expert.folder == plan(expert_views=None).expert.folder
    alone = plan(method="baseline")
    assert alone.folder == plan(method="baseline", expert_views=None).folder
