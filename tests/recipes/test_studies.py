"""The papers' tables as studies: what they hold, and how they are judged."""

import dataclasses
import itertools
import shlex

import numpy as np
import pytest

from keras_artkd import models
from keras_artkd.cost import count_multiply_adds
from recipes.catalogue import recipe_presets
from recipes.config import Config
from recipes.flags import parse_flags
from recipes.studying.comparing import (
    adjust,
    compare,
    crossed_interval,
    judge_order,
    seed_interval,
)
from recipes.studying.descriptions import DESCRIBED, describe
from recipes.studying.matching import add_matched, training_cost
from recipes.studying.published import published_tables
from recipes.studying.registry import STUDIES, find_study, listing
from recipes.studying.study import BUDGETS, RECIPES, Cell, Study, check_cells

SMALL = {"student": "wrn_10_1", "expert_network": "wrn_10_2", "epochs": 40}


def folder_of(key, cell, recipe="folder"):
    study = STUDIES[key]
    (cell,) = [c for c in study.cells if c.name == cell]
    return study.config(cell, study.default(recipe, "small"), 0).run_dir


def test_every_table_and_figure_is_there():
    tables = published_tables()
    assert len(tables) == 49
    assert {*tables} <= {*STUDIES} | {*DESCRIBED}
    assert not {*STUDIES} & {*DESCRIBED}
    figures = [4, 5, 6, 8, 9, 10, 11, 12, 14]
    for key in [*tables, *(f"000/fig4.{number}" for number in figures)]:
        study = find_study(key)
        assert study is None or key in (study.key, *study.also)
        assert key in listing()
    with pytest.raises(ValueError, match="Received: '000/4.31'. Perhaps"):
        find_study("000/4.31")


def test_published_numbers_reach_their_cells():
    def published(key, name, dataset):
        cells = {cell.name: cell for cell in STUDIES[key].cells}
        return cells[name].published[dataset]

    paintings, photographs = "MultitaskPainting100k", "CIFAR-100"
    assert published("000/4.4", "alpha 1.5, beta 0.2", paintings) == 66.83
    assert published("000/4.4", "alpha 2.5, beta 0.1", paintings) == 64.88
    assert published("000/4.13", "+ initial teacher", paintings) == 64.71
    assert published("001/3", "VGG13 to VGG8: PR-DKD", photographs) == 75.33
    assert published("002/4.7", "SKDSAM+Cutout", "Tiny ImageNet") == 62.61
    assert published("002/4.12", "ResNet34: DIANet", photographs) == 77.1
    assert published("002/4.15", "T' = 2, T = 4", photographs) == 79.86
    # Every number of every table that is trained, once.
    for key, study in STUDIES.items():
        table = published_tables().get(key)
        if table is None or len(study.cells) == 1:
            continue
        shown = [v for c in study.cells for v in c.published.values()]
        printed = [
            value
            for row in table.rows
            for name, value in zip(table.columns, row, strict=True)
            if isinstance(value, float)
            and name not in ("beta", "delta", "lambda")
            and not name.startswith("d_")
        ]
        assert sorted(shown) == sorted(printed), key


@pytest.mark.parametrize("key", STUDIES)
def test_cells_are_configurations(key):
    """Of different runs, at every budget, on the paper's data and others."""
    study = STUDIES[key]
    recipes = [RECIPES[name] for name in study.datasets] + ["folder"]
    for recipe, budget in itertools.product(recipes, BUDGETS):
        base = study.default(recipe, budget)
        assert base.recipe == recipe and not base.exports
        runs = {study.config(cell, base, 0).run_dir for cell in study.cells}
        assert len(runs) == len(study.cells)
    check_cells(study, base, {})


@pytest.mark.parametrize("recipe", ["folder", "npz", "cifar100"])
@pytest.mark.parametrize("budget", BUDGETS)
def test_commands_give_the_runs(recipe, budget):
    """What a page has as the command of a run is that run."""
    own = next(iter(recipe_presets(recipe).values()))
    for study in (
        STUDIES[k] for k in ("000/4.13", "001/3", "001/5", "002/4.8")
    ):
        base = study.default(recipe, budget)
        for cell in study.cells:
            config = study.config(cell, base, 1)
            words = shlex.split(config.command())[3:]
            again = parse_flags(Config, own, "", words)
            assert again.run_dir == config.run_dir, words
            if config.trains_expert:
                expert = again.expert_config().run_dir
                assert expert == config.expert_config().run_dir


def test_studies_share_their_runs():
    ours = folder_of("000/4.13", "+ AWGram")
    assert ours == folder_of("000/4.4", "alpha 1.5, beta 0.2")
    assert ours == folder_of("000/4.5", "F_sum_2")
    assert ours == folder_of("000/4.8", "cosine")
    assert ours == folder_of("000/fig4.4", "T = 4")
    assert ours == folder_of("000/parts", "all")
    assert ours != folder_of("000/parts", "all but L2")
    alone = folder_of("000/4.13", "baseline")
    assert alone == folder_of("000/parts", "student alone")
    assert folder_of("002/4.21", "beta = 100") == folder_of("002/4.7", "SKDSAM")


def test_budgets():
    study = STUDIES["000/4.10"]
    paper = study.default("painting100k", "paper")
    assert (paper.student, paper.epochs) == ("wrn_16_1", 200)
    assert paper.image_size == 64
    small = study.default("folder", "small")
    # The table is about these networks.
    assert (small.student, small.expert_network) == ("wrn_16_1", "wrn_40_1")
    assert small.epochs < paper.epochs
    own = study.default("atelier", "own")
    assert (own.student, own.epochs, own.dataset) == (
        *("wrn_16_1", 200),
        "atelier",
    )
    # The paper's schedule and networks, whatever the data.
    other = STUDIES["002/4.7"].default("folder", "paper")
    assert (other.recipe, other.dataset) == ("folder", "folder")
    assert (other.student, other.epochs) == ("resnet18", 250)
    assert (other.learning_rate, other.drop_factor) == (0.1, 0.1)
    arrays = study.default("npz", "paper")
    assert arrays.keep_size and arrays.image_size == 32
    assert arrays.student == "wrn_16_1"
    # One schedule for all columns of a table.
    two = [
        STUDIES["002/4.8"].default(recipe, "small")
        for recipe in ("cifar100", "tiny_imagenet")
    ]
    assert two[0].first_rate == two[1].first_rate == 0.05
    assert two[0].drops == two[1].drops
    schedule = STUDIES["001/3"].default("cifar100", "paper")
    assert (schedule.epochs, schedule.batch_size) == (270, 256)
    selfie = STUDIES["002/4.7"].default("cifar100", "paper")
    assert (selfie.student, selfie.learning_rate) == ("resnet18", 0.1)
    with pytest.raises(ValueError, match="Received: 'large'"):
        study.default("folder", "large")
    with pytest.raises(ValueError, match="Received: 'attic'"):
        study.default("attic", "small")


def test_teachers_of_thesis_000_are_one_network():
    """Its sections 4.3.2 to 4.3.5: initial and expert teacher alike."""
    for study in STUDIES.values():
        if study.key.startswith("000"):
            for budget in BUDGETS:
                base = study.default("folder", budget)
                assert base.initial == base.expert_network != base.student


def test_options_of_one_method():
    study = STUDIES["002/4.8"]
    base = study.default("cifar100", "small")
    given = {"skdsam.feature_weight": 1.0}
    options = {
        cell.name: study.config(cell, base, 0, given).options
        for cell in study.cells
    }
    assert (
        options["SKDSAM"] == options["SKDSAM+Cutout"] == {"feature_weight": 1}
    )
    assert options["BYOT"] == options["cross_entropy"] == {}
    # What a cell is about stays.
    grid = STUDIES["002/4.21"]
    config = grid.config(grid.cells[0], base, 0, given)
    assert config.options == {"feature_weight": 50}
    for wrong in (
        {"feature_weight": 1},
        {"skdsam.foo": 1},
        {"foo.bar": 1},
        {"pkt.beta": 1},
    ):
        with pytest.raises(ValueError, match="Received"):
            check_cells(study, base, wrong)
    augmented = dataclasses.replace(base, augment=("cutout",))
    with pytest.raises(ValueError, match="'SKDSAM' and 'SKDSAM.Cutout' the"):
        check_cells(study, augmented, {})


def test_a_study_names_its_own_cells():
    cell = Cell("a", {"method": "baseline"})
    with pytest.raises(ValueError, match="share a name"):
        Study("x/1", "", (cell, cell), ("WikiArt",))
    with pytest.raises(ValueError, match="no cells {'b'}"):
        Study("x/1", "", (cell,), ("WikiArt",), claims=(("a", "b"),))


def test_expected_order():
    study = STUDIES["001/4"]
    pairs = study.expected_order("CIFAR-100")
    label = "ResNet50 to MobileNet-V2"
    assert (f"{label}: KD", f"{label}: DKD") in pairs
    assert (f"{label}: DKD", f"{label}: KD") not in pairs
    # Methods for different networks are not compared.
    assert all(a.split(":")[0] == b.split(":")[0] for a, b in pairs)
    claimed = STUDIES["000/4.6"].expected_order("Pandora18k")
    assert ("pearson", "plain Gram matrix") in claimed
    assert ("pearson", "cosine") in claimed


def test_intervals():
    low, high = seed_interval([1.0, 2.0, 3.0])
    # Student's t with two degrees of freedom: 4.3027.
    half = 4.302653 / 3**0.5
    np.testing.assert_allclose((low, high), (2 - half, 2 + half), rtol=1e-6)
    assert seed_interval([1.0]) is None
    gains = np.random.default_rng(0).integers(-1, 2, (3, 200))
    (low, high), p_value = crossed_interval(gains)
    centre, width = gains.mean(), high - low
    np.testing.assert_allclose((low + high) / 2, centre)
    for means in (gains.mean(axis=0), gains.mean(axis=1)):
        alone = np.ptp(seed_interval(means))
        assert width > alone
    squares = [np.ptp(seed_interval(gains.mean(axis=i))) ** 2 for i in (0, 1)]
    np.testing.assert_allclose(width, sum(squares) ** 0.5)
    # The level at which it reaches zero.
    edge, _ = crossed_interval(gains, 1 - p_value)
    np.testing.assert_allclose(min(abs(end) for end in edge), 0, atol=1e-6)
    # One seed: the images alone.
    one, _ = crossed_interval(gains[:1])
    np.testing.assert_allclose(one, seed_interval(gains[0]))
    assert crossed_interval(np.ones((3, 20))) == (None, None)


@pytest.mark.parametrize("seeds", [1, 3])
@pytest.mark.parametrize("spread", [0.0, 0.05])
def test_intervals_hold_the_truth(seeds, spread):
    """Of other seeds and images, nineteen times of twenty or more."""
    rng = np.random.default_rng(seeds)
    held = 0
    for _ in range(400):
        gains = 0.02 + rng.normal(0, 0.3, (1, 100))
        gains = gains + rng.normal(0, 0.5, (seeds, 100))
        if seeds > 1:
            gains += rng.normal(0, spread, (seeds, 1))
        (low, high), _ = crossed_interval(gains)
        held += low <= 0.02 <= high
    assert held / 400 > 0.92


def test_holm():
    np.testing.assert_allclose(adjust([0.01, 0.04, 0.03]), [0.03, 0.06, 0.06])
    assert adjust([0.9, 0.8]) == [1.0, 1.0]
    assert adjust([]) == []


def measured(accuracy, images=400, seeds=(0, 1, 2)):
    """A cell as `compare` takes it, of about that accuracy."""
    result = {}
    for seed in seeds:
        correct = np.arange(images) < round(accuracy * images)
        correct[seed % 3] = False
        result[seed] = correct.mean(), correct
    return result


def test_differences_are_paired_by_seed():
    a, b = measured(0.5), measured(0.6, seeds=(1, 2, 3))
    difference = compare((a, b))
    assert difference.seeds == (1, 2)
    np.testing.assert_allclose(difference.mean, 0.1)
    np.testing.assert_allclose(difference.each, 0.1)
    assert difference.over_both[0] > 0
    assert compare((a, {7: b[1]})) is None
    # Without predictions there are the seeds.
    bare = {seed: (share, None) for seed, (share, _) in b.items()}
    difference = compare((a, bare))
    assert difference.over_both is None and difference.p_value is None
    np.testing.assert_allclose(difference.over_seeds, (0.1, 0.1))


def test_a_part_is_the_mean_of_its_differences():
    """With and without it, beside the others and alone."""
    cells = [measured(share) for share in (0.3, 0.5, 0.6, 0.7)]
    pairs = (cells[0], cells[1]), (cells[2], cells[3])
    difference = compare(*pairs)
    np.testing.assert_allclose(difference.mean, 0.15)
    np.testing.assert_allclose(difference.each, 0.15)
    gains = [
        np.mean([b[s][1] * 1.0 - a[s][1] for a, b in pairs], axis=0)
        for s in range(3)
    ]
    assert difference.over_both == crossed_interval(gains)[0]
    assert compare(pairs[0], (cells[2], {})) is None


def test_verdicts():
    pairs = [("low", "high"), ("middle", "high")]
    cells = {name: {} for name in ("low", "middle", "high")}
    assert "none of its 2 pairs" in judge_order(pairs, cells)["verdict"]
    cells["low"], cells["high"] = measured(0.3), measured(0.7)
    some = judge_order(pairs, cells)
    assert (some["measured"], some["shown"]) == (1, [("low", "high")])
    assert some["verdict"].startswith("The paper's order held in part")
    assert "1 are not measured" in some["verdict"]
    cells["middle"] = measured(0.5)
    assert judge_order(pairs, cells)["verdict"].startswith(
        "The paper's order held."
    )
    cells["middle"] = measured(0.6975)
    close = judge_order(pairs, cells)
    assert close["in_order"] == 2 and len(close["shown"]) == 1
    assert "though not beyond chance throughout" in close["verdict"]
    cells["middle"] = measured(0.9)
    wrong = judge_order(pairs, cells)
    assert wrong["contradicted"] == [("middle", "high")]
    assert "did not hold: high is below middle." in wrong["verdict"]
    cells["low"] = cells["middle"] = cells["high"] = measured(0.5)
    assert "cannot be told" in judge_order(pairs, cells)["verdict"]


def test_a_single_pair_of_many_is_no_proof():
    """Chance alone puts one pair of twenty beyond its own interval."""
    rng = np.random.default_rng(3)
    cells = {
        str(i): {0: ((c := rng.random(200) < 0.5).mean(), c)} for i in range(12)
    }
    pairs = list(itertools.combinations(cells, 2))
    order = judge_order(pairs, cells)
    assert order["measured"] == 66
    assert not order["shown"] and not order["contradicted"]


def test_settings_are_looked_up():
    for key in DESCRIBED:
        header, rows = describe(key)
        assert header[-1] == "here"
        assert all(len(row) == len(header) for row in rows)
        assert any(row[-1] for row in rows), key
    header, rows = describe("000/4.9")
    for _, paper, here in rows:
        # It mixes counts for several numbers of classes.
        assert abs(float(paper) - float(here)) < 0.1
    rows = dict((row[0], row[-1]) for row in describe("000/4.3")[1])
    assert (rows["epochs"], rows["learning_rate"]) == ("200", "0.01")


@pytest.fixture
def base():
    study = STUDIES["002/4.17"]
    return dataclasses.replace(
        study.default("npz", "small"), image_size=16, **SMALL
    )


def test_training_cost(base, tmp_path):
    """Three passes of what is trained, one of what only teaches."""
    student = count_multiply_adds(models.build("wrn_10_1", 10, (16, 16, 3)))
    expert = count_multiply_adds(models.build("wrn_10_2", 10, (16, 16, 3)))

    def cost(**changes):
        return training_cost(dataclasses.replace(base, **changes))

    assert cost() == 3 * student
    kd = 3 * student + expert
    assert cost(method="kd") == kd + 3 * expert
    assert cost(method="kd", expert_epochs=80) == kd + 6 * expert
    rotated = cost(method="kd", augment=("sla",))
    assert rotated == pytest.approx(4 * cost(method="kd"), rel=0.01)
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


def test_matched_baselines(base):
    study = add_matched(STUDIES["002/4.17"], base, {})
    added = study.cells[len(STUDIES["002/4.17"].cells) :]
    names = [cell.name for cell in added]
    assert names == [
        "wrn_10_1 alone",
        "wrn_10_1 alone, as much arithmetic as SKDSAM",
        "wrn_10_1 + mixup alone, as much arithmetic as Mixup+SKDSAM",
    ]
    # Mixup alone is in the table already; the plain baseline is not.
    configs = [study.config(cell, base, 0) for cell in added]
    assert [c.augment for c in configs] == [(), (), ("mixup",)]
    assert {c.method for c in configs} == {"baseline"}
    method = dataclasses.replace(base, method="skdsam")
    ratio = training_cost(method) / training_cost(base)
    assert configs[1].epochs == round(base.epochs * ratio) > base.epochs
    # Nothing to match where nothing teaches.
    alone = dataclasses.replace(study, cells=study.cells[1:2], reference=None)
    assert add_matched(alone, base, {}).cells == alone.cells
