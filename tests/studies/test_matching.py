"""Baselines of equal augmentation and of equal arithmetic."""

import dataclasses

import pytest

from keras_artkd import models
from keras_artkd.measure.cost import count_multiply_adds
from keras_artkd.models.splitting import split_network
from keras_artkd.runs.plan import resolve
from keras_artkd.studies.matching import _shared, add_matched, training_cost
from keras_artkd.studies.registry import STUDIES
from keras_artkd.studies.study import Cell

SMALL = {
    "student": "wrn_10_1",
    "expert_network": "wrn_10_2",
    "epochs": 40,
    "image_size": 16,
}


def small(study, **changes):
    """What the study's runs share, of small networks."""
    return study.default("npz", "small").replace(**SMALL | changes)


def test_training_cost(tmp_path):
    """Three passes of what is trained, one of what only teaches."""
    student = count_multiply_adds(models.build("wrn_10_1", 10, (16, 16, 3)))
    expert = count_multiply_adds(models.build("wrn_10_2", 10, (16, 16, 3)))
    base = small(STUDIES["002/4.17"])

    def cost(**changes):
        return training_cost(resolve(base.replace(**changes)))

    assert cost() == 3 * student
    kd = 3 * student + expert
    assert cost(method="kd") == kd + 3 * expert
    assert cost(method="kd", expert_epochs=80) == kd + 6 * expert
    # Forward, backward to the image, and both once more, backward.
    twice = cost(method="gradient_attention")
    assert twice == 6 * student + 2 * expert + 3 * expert
    rotated = cost(method="kd", augment=("sla",))
    assert rotated == pytest.approx(4 * (kd + 3 * expert), rel=0.01)
    # Of an expert from a file, whatever its classes, the teaching alone.
    given = models.build("wrn_10_2", 3, (16, 16, 3))
    given.save(tmp_path / "expert.keras")
    path = str(tmp_path / "expert.keras")
    assert cost(method="kd", expert=path) == pytest.approx(kd, rel=0.01)
    booster = {"method": "rocket", "initial": "wrn_10_2"}
    assert cost(**booster) == 3 * student + 3 * expert
    assert cost(method="ddgsd") == 6 * student
    # Four times the images, and four times the classes.
    assert cost(augment=("sla",)) == pytest.approx(12 * student, rel=0.01)
    # Exits are trained with the rest.
    assert cost(method="skdsam") > 3 * student

    # A teacher whose terms weigh nothing: nobody would have trained it.
    both = {"method": "collaborative", "initial": "wrn_10_1", "head": "pool"}
    assert cost(**both, options={"alpha": 0, "beta": 0}) == 6 * student
    assert cost(**both, options={"alpha": 0}) == 6 * student + 4 * expert


def test_cost_of_a_training_in_phases():
    """By hand: of its blocks, its teachers' ends and its partner."""
    base = small(STUDIES["003/parts"], expert_epochs=40)
    parts = {}
    for role in ("student", "expert_network"):
        network = models.build(SMALL[role], 10, (16, 16, 3))
        names = ["group1", "group2", "group3"]
        split = split_network(network, names)
        parts[role] = [count_multiply_adds(part) for part in split]
    student, expert = parts.values()
    whole, taught = sum(student), sum(expert)
    tails = [sum(expert[block:]) for block in (1, 2, 3)]
    blocks = sum(
        sum(student[:i]) + 3 * student[i] + 2 * tails[i] + taught
        for i in range(3)
    )
    head = whole + 2 * student[-1] + taught
    # An epoch of each block and the head, and six mutual ones.
    mutual = 6 * (3 * whole + 3 * taught)
    adversaries = 6 * (2 * sum(tails) + taught)

    def cost(**changes):
        plan = resolve(base.replace(method="ms_mgans", **changes))
        return training_cost(plan) - 3 * taught

    bare = {"stages": 1, "adversarial": False}
    assert cost(**bare, mutual="none") == (blocks + head) // 4
    ten = blocks + head + mutual
    assert cost(**bare) == pytest.approx(ten / 10)
    assert cost(stages=1) == pytest.approx((ten + adversaries) / 10)
    # Four stages have as many epochs of each kind as one.
    assert cost() == cost(stages=1)


def test_a_method_that_mixes_its_images_is_matched_so():
    """With its own share, beside those that mix by another."""
    printed = STUDIES["002/4.17"]
    base = small(printed)
    cell = Cell("matched", {"method": "function_matching", "head": "pool"})
    study = dataclasses.replace(printed, cells=(*printed.cells, cell))
    study = add_matched(study, base, {})
    ((_, alone),) = (
        pair
        for pair in study.matched
        if pair[0] == cell.name and "epochs" not in pair[1]
    )
    assert alone == "wrn_10_1 + mixup (alpha 1) alone"
    plans = {c.name: study.plan(c, base, 0) for c in study.cells}
    assert plans[alone].augment == plans[cell.name].augment == ("mixup",)
    assert plans[alone].mixup_alpha == plans[cell.name].mixup_alpha == 1.0


def test_matched_baselines():
    printed = STUDIES["002/4.17"]
    base = small(printed)
    study = add_matched(printed, base, {})
    added = study.cells[len(printed.cells) :]
    alone, longer, mixed = (cell.name for cell in added)
    assert alone == "wrn_10_1 alone"
    # Mixup alone is in the table already; the plain baseline is not.
    plans = {cell.name: study.plan(cell, base, 0) for cell in study.cells}
    configs = {cell.name: plans[cell.name].config for cell in added}
    augmented = [c.augmentation.augment for c in configs.values()]
    assert augmented == [(), (), ("mixup",)]
    assert {plans[name].method.name for name in configs} == {"baseline"}
    assert [*study.matched] == [
        ("SKDSAM", alone),
        (longer, alone),
        ("SKDSAM", longer),
        ("Mixup+SKDSAM", "Mixup+cross_entropy"),
        (mixed, "Mixup+cross_entropy"),
        ("Mixup+SKDSAM", mixed),
    ]
    assert {study.against(cell) for cell in added} == {None}
    cost = training_cost(plans[alone])
    for method, name in (("SKDSAM", longer), ("Mixup+SKDSAM", mixed)):
        epochs = round(40 * training_cost(plans[method]) / cost)
        assert configs[name].schedule.epochs == epochs > 40
        assert f"{epochs} epochs" in name


def test_nothing_to_match_where_nothing_teaches():
    printed = STUDIES["002/4.17"]
    nothing = dataclasses.replace(
        printed, cells=printed.cells[1:2], reference=None
    )
    assert add_matched(nothing, small(printed), {}).cells == nothing.cells


def test_who_can_do_with_the_same_epochs():
    needed = {"a": 31, "b": 100, "c": 104, "d": 97, "e": 60, "f": 30}
    # The most of those within a twentieth; hardly more than 30 is none.
    assert _shared(needed, 30) == {104: ["c", "b"], 97: ["d"], 60: ["e"]}
    assert _shared({}, 30) == {}


def test_methods_of_equal_arithmetic_share_a_baseline():
    study = STUDIES["000/parts"]
    study = add_matched(study, small(study, initial="wrn_10_1"), {})
    longer = {}
    for method, baseline in study.matched:
        if "epochs" in baseline and "epochs" not in method:
            longer.setdefault(baseline, []).append(method)
    epochs = {
        method: int(name.split()[-2])
        for name, methods in longer.items()
        for method in methods
    }
    by_expert = epochs["only the expert's L2"]
    assert epochs["only the expert"] == by_expert
    assert epochs["all but attention"] == epochs["all but L2"] == epochs["all"]
    # Its expert's terms weigh nothing.
    assert epochs["all but the expert"] == epochs["only the initial teacher"]
    assert epochs["all but the expert"] < by_expert < epochs["all"]
    # AWGram alone costs next to nothing: it has the plain baseline.
    assert ("only AWGram", "student alone") in study.matched
    assert "only AWGram" not in epochs


def test_rotations_are_matched_by_rotations():
    """Whether the recipe turns the images or the method itself."""
    study = STUDIES["002/4.8"]
    names = ("cross_entropy", "BYOT", "SLA-SD")
    study = dataclasses.replace(
        study,
        cells=tuple(c for c in study.cells if c.name in names),
        subjects=(),
    )
    study = add_matched(study, small(study), {})
    cells = {cell.name: cell for cell in study.cells}
    plain = dict(study.matched[::-1])
    assert cells[plain["SLA-SD"]].changes["augment"] == ("sla",)
    # Its own head answers for the upright image, as the student would.
    assert not cells[plain["SLA-SD"]].aggregated
    assert plain["BYOT"] == "cross_entropy"


def test_what_is_measured_over_rotations_has_to_beat_what_is():
    printed = STUDIES["002/4.19"]
    study = add_matched(printed, small(printed), {})
    cells = {cell.name: cell for cell in study.cells}
    for method, baseline in study.matched:
        assert cells[method].aggregated == cells[baseline].aggregated
    longer = [c for c in study.cells if c.added and c.aggregated]
    assert len(longer) == 1 and not longer[0].published
    assert "epochs" in longer[0].changes
