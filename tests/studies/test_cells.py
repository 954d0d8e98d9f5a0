"""The cells of studies: each is a run, and which run it is."""

import itertools
import shlex

import pytest

from keras_artkd.cli.study import parse_study
from keras_artkd.cli.train import parse_plan
from keras_artkd.distillers.phases import plan_phases
from keras_artkd.runs.commands import command
from keras_artkd.runs.optimizer import plateau_ends
from keras_artkd.runs.plan import resolve
from keras_artkd.studies.cells import study_folder
from keras_artkd.studies.registry import STUDIES
from keras_artkd.studies.settings import Settings
from keras_artkd.studies.study import BUDGETS, RECIPES, Cell, Study, check_cells
from tests.runs.settings import preset

KEY = "000/4.13"


def folder_of(key, name, recipe="folder"):
    study = STUDIES[key]
    (cell,) = [c for c in study.cells if c.name == name]
    return study.plan(cell, study.default(recipe, "small"), 0).folder


@pytest.mark.parametrize("key", STUDIES)
def test_cells_are_configurations(key):
    """Of different runs, at every budget, on the paper's data and others."""
    study = STUDIES[key]
    recipes = [RECIPES[name] for name in study.datasets] + ["folder"]
    for recipe, budget in itertools.product(recipes, BUDGETS):
        base = study.default(recipe, budget)
        assert base.recipe == recipe and not base.output.exports
        runs = {study.plan(cell, base, 0).folder for cell in study.cells}
        assert len(runs) == len(study.cells)
    check_cells(study, base, {})


@pytest.mark.parametrize("recipe", ["folder", "npz", "cifar100"])
@pytest.mark.parametrize("budget", BUDGETS)
def test_commands_give_the_runs(recipe, budget):
    """What a page has as the command of a run is that run."""
    for study in (
        STUDIES[k] for k in (KEY, "001/3", "001/5", "002/4.8", "003/parts")
    ):
        base = study.default(recipe, budget)
        # The other groups are other networks.
        first = study.cells[0].group
        for cell in (cell for cell in study.cells if cell.group == first):
            plan = study.plan(cell, base, 1)
            words = shlex.split(command(plan))
            again = parse_plan(words[2:])
            assert again.folder == plan.folder, words
            assert again.identity == plan.identity, words
            if plan.expert:
                assert again.expert.folder == plan.expert.folder, words


def test_parts_of_paper_003_are_taken_one_by_one():
    study = STUDIES["003/parts"]
    cells = {cell.name: cell.changes for cell in study.cells}
    parts = {"stages", "adversarial", "mutual"}
    pairs = {k: v for k, v in study.contrasts.items() if k != "block by block"}
    assert len(pairs) == len(parts)
    for part, contrasts in pairs.items():
        for without, with_it in contrasts:
            lacking = {*cells[without]} - {*cells[with_it]}
            assert len(lacking) == 1 and lacking < parts, part
    assert {*cells["block by block"]} == parts | {"method"}
    assert cells["all"] == {"method": "ms_mgans"}
    # Four stages of five phases, in the proportions of the whole.
    small = study.default("cifar100", "small").schedule
    phases = plan_phases(small.epochs, stages=4, blocks=3)
    assert [phase.epochs for phase in phases] == [1, 1, 1, 1, 6] * 4
    assert len(plateau_ends(60, small.drops)) == 4


def test_studies_share_their_runs():
    ours = folder_of(KEY, "+ AWGram")
    assert ours == folder_of("000/4.4", "alpha 1.5, beta 0.2")
    assert ours == folder_of("000/4.5", "F_sum_2")
    assert ours == folder_of("000/4.8", "cosine")
    assert ours == folder_of("000/fig4.4", "T = 4")
    assert ours == folder_of("000/parts", "all")
    assert ours != folder_of("000/parts", "all but L2")
    alone = folder_of(KEY, "baseline")
    assert alone == folder_of("000/parts", "student alone")
    assert folder_of("002/4.21", "beta = 100") == folder_of("002/4.7", "SKDSAM")


def test_the_budget_paper():
    """The paper's networks and schedule, whatever the data."""
    paper = STUDIES["000/4.10"].default("painting100k", "paper")
    assert paper.networks.student == "wrn_16_1"
    assert (paper.schedule.epochs, paper.data.image_size) == (200, 64)
    other = STUDIES["002/4.7"].default("folder", "paper")
    assert (other.recipe, other.data.dataset) == ("folder", "folder")
    assert other.networks.student == "resnet18"
    schedule = other.schedule
    assert (schedule.epochs, schedule.drop_factor) == (250, 0.1)
    assert schedule.learning_rate == 0.1
    arrays = STUDIES["000/4.10"].default("npz", "paper")
    assert arrays.data.keep_size and arrays.data.image_size == 32
    assert arrays.networks.student == "wrn_16_1"
    schedule = STUDIES["001/3"].default("cifar100", "paper").schedule
    assert (schedule.epochs, schedule.batch_size) == (270, 256)
    alone = STUDIES["002/4.7"].default("cifar100", "paper")
    assert alone.networks.student == "resnet18"
    assert alone.schedule.learning_rate == 0.1


def test_the_budget_small():
    study = STUDIES["000/4.10"]
    small = study.default("folder", "small")
    # The table is about these networks.
    assert small.networks.student == "wrn_16_1"
    assert small.networks.expert_network == "wrn_40_1"
    assert small.schedule.epochs < 200
    # One schedule for all columns of a table.
    two = [
        resolve(STUDIES["002/4.8"].default(recipe, "small"))
        for recipe in ("cifar100", "tiny_imagenet")
    ]
    assert two[0].first_rate == two[1].first_rate == 0.05
    assert two[0].config.schedule.drops == two[1].config.schedule.drops


def test_the_budget_own():
    """A recipe's own settings, with the networks that a table is about."""
    own = STUDIES["000/4.10"].default("atelier", "own")
    assert own.networks.student == "wrn_16_1"
    assert (own.schedule.epochs, own.data.dataset) == (200, "atelier")
    study, given = parse_study(KEY, ["--recipe", "atelier", "--budget", "own"])
    recipe = preset("atelier", exports=False)
    assert given.run == recipe.replace(method="baseline")
    for cell in study.cells:
        plan = study.plan(cell, given.run, 0)
        assert plan.folder == resolve(recipe.replace(**cell.changes)).folder


def test_unknown_budgets_and_recipes():
    with pytest.raises(ValueError, match="Received: 'large'"):
        STUDIES[KEY].default("folder", "large")
    with pytest.raises(ValueError, match="Received: 'attic'"):
        STUDIES[KEY].default("attic", "small")


def test_teachers_of_thesis_000_are_one_network():
    """Its sections 4.3.2 to 4.3.5: initial and expert teacher alike."""
    for study in STUDIES.values():
        if study.key.startswith("000"):
            for budget in BUDGETS:
                networks = study.default("folder", budget).networks
                assert networks.initial == networks.expert_network
                assert networks.initial != networks.student


def test_options_of_one_method():
    study = STUDIES["002/4.8"]
    base = study.default("cifar100", "small")
    given = {"skdsam.feature_weight": 1.0}
    options = {
        cell.name: study.plan(cell, base, 0, given).options
        for cell in study.cells
    }
    assert (
        options["SKDSAM"] == options["SKDSAM+Cutout"] == {"feature_weight": 1}
    )
    assert options["BYOT"] == options["cross_entropy"] == {}
    # What a cell is about stays.
    grid = STUDIES["002/4.21"]
    plan = grid.plan(grid.cells[0], base, 0, given)
    assert plan.options == {"feature_weight": 50}
    for wrong in (
        {"feature_weight": 1},
        {"skdsam.foo": 1},
        {"foo.bar": 1},
        {"pkt.beta": 1},
    ):
        with pytest.raises(ValueError, match="Received"):
            check_cells(study, base, wrong)
    augmented = base.replace(augment=("cutout",))
    with pytest.raises(ValueError, match="'SKDSAM' and 'SKDSAM.Cutout' the"):
        check_cells(study, augmented, {})


def test_a_study_names_its_own_cells():
    cell = Cell("a", {"method": "baseline"})
    with pytest.raises(ValueError, match="share a name"):
        Study("x/1", "", (cell, cell), ("WikiArt",))
    with pytest.raises(ValueError, match="no cells {'b'}"):
        Study("x/1", "", (cell,), ("WikiArt",), claims=(("a", "b"),))


def test_a_study_has_one_folder(base):
    """More seeds and other cells go where the first ones are."""

    def place(base=base, **changes):
        settings = Settings(KEY, "npz", **changes)
        return study_folder(STUDIES[KEY], base, settings)

    assert place() == place(seeds=5, cells=("baseline",), workers=2)
    assert place() == place(base.replace(seed=3))
    for changes in (
        {"expert_network": "wrn_10_2"},
        {"initial": "wrn_10_2"},
        {"expert_epochs": 7},
        {"feature_scale": 2.0},
        {"epochs": 2},
    ):
        assert place() != place(base.replace(**changes))
    assert place() != place(method_options={"kd.alpha": 0.5})
    assert place() != place(budget="paper")
    assert place() != place(rates=(0.1, 0.2))


def test_each_seed_of_a_study_may_have_a_split_of_its_own():
    study = STUDIES["own/inheriting"]
    base = study.default("folder", "small").replace(split_seed=10)
    splits = [
        study.plan(study.cells[1], base, seed).config.data.split_seed
        for seed in (0, 1, 2)
    ]
    assert splits == [10, 11, 12]
    other = STUDIES[KEY]
    fixed = other.plan(other.cells[0], base.replace(seed=0), 2)
    assert fixed.config.data.split_seed == 10


def test_the_experts_cell_is_the_run_that_teaches():
    study = STUDIES["own/inheriting"]
    base, cells = study.default("folder", "small"), study.cells
    plans = {cell.name: study.plan(cell, base, 3) for cell in cells}
    expert = plans["expert"].folder
    assert plans["medium: kd"].expert.folder == expert
    assert plans["tiny: kd"].expert.folder == expert


def test_what_is_measured_over_rotations():
    """SLA as the thesis has it, and nothing that answers for one image."""
    found = {
        (key, cell.name)
        for key, study in STUDIES.items()
        for cell in study.cells
        if cell.aggregated
    }
    assert found == {
        (key, name)
        for key in ("002/4.18", "002/4.19")
        for name in ("SLA+cross_entropy", "SLA+SKDSAM")
    }
