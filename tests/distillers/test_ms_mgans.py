"""Multi-stage distillation: its phases, and what each step changes."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from keras_artkd import losses
from keras_artkd.distillers.phases import BLOCK, HEAD, MUTUAL
from keras_artkd.losses.relative_error import relative_error
from keras_artkd.models.splitting import split_network
from keras_artkd.runs.optimizer import set_weight_decay
from tests.distillers.networks import batch, normalised, same, snapshot
from tests.distillers.staged import SIZE, Watch, changed, enter, fit, make


@pytest.fixture(scope="module")
def watch():
    """A training of two stages, watched: 6 epochs, and 5."""
    watch = Watch()
    fit(make(2), 11, [watch], steps=1)
    return watch


def test_every_phase_changes_its_part_alone(watch):
    kinds = [(phase.stage, phase.kind, phase.block) for phase, *_ in watch.seen]
    one_stage = [(BLOCK, 1), (BLOCK, 2), (BLOCK, 3), (HEAD, 0), (MUTUAL, 0)]
    assert list(dict.fromkeys(kinds)) == [
        (stage, *phase) for stage in (1, 2) for phase in one_stage
    ]
    everything = {"part1", "part2", "part3", "part4", "partner"}
    everything |= {f"{x}{i}" for x in ("adapter", "score") for i in range(3)}
    expected = {
        (HEAD, 0): {"part4"},
        (MUTUAL, 0): everything,
        **{
            (BLOCK, i): {f"part{i}", f"adapter{i - 1}", f"score{i - 1}"}
            for i in (1, 2, 3)
        },
    }
    for phase, _, before, after in watch.seen:
        assert changed(before, after) == expected[phase.kind, phase.block]
        # What works for the phase is a copy of the stage's own weights.
        stage = "stage1" if phase.stage == 1 else "expert"
        assert same(after["teacher"], after[stage])


def test_logs_are_the_terms_of_the_phase(watch):
    own = {"supervised", "regularization", "stage", "block", "loss", "accuracy"}
    judged = [{f"generator{i}", f"discriminator{i}"} for i in (1, 2, 3)]
    mutual = {"mutual", "partner_supervised", "partner_mutual"}.union(*judged)
    terms = {
        (HEAD, 0): {"kd"},
        (MUTUAL, 0): mutual,
        **{(BLOCK, i + 1): {"kd", "feature"} | judged[i] for i in range(3)},
    }
    for phase, logs, _, _ in watch.seen:
        assert set(logs) == own | terms[phase.kind, phase.block]
        assert (logs["stage"], logs["block"]) == (phase.stage, phase.block)
        assert np.isfinite(logs["loss"])
    assert [logs["stage"] for _, logs, _, _ in watch.seen] == [1] * 6 + [2] * 5


def test_the_partner_begins_as_the_stage():
    distiller = make(2)
    first = distiller.teachers["stage1"]
    partner = distiller.partner
    partner.set_weights([weight + 1 for weight in first.get_weights()])
    enter(distiller, MUTUAL)
    assert same(snapshot(partner), snapshot(first))


def test_a_block_has_fewer_parameters_than_the_student():
    def count():
        return sum(v.shape.num_elements() for v in distiller.variables_to_train)

    distiller = make(adversarial_weight=0.0)
    student = sum(
        v.shape.num_elements() for v in distiller.student.trainable_variables
    )
    adapters = 0
    blocks = 0
    for block in (1, 2, 3):
        enter(distiller, BLOCK, block)
        adapter = distiller.adapters[block - 1]
        adapters += adapter.count_params() - sum(
            w.size for w in map(np.array, adapter.non_trainable_weights)
        )
        assert count() < student
        blocks += count()
    enter(distiller, HEAD)
    assert blocks - adapters + count() == student


def test_mutual_phase_of_the_heads():
    distiller = make(mutual="head")
    watch = Watch()
    logs = fit(distiller, 5, [watch])
    phase, _, before, after = watch.seen[-1]
    assert phase.kind == MUTUAL
    assert changed(before, after) == {"part4", "partner"}
    names = [distiller._parts.pairs[-1][0]]
    body, head = split_network(distiller.partner, names)
    of_stage = split_network(distiller.teachers["expert"], names)
    assert same(snapshot(body), snapshot(of_stage[0]))
    assert not same(snapshot(head), snapshot(of_stage[1]))
    assert len(logs["mutual"]) == 1


def test_without_mutual_phase():
    distiller = make(mutual="none")
    assert distiller.partner is None
    assert {phase.kind for phase in distiller.plan(8)} == {BLOCK, HEAD}
    assert "mutual" not in fit(distiller, 4)


def gradients(distiller, term):
    """Paths of the trained variables that a term reaches."""
    images, labels = batch(SIZE)
    variables = distiller.trainable_variables
    with tf.GradientTape() as tape:
        endpoints = distiller(images, training=True)
        terms, _ = distiller.compute_terms(labels, endpoints)
        value = terms[term]
    found = tape.gradient(value, variables)
    return [
        v
        for v, g in zip(variables, found, strict=True)
        if g is not None and np.abs(g).max() > 0
    ]


def is_of(variables, *owners):
    known = {id(v) for owner in owners for v in owner.trainable_variables}
    return bool(variables) and all(id(v) in known for v in variables)


@pytest.mark.parametrize("kind", [(BLOCK, 2), (MUTUAL, 0)])
def test_adversary_and_block_leave_each_other_alone(kind):
    distiller = make()
    enter(distiller, *kind)
    block, adapter = distiller._parts.student[1], distiller.adapters[1]
    reached = gradients(distiller, "discriminator2")
    assert is_of(reached, distiller.scores[1])
    reached = gradients(distiller, "generator2")
    before = [distiller._parts.student[0]] if kind[0] == MUTUAL else []
    assert is_of(reached, block, adapter, *before)


def test_student_and_partner_leave_each_other_alone():
    distiller = make()
    enter(distiller, MUTUAL)
    for term in ("supervised", "mutual"):
        assert is_of(gradients(distiller, term), distiller.student)
    for term in ("partner_supervised", "partner_mutual"):
        assert is_of(gradients(distiller, term), distiller.partner)


def test_one_stage_without_the_rest_is_stagewise_distillation():
    """Against a loop of its own, of Keras's parts and public functions."""
    rate, steps = 0.05, 2
    distiller = make(
        adversarial_weight=0.0, mutual="none", feature_weight=0.7, rate=rate
    )
    expert = distiller.teachers["expert"]
    names = ["group1", "group2", "group3"]
    keras.utils.set_random_seed(1)
    student = normalised()
    adapters = []
    for i, name in enumerate(names):
        adapter = keras.models.clone_model(distiller.adapters[i])
        adapter.build((None, *student.endpoints[name].shape[1:]))
        adapter.set_weights(distiller.adapters[i].get_weights())
        adapters.append(adapter)
    assert same(snapshot(student), snapshot(distiller.student))
    fit(distiller, 4)

    images, labels = batch(steps * SIZE)
    tails = {
        name: keras.Model(expert.endpoints[name], expert.output)
        for name in names
    }
    maps = keras.Model(expert.input, expert.endpoints)
    cuts = [student.input, *(student.endpoints[n] for n in names)]
    parts = [
        keras.Model(a, b)
        for a, b in zip(cuts, [*cuts[1:], student.output], strict=True)
    ]
    for trained, part in enumerate(parts):
        optimizer = keras.optimizers.SGD(rate, momentum=0.9)
        for step in range(steps):
            x = images[step * SIZE : (step + 1) * SIZE]
            y = labels[step * SIZE : (step + 1) * SIZE]
            taught = maps(x, training=False)
            for before in parts[:trained]:
                x = before(x, training=False)
            with tf.GradientTape() as tape:
                x = part(x, training=True)
                variables = part.trainable_variables
                loss = 0.0
                if trained < len(names):
                    name, adapter = names[trained], adapters[trained]
                    target = taught[name]
                    x = adapter(x, training=True)
                    variables = variables + adapter.trainable_variables
                    loss = 0.7 * tf.reduce_mean((x - target) ** 2)
                    loss /= tf.reduce_mean(target**2)
                    x = tails[name](x, training=False)
                loss += tf.reduce_mean(losses.cross_entropy(y, x))
                loss += tf.reduce_mean(losses.kd(taught["logits"], x, 4.0))
            optimizer.apply(tape.gradient(loss, variables), variables)
    for ours, theirs in zip(
        distiller.student.get_weights(), student.get_weights(), strict=True
    ):
        np.testing.assert_allclose(ours, theirs, rtol=1e-4, atol=1e-5)


def test_regularization_is_that_of_what_is_trained():
    distiller = make()
    set_weight_decay(distiller, 2.0)
    images, labels = batch(SIZE)
    for kind, block, owners in (
        (BLOCK, 1, [distiller._parts.student[0], distiller.adapters[0]]),
        (HEAD, 0, [distiller._parts.student[-1]]),
        (MUTUAL, 0, [distiller.student, *distiller.adapters]),
    ):
        enter(distiller, kind, block)
        endpoints = distiller(images, training=True)
        terms, _ = distiller.compute_terms(labels, endpoints)
        expected = sum(
            float(np.sum(np.square(v)))
            for owner in owners
            for v in owner.trainable_variables
        )
        assert float(terms["regularization"]) == pytest.approx(
            expected, rel=1e-4
        )


def test_relative_error():
    random = np.random.default_rng(0)
    t, s = random.standard_normal((2, 5, 4, 4, 3)).astype("float32")
    expected = ((s - t) ** 2).mean((1, 2, 3)) / (t**2).mean()
    np.testing.assert_allclose(relative_error(t, s), expected, rtol=1e-5)
    # Free of scale; one where the student gives nothing; never infinite.
    np.testing.assert_allclose(
        relative_error(9 * t, 9 * s), expected, rtol=1e-5
    )
    nothing = np.zeros_like(t)
    assert np.mean(relative_error(t, nothing)) == pytest.approx(1, rel=1e-5)
    assert np.isfinite(relative_error(nothing, t)).all()
