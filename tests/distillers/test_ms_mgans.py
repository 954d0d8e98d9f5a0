"""Multi-stage distillation: phases, adversaries, what each step changes."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from keras_artkd import losses, models
from keras_artkd.distillers import build
from keras_artkd.distillers.adversaries import (
    FeatureScore,
    adversary_incidents,
    judge_adversaries,
)
from keras_artkd.distillers.phases import BLOCK, HEAD, MUTUAL, Phase
from keras_artkd.losses.adversarial import discriminator_loss, generator_loss
from keras_artkd.losses.relative_error import relative_error
from keras_artkd.models.splitting import split_network
from keras_artkd.training import Checkpoint, set_weight_decay
from tests.distillers.networks import (
    CLASSES,
    batch,
    plain,
    same,
    snapshot,
    wide,
)

SIZE = 8


def stages(count, width=2):
    """Stand-ins: networks of other weights."""
    keras.utils.set_random_seed(7)
    return [wide(width) for _ in range(count)]


def make(count=1, student=wide, rate=0.05, **options):
    """A compiled distiller, from the same weights whatever the options."""
    experts = stages(count)
    keras.utils.set_random_seed(1)
    distiller = build("ms_mgans", student(), expert=experts, **options)
    distiller.compile(
        keras.optimizers.SGD(rate, momentum=0.9), metrics=["accuracy"]
    )
    return distiller


def fit(distiller, epochs, callbacks=(), **options):
    images, labels = batch(2 * SIZE)
    return distiller.fit(
        images,
        labels,
        epochs=epochs,
        batch_size=SIZE,
        shuffle=False,
        verbose=0,
        callbacks=list(callbacks),
        **options,
    ).history


def enter(distiller, kind, block=0, stage=1):
    """Puts the distiller into a phase, without training."""
    phase = Phase(stage, kind, block, 0, 1)
    distiller._enter(phase, anew=True)
    return phase


class Watch(keras.callbacks.Callback):
    """Every network's weights before and after each epoch."""

    def __init__(self):
        super().__init__()
        self.seen = []

    def on_epoch_begin(self, epoch, logs=None):
        self.before = self._snapshots()

    def on_epoch_end(self, epoch, logs=None):
        self.seen.append(
            (self.model.phase, logs, self.before, self._snapshots())
        )

    def _snapshots(self):
        distiller = self.model
        names = [pair[1] for pair in distiller._parts.pairs]
        parts = split_network(distiller.student, names)
        networks = {f"part{i}": part for i, part in enumerate(parts, 1)}
        networks |= {f"adapter{i}": a for i, a in enumerate(distiller.adapters)}
        networks |= {f"score{i}": s for i, s in enumerate(distiller.scores)}
        networks |= distiller.teachers
        networks["teacher"] = distiller.teacher
        if distiller.partner is not None:
            networks["partner"] = distiller.partner
        return {name: snapshot(n) for name, n in networks.items()}


def changed(before, after):
    return {name for name in before if not same(before[name], after[name])}


def test_every_phase_changes_its_part_alone():
    distiller = make(2)
    watch = Watch()
    logs = fit(distiller, 11, [watch])
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
    for phase, epoch_logs, before, after in watch.seen:
        assert changed(before, after) == expected[phase.kind, phase.block]
        # What works for the phase is a copy of the stage's own weights.
        stage = "stage1" if phase.stage == 1 else "expert"
        assert same(after["teacher"], after[stage])
        assert (epoch_logs["stage"], epoch_logs["block"]) == (
            phase.stage,
            phase.block,
        )
        assert np.isfinite(epoch_logs["loss"])
    assert logs["stage"] == [1.0] * 6 + [2.0] * 5


def test_logs_are_the_terms_of_the_phase():
    watch = Watch()
    fit(make(), 5, [watch])
    own = {"supervised", "regularization", "stage", "block", "loss", "accuracy"}
    judged = [{f"generator{i}", f"discriminator{i}"} for i in (1, 2, 3)]
    expected = [
        *({"kd", "feature"} | terms for terms in judged),
        {"kd"},
        {"mutual", "partner_supervised", "partner_mutual"}.union(*judged),
    ]
    for (_, logs, _, _), terms in zip(watch.seen, expected, strict=True):
        assert set(logs) == own | terms


def test_the_partner_begins_as_the_stage():
    distiller = make(2)
    fit(distiller, 10)
    assert not same(snapshot(distiller.partner), snapshot(distiller.teacher))
    enter(distiller, MUTUAL)
    first = distiller.teachers["stage1"]
    assert same(snapshot(distiller.partner), snapshot(first))


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
    """Which trained variables a term reaches, by path."""
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


def test_one_step_of_an_adversary_is_adams():
    """The first step of Adam, of the adversary's own loss alone."""
    distiller = make(adversary_learning_rate=0.01)
    enter(distiller, BLOCK, 1)
    images, labels = batch(SIZE)
    score = distiller.scores[0]
    before = [np.array(v) for v in score.trainable_variables]
    with tf.GradientTape() as tape:
        endpoints = distiller(images, training=True)
        judged = endpoints["student"]["judged"][1]
        real = endpoints["taught"]["features"]
        loss = tf.reduce_mean(
            ((score(real) - 1) ** 2 + score(tf.stop_gradient(judged)) ** 2) / 2
        )
    found = tape.gradient(loss, [v.value for v in score.trainable_variables])
    distiller.train_step((images, labels))
    for old, gradient, new in zip(
        before, found, score.trainable_variables, strict=True
    ):
        moved = np.array(gradient) * 0.001**0.5
        moved = 0.01 * moved / (np.abs(moved) + 1e-7)
        np.testing.assert_allclose(np.array(new), old - moved, atol=1e-5)


def test_one_stage_without_the_rest_is_stagewise_distillation():
    """Against a loop of its own, of Keras's parts and public functions."""
    rate, steps = 0.05, 2
    distiller = make(
        adversarial_weight=0.0, mutual="none", feature_weight=0.7, rate=rate
    )
    expert = distiller.teachers["expert"]
    names = ["group1", "group2", "group3"]
    keras.utils.set_random_seed(1)
    student = wide()
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


class Killed(Exception):
    pass


class Kill(keras.callbacks.Callback):
    """Ends a training as a signal would, before an epoch."""

    def __init__(self, epoch):
        super().__init__()
        self.epoch = epoch

    def on_epoch_begin(self, epoch, logs=None):
        if epoch == self.epoch:
            raise Killed


def begin_or_resume(path, *callbacks):
    distiller = make(2)
    rate = distiller.rate_schedule(0.05, epochs=11, steps_per_epoch=2)
    distiller.compile(
        keras.optimizers.SGD(rate, momentum=0.9), metrics=["accuracy"]
    )
    checkpoint = Checkpoint(distiller, path, "accuracy")
    done = checkpoint.restore()
    fit(distiller, 11, [*callbacks, checkpoint], initial_epoch=done)
    return snapshot(distiller), checkpoint.history


@pytest.fixture(scope="module")
def whole_training(tmp_path_factory):
    return begin_or_resume(tmp_path_factory.mktemp("whole") / "c.npz")


# A stage of blocks 1 to 3, the head and two mutual epochs, then one of one.
@pytest.mark.parametrize("killed", [2, 5, 6])
def test_resumes_between_and_within_stages(killed, tmp_path, whole_training):
    weights, history = whole_training
    with pytest.raises(Killed):
        begin_or_resume(tmp_path / "c.npz", Kill(killed))
    resumed_weights, resumed_history = begin_or_resume(tmp_path / "c.npz")
    assert same(resumed_weights, weights)
    assert resumed_history == history
    assert {len(values) for values in history.values()} == {11}
    assert history["kd"].count(None) == 3


def test_the_best_epoch_has_every_part_trained(tmp_path):
    distiller = make()
    checkpoint = Checkpoint(distiller, tmp_path / "c.npz")
    accuracy = iter([0.9, 0.8, 0.7, 0.1, 0.2])
    claim = keras.callbacks.LambdaCallback(
        on_epoch_end=lambda epoch, logs: logs.update(
            val_accuracy=next(accuracy)
        )
    )
    best = []
    watch = keras.callbacks.LambdaCallback(
        on_epoch_end=lambda epoch, logs: best.append(checkpoint.best_epoch)
    )
    fit(distiller, 5, [claim, checkpoint, watch])
    # Blocks 1 to 3, of which the first is best for want of another; the head.
    assert best == [1, 1, 1, 4, 5]


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


NETWORKS = [
    # One more group than the teacher, then one fewer, other sizes of maps.
    ("resnet8", "wrn_10_1", 16),
    ("wrn_10_2", "mobilenet_v2", 32),
    ("vgg8", "wrn_10_1", 32),
    ("resnet8", "shufflenet_v2", 32),
]


@pytest.mark.parametrize(("teacher", "student", "side"), NETWORKS)
def test_any_networks_with_groups(teacher, student, side):
    shape = (side, side, 3)
    distiller = build(
        "ms_mgans",
        models.build(student, CLASSES, shape),
        expert=models.build(teacher, CLASSES, shape),
    )
    distiller.compile()
    images, labels = batch(4, side)
    for phase in distiller.plan(10):
        distiller.phase = phase
        endpoints = distiller(images, training=True)
        terms, total = distiller.compute_terms(labels, endpoints)
        assert np.isfinite(float(total))
        assert set(terms) == distiller._terms - {"stage", "block"}


def test_maps_of_different_size_meet_at_the_teachers():
    """A student of half the resolution, and one of twice."""
    for side in (8, 32):
        distiller = make(student=lambda side=side: wide(side=side))
        images, labels = batch(4)
        enter(distiller, BLOCK, 2)
        endpoints = distiller(images, training=True)
        adapted = endpoints["student"]["adapted"]
        assert adapted.shape == endpoints["taught"]["group2"].shape
        distiller.compute_terms(labels, endpoints)


def test_equal_maps_need_no_adapter():
    distiller = build("ms_mgans", wide(), expert=wide())
    assert not any(a.variables for a in distiller.adapters)
    assert all(a.variables for a in make().adapters)


def test_adversaries_of_half_precision():
    distiller = make(
        student=lambda: wide(dtype="mixed_float16"),
        adversary_learning_rate=0.01,
    )
    before = [np.array(v) for v in distiller.scores[0].variables]
    enter(distiller, BLOCK, 1)
    distiller.train_step(batch(SIZE))
    after = [np.array(v) for v in distiller.scores[0].variables]
    for old, new in zip(before, after, strict=True):
        # Adam's first step, whatever the scale of the loss.
        np.testing.assert_allclose(np.abs(new - old), 0.01, rtol=1e-2)


def test_gradients_that_overflow_change_nothing():
    distiller = make(student=lambda: wide(dtype="mixed_float16"))
    enter(distiller, BLOCK, 1)
    distiller.train_step(batch(SIZE))
    variables = distiller.variables_to_train
    known = distiller.adversary_optimizer.variables
    slots = [v for v in known if len(v.shape) > 0]
    before = [np.array(v) for v in (*variables, *slots)]
    infinite = [tf.fill(v.shape, float("inf")) for v in variables]
    distiller.apply_gradients(infinite, variables)
    assert same([np.array(v) for v in (*variables, *slots)], before)


def test_every_phase_compiles():
    images, labels = batch(2 * SIZE)
    keras.utils.set_random_seed(1)
    distiller = build("ms_mgans", plain(), expert=plain(8))
    distiller.compile(keras.optimizers.SGD(0.05), jit_compile=True)
    logs = distiller.fit(images, labels, epochs=5, verbose=0).history
    assert np.isfinite(logs["loss"]).all()


def test_losses_of_adversaries():
    random = np.random.default_rng(0)
    real, fake = random.standard_normal((2, 6)).astype("float32")
    np.testing.assert_allclose(
        discriminator_loss(real, fake),
        ((real - 1) ** 2 + fake**2) / 2,
        rtol=1e-5,
    )
    np.testing.assert_allclose(
        generator_loss(fake), (fake - 1) ** 2 / 2, rtol=1e-5
    )
    half = np.full(3, 0.5, "float32")
    np.testing.assert_allclose(discriminator_loss(half, half), 0.25)


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


def test_scores():
    score = FeatureScore()
    maps = np.random.default_rng(0).uniform(size=(3, 4, 4, 5))
    score.build(maps.shape)
    kernel, bias = map(np.array, score.variables)
    expected = maps.mean((1, 2)) @ kernel + bias
    np.testing.assert_allclose(score(maps), expected, rtol=1e-4)
    np.testing.assert_allclose(score(maps, detached=True), expected, rtol=1e-4)


def test_judgement():
    logs = {
        "discriminator1": 0.2,
        "discriminator2": 0.005,
        "discriminator3": 11.0,
        "discriminator4": float("nan"),
        "discriminator5": None,
        "generator1": 0.0,
    }
    assert judge_adversaries(logs) == {
        2: "collapsed",
        3: "exploded",
        4: "exploded",
    }


def test_incidents():
    history = {
        "stage": [1.0, 1.0, 2.0],
        "discriminator1": [0.001, 0.002, None],
        "discriminator2": [None, 0.3, 20.0],
        "loss": [1.0, 1.0, 1.0],
    }
    assert adversary_incidents(history) == [
        {
            "stage": 1,
            "block": 1,
            "state": "collapsed",
            "first_epoch": 1,
            "epochs": 2,
        },
        {
            "stage": 2,
            "block": 2,
            "state": "exploded",
            "first_epoch": 3,
            "epochs": 1,
        },
    ]
    assert adversary_incidents({"loss": [1.0]}) == []


def test_a_collapsed_adversary_is_named():
    distiller = make()
    enter(distiller, BLOCK, 2)
    with pytest.warns(UserWarning, match="Adversary 2 collapsed in epoch 4"):
        distiller.end_epoch(3, {"discriminator2": 0.0})
    with pytest.warns(UserWarning, match="Adversary 2 exploded.*loss is 12"):
        distiller.end_epoch(3, {"discriminator2": 12.0})
    with pytest.raises(ValueError, match="Adversary 2.*stage 1, block 2"):
        distiller.end_epoch(3, {"discriminator2": float("nan")})
    # The student's own fault.
    nan = float("nan")
    distiller.end_epoch(3, {"discriminator2": nan, "supervised": nan})


def test_an_adversary_that_explodes_ends_the_training():
    distiller = make(adversary_learning_rate=1e30)
    with pytest.raises(ValueError, match="Adversary 1 exploded"):
        fit(distiller, 20)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"mutual": "both"}, "full, head, none.*'both'"),
        ({"temperature": 0.0}, "`temperature` must be positive"),
        ({"adversarial_weight": -1.0}, "`adversarial_weight` must not.*-1"),
        ({"feature_weight": -1.0}, "`feature_weight` must not be negative"),
        ({"partner_weight": -1.0}, "`partner_weight` must not be negative"),
        ({"adversary_learning_rate": 0.0}, "must be positive.*=0.0"),
        ({"expert": []}, "one network.*none"),
        ({"expert": [wide(), wide(2)]}, "one network with different weights"),
        (
            {"student": models.with_endpoints(wide(), {})},
            "feature maps.*with_endpoints",
        ),
    ],
)
def test_bad_arguments(options, message):
    arguments = {"student": wide(), "expert": wide(2), **options}
    with pytest.raises(ValueError, match=message):
        build("ms_mgans", **arguments)


def test_too_few_epochs():
    with pytest.raises(ValueError, match="at least 10.*epochs=9"):
        fit(make(2), 9)


def test_joins_no_other_method():
    with pytest.raises(ValueError, match="phases of its own.*ms_mgans"):
        build("ms_mgans+kd", wide(), expert=wide(2))
