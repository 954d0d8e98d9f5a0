"""Methods by name: mistakes are explained, and joined methods fit."""

import pytest

from keras_artkd.catalogue.methods import get_method
from keras_artkd.distillers import METHODS, build
from tests.distillers.networks import plain, untrained


def test_unknown_method_lists_the_known():
    with pytest.raises(ValueError, match=r"ab, attention, b.*'karate'\.$"):
        build("karate", plain())
    with pytest.raises(ValueError, match="'kd.skdasm'. Perhaps .* skdsam"):
        get_method("kd+skdasm")


def test_unknown_option_lists_the_known():
    with pytest.raises(
        ValueError, match="temperature, alpha.*Received: sharpness"
    ):
        untrained("kd", sharpness=1)


def test_missing_teachers_are_named():
    with pytest.raises(
        ValueError, match="'kd' needs expert_teacher.*`expert=`, a trained.*k.$"
    ):
        build("kd", plain())
    with pytest.raises(
        ValueError, match="needs expert_teacher and initial_teacher"
    ):
        build("collaborative", plain())


@pytest.mark.parametrize(
    ("method", "options", "message"),
    [
        ("ofd", {"margins": "wide"}, "batch_norm, estimated.*'wide'"),
        ("fitnet", {"hint": 0}, "from 1.*hint=0"),
        ("dkd", {"warmup": 0}, "`epochs` must be positive.*epochs=0"),
        ("ab", {"first_stage": -1}, "`epochs` must be positive.*epochs=-1"),
        ("kd", {"alpha": 5.0}, "`alpha` must lie in .0, 1.*alpha=5.0"),
        ("crd", {"num_negatives": 2.5}, "`num_negatives` must be a whole"),
        ("kd+kd", {}, "different ones joined as in kd[+]rkd.*'kd[+]kd'"),
        ("kd+karate", {}, "ab, attention, b.*'kd[+]karate'"),
        ("mixed+equation", {}, "pseudo-labels of one.*mixed, equation"),
        ("pseudo_hard", {"threshold": 1.5}, "in .0, 1.*threshold=1.5"),
        ("pseudo_soft", {"temperature": 0}, "temperature=0"),
        ("equation", {"weight": 0}, "`weight` must be positive.*weight=0"),
        ("mixed", {"share": -1}, "`share` must lie in .0, 1.*share=-1"),
        ("kd+rkd", {"alpha": 1.0}, "kd.alpha, rkd.beta.*Received: alpha"),
    ],
)
def test_bad_settings(method, options, message):
    with pytest.raises(ValueError, match=message):
        untrained(method, **options)


def test_options_of_epochs_shrink_with_the_training():
    """Warm-ups are meant for 240 epochs; longer ones keep them."""
    assert METHODS["dkd"].options_for(240) == {}
    assert METHODS["dkd"].options_for(270) == {}
    assert METHODS["dkd"].options_for(12) == {"warmup": 1.0}
    assert METHODS["ab"].options_for(24) == {"first_stage": 3.0}
    assert METHODS["kd"].options_for(24) == {}
    assert get_method("kd+dkd+ab").options_for(120) == {
        "dkd.warmup": 10.0,
        "ab.first_stage": 15.0,
    }


def test_terms_of_one_name_are_told_apart():
    """Both methods have a `kd`; the options of each are its own."""
    distiller = untrained(
        "kd+collaborative", **{"collaborative.temperature": 2.0}
    )
    names = [loss.name for loss in distiller.transfer_losses]
    assert names[:2] == ["kd", "collaborative_kd"]
    first, second = distiller.transfer_losses[:2]
    assert (first.temperature, first.teacher) == (4.0, "expert")
    assert (second.temperature, second.teacher) == (2.0, "initial")
    assert get_method("kd+collaborative").head == "awgram"
