"""Small distillers of multi-stage training, and what their phases change."""

import keras

from keras_artkd.distillers import build
from keras_artkd.distillers.phases import Phase
from keras_artkd.models.splitting import split_network
from tests.distillers.networks import batch, normalised, same, snapshot

SIZE = 8


def stages(count):
    """Stand-ins: networks of other weights."""
    keras.utils.set_random_seed(7)
    return [normalised(6) for _ in range(count)]


def make(count=1, student=normalised, rate=0.05, **options):
    """A compiled distiller, from the same weights whatever the options."""
    experts = stages(count)
    keras.utils.set_random_seed(1)
    distiller = build("ms_mgans", student(), expert=experts, **options)
    distiller.compile(
        keras.optimizers.SGD(rate, momentum=0.9),
        metrics=["accuracy"],
        run_eagerly=True,
    )
    return distiller


def fit(distiller, epochs, callbacks=(), steps=2, **options):
    images, labels = batch(steps * SIZE)
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
