import itertools

import numpy as np
import pytest

from keras_artkd.distillers.phases import (
    BLOCK,
    HEAD,
    MUTUAL,
    PhaseCosine,
    plan_phases,
)


def test_the_whole_schedule():
    """Four stages of 3 x 5 + 5 + 30 epochs, 200 in all."""
    plan = plan_phases(200, stages=4, blocks=3)
    assert [phase.epochs for phase in plan] == [5, 5, 5, 5, 30] * 4
    assert [phase.begin for phase in plan[:6]] == [0, 5, 10, 15, 20, 50]
    assert [(p.kind, p.block) for p in plan[:5]] == [
        *((BLOCK, i) for i in (1, 2, 3)),
        (HEAD, 0),
        (MUTUAL, 0),
    ]
    factors = [phase.rate_factor for phase in plan[::5]]
    np.testing.assert_allclose(factors, [1, 1, 0.2, 0.04])
    assert str(plan[1]) == "stage 1, block 2"
    assert str(plan[-1]) == "stage 4, mutual"


@pytest.mark.parametrize(
    ("epochs", "stages", "blocks", "mutual"),
    [*itertools.product((20, 21, 67, 300), (1, 2, 4), (1, 3), (True, False))],
)
def test_phases_cover_every_epoch_once(epochs, stages, blocks, mutual):
    plan = plan_phases(epochs, stages, blocks, mutual)
    assert len(plan) == stages * (blocks + 1 + mutual)
    covered = [e for p in plan for e in range(p.begin, p.begin + p.epochs)]
    assert covered == list(range(epochs))
    assert min(phase.epochs for phase in plan) >= 1
    of_stages = [
        sum(p.epochs for p in plan if p.stage == stage + 1)
        for stage in range(stages)
    ]
    assert max(of_stages) - min(of_stages) <= blocks + 1 + mutual


def test_too_few_epochs():
    with pytest.raises(ValueError, match="4 stages of 5.*20 epochs.*19"):
        plan_phases(19, 4, 3)


def test_a_cosine_in_every_phase():
    rate = PhaseCosine([0.1, 0.02], [10, 4])
    expected = [0.05 * (1 + np.cos(np.pi * t / 10)) for t in range(10)]
    expected += [0.01 * (1 + np.cos(np.pi * t / 4)) for t in range(4)]
    observed = [float(rate(step)) for step in range(14)]
    np.testing.assert_allclose(observed, expected, rtol=1e-5, atol=1e-8)
    assert float(rate(14)) == 0.0
    again = PhaseCosine.from_config(rate.get_config())
    assert float(again(3)) == observed[3]
