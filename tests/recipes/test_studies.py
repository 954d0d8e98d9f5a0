"""The papers' tables as studies: what they hold, and how they are judged."""

import dataclasses
import itertools
import shlex

import numpy as np
import pytest

from keras_artkd import models
from keras_artkd.cost import count_multiply_adds
from keras_artkd.files import write_json
from recipes.catalogue import recipe_presets
from recipes.config import Config
from recipes.flags import parse_flags
from recipes.studying.comparing import (
    adjust,
    compare,
    crossed_interval,
    judge_order,
    mean_interval,
)
from recipes.studying.descriptions import DESCRIBED, describe
from recipes.studying.matching import _shared, add_matched, training_cost
from recipes.studying.published import published_tables
from recipes.studying.rates import (
    best_rate,
    check_rates,
    shares,
    trials,
    with_rate,
)
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
    """Of what a table is about, not of everything that it prints."""
    study = STUDIES["001/4"]
    pairs = study.expected_order("CIFAR-100")
    label = "ResNet50 to MobileNet-V2"
    assert (f"{label}: KD", f"{label}: PR-DKD") in pairs
    assert (f"{label}: PR-DKD", f"{label}: KD") not in pairs
    assert all("PR-DKD" in a + b for a, b in pairs)
    # Methods for different networks are not compared.
    assert all(a.split(":")[0] == b.split(":")[0] for a, b in pairs)
    # Where others are above, that is the paper's order too.
    published = {c.name: c.published.get("CIFAR-100") for c in study.cells}
    for lower, higher in pairs:
        assert published[lower] < published[higher]
    assert any("PR-DKD" in lower for lower, _ in pairs)
    claimed = STUDIES["000/4.6"].expected_order("Pandora18k")
    assert ("pearson", "plain Gram matrix") in claimed
    assert ("pearson", "cosine") in claimed
    # A grid: nothing is above its best.
    best = "alpha 1.5, beta 0.2"
    grid = STUDIES["000/4.4"].expected_order("MultitaskPainting100k")
    assert len(grid) == 24 and {higher for _, higher in grid} == {best}
    # An ablation: step by step.
    steps = STUDIES["000/4.13"].expected_order("MultitaskPainting100k")
    assert len(steps) == 4
    assert ("+ attention maps", "+ initial teacher") in steps
    others = STUDIES["002/4.8"].expected_order("CIFAR-100")
    assert ("cross_entropy", "SKDSAM") in others
    assert ("SKDSAM", "SKDSAM+Cutout") in others
    assert all("SKDSAM" in (a, b) for a, b in others)


def test_intervals():
    low, high = mean_interval([1.0, 2.0, 3.0])
    # Student's t with two degrees of freedom: 4.3027.
    half = 4.302653 / 3**0.5
    np.testing.assert_allclose((low, high), (2 - half, 2 + half), rtol=1e-6)
    assert mean_interval([1.0]) is None
    gains = np.random.default_rng(0).integers(-1, 2, (3, 200))
    (low, high), p_value = crossed_interval(gains)
    centre, width = gains.mean(), high - low
    np.testing.assert_allclose((low + high) / 2, centre)
    for means in (gains.mean(axis=0), gains.mean(axis=1)):
        alone = np.ptp(mean_interval(means))
        assert width > alone
    squares = [np.ptp(mean_interval(gains.mean(axis=i))) ** 2 for i in (0, 1)]
    np.testing.assert_allclose(width, sum(squares) ** 0.5)
    # The level at which it reaches zero.
    edge, _ = crossed_interval(gains, 1 - p_value)
    np.testing.assert_allclose(min(abs(end) for end in edge), 0, atol=1e-6)
    assert crossed_interval(np.ones((3, 20))) == (None, None)


@pytest.mark.parametrize("spread", [0.0, 0.05])
def test_intervals_hold_the_truth(spread):
    """Of other seeds and images, nineteen times of twenty or more."""
    rng = np.random.default_rng(3)
    held = 0
    for _ in range(400):
        gains = 0.02 + rng.normal(0, 0.3, (1, 100))
        gains = gains + rng.normal(0, 0.5, (3, 100))
        gains += rng.normal(0, spread, (3, 1))
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
    assert difference.over_images is None
    assert difference.over_both is None and difference.p_value is None
    np.testing.assert_allclose(difference.over_seeds, (0.1, 0.1))
    # One seed says how sure the images are, and nothing of other seeds.
    one = compare(({1: a[1]}, {1: b[1]}))
    gains = b[1][1] * 1.0 - a[1][1]
    assert one.over_images == mean_interval(gains)
    assert one.over_seeds is one.over_both is one.p_value is None


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
    assert "held in part; the rest cannot be told" in close["verdict"]
    cells["low"] = cells["middle"]
    near = judge_order(pairs, cells)
    assert near["in_order"] == 2 and not near["shown"]
    assert near["verdict"].startswith("Whether the paper's order holds cannot")
    cells["low"] = measured(0.3)
    cells["middle"] = measured(0.9)
    wrong = judge_order(pairs, cells)
    assert wrong["contradicted"] == [("middle", "high")]
    assert "did not hold: high is below middle." in wrong["verdict"]
    # However far apart, one seed is none.
    single = {name: {0: cell[0]} for name, cell in cells.items()}
    judged = judge_order(pairs, single)
    assert not judged["contradicted"] and not judged["shown"]
    assert "a single seed is no proof" in judged["verdict"]
    cells["low"] = cells["middle"] = cells["high"] = measured(0.5)
    assert "cannot be told" in judge_order(pairs, cells)["verdict"]


def test_a_single_pair_of_many_is_no_proof():
    """Chance alone puts one pair of twenty beyond its own interval."""
    rng = np.random.default_rng(3)
    cells = {
        str(i): {
            seed: ((c := rng.random(200) < 0.5).mean(), c) for seed in range(3)
        }
        for i in range(12)
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

    # A teacher whose terms weigh nothing: nobody would have trained it.
    both = {"method": "collaborative", "initial": "wrn_10_1"}
    weightless = cost(**both, head="pool", options={"alpha": 0, "beta": 0})
    assert weightless == 6 * student
    assert cost(**both, head="pool", options={"alpha": 0}) == (
        6 * student + 4 * expert
    )


def test_matched_baselines(base):
    printed = STUDIES["002/4.17"]
    study = add_matched(printed, base, {})
    added = study.cells[len(printed.cells) :]
    costs = {
        cell.name: training_cost(study.config(cell, base, 0))
        for cell in study.cells
    }
    alone = "wrn_10_1 alone"
    longer, mixed = (cell.name for cell in added[1:])
    assert [cell.name for cell in added] == [alone, longer, mixed]
    # Mixup alone is in the table already; the plain baseline is not.
    configs = {c.name: study.config(c, base, 0) for c in added}
    assert [c.augment for c in configs.values()] == [(), (), ("mixup",)]
    assert {c.method for c in configs.values()} == {"baseline"}
    assert [*study.matched] == [
        ("SKDSAM", alone),
        (longer, alone),
        ("SKDSAM", longer),
        ("Mixup+SKDSAM", "Mixup+cross_entropy"),
        (mixed, "Mixup+cross_entropy"),
        ("Mixup+SKDSAM", mixed),
    ]
    assert {study.against(cell) for cell in added} == {None}
    for method, name in (("SKDSAM", longer), ("Mixup+SKDSAM", mixed)):
        epochs = base.epochs * costs[method] / costs[alone]
        assert configs[name].epochs == round(epochs)
        assert f"{configs[name].epochs} epochs" in name
        assert configs[name].epochs > base.epochs
    # Nothing to match where nothing teaches.
    nothing = dataclasses.replace(
        printed, cells=printed.cells[1:2], reference=None
    )
    assert add_matched(nothing, base, {}).cells == nothing.cells


def test_who_can_do_with_the_same_epochs():
    needed = {"a": 31, "b": 100, "c": 104, "d": 97, "e": 60, "f": 30}
    # The most of those within a twentieth; hardly more than 30 is none.
    assert _shared(needed, 30) == {104: ["c", "b"], 97: ["d"], 60: ["e"]}
    assert _shared({}, 30) == {}


def test_methods_of_equal_arithmetic_share_a_baseline():
    study = STUDIES["000/parts"]
    base = dataclasses.replace(
        study.default("npz", "small"),
        **SMALL | {"initial": "wrn_10_1", "image_size": 16},
    )
    study = add_matched(study, base, {})
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
    base = dataclasses.replace(
        study.default("npz", "small"), image_size=16, **SMALL
    )
    names = ("cross_entropy", "BYOT", "SLA-SD")
    study = dataclasses.replace(
        study,
        cells=tuple(c for c in study.cells if c.name in names),
        subjects=(),
    )
    study = add_matched(study, base, {})
    cells = {cell.name: cell for cell in study.cells}
    plain = dict(study.matched[::-1])
    assert cells[plain["SLA-SD"]].changes["augment"] == ("sla",)
    assert plain["BYOT"] == "cross_entropy"


def test_the_rate_of_a_cell(tmp_path):
    study = STUDIES["000/4.13"]
    base = dataclasses.replace(
        study.default("folder", "small"), workdir=str(tmp_path)
    )
    config = study.config(study.cells[1], base, 0)
    other = with_rate(config, 0.1)
    assert other.first_rate == 0.1 and other.run_dir != config.run_dir
    # Its expert is the same run, also where it goes by the student's rate.
    assert other.expert_config().run_dir == config.expert_config().run_dir
    follows = dataclasses.replace(config, expert_learning_rate=None)
    expert = with_rate(follows, 0.1).expert_config()
    assert expert.run_dir == follows.expert_config().run_dir
    rates = (0.005, 0.02, 0.1)
    tried = trials(config, rates)
    assert shares(tried) == dict.fromkeys(rates)
    for rate, share in zip(rates, (0.4, 0.5, 0.5), strict=True):
        assert best_rate(shares(tried)) is None
        path = tried[rate].run_dir / "metrics.json"
        path.parent.mkdir(parents=True)
        write_json(path, {"validation": {"accuracy": share}})
    # Of equals the smallest.
    assert best_rate(shares(tried)) == 0.02
    assert best_rate({}) is None
    for wrong in ((0.1, 0.1), (0.0,), (-1.0,)):
        with pytest.raises(ValueError, match="`rates` must be positive"):
            check_rates(study, wrong)
    with pytest.raises(ValueError, match="rates of their own: 0.01"):
        check_rates(STUDIES["000/learning-rate"], rates)
    check_rates(STUDIES["000/learning-rate"], ())
