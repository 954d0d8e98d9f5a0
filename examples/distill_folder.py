"""Distil a network of your own with `fit`, from a folder to a file.

    python examples/distill_folder.py FOLDER student.tflite

`artkd train FOLDER` does all of this and more. Copy this script where you need
your own networks, losses or training loop.
"""

import argparse

import keras

from keras_artkd import Distiller, datasets, losses, models
from keras_artkd.data import (
    evaluation_dataset,
    steps_per_epoch,
    training_dataset,
)
from keras_artkd.deploy.export import export_tflite

SIDE, BATCH_SIZE = 64, 32


def build_student(num_classes):
    """A small network, whose last map has a name for the losses."""
    inputs = keras.Input((SIDE, SIDE, 3))
    x = keras.layers.Rescaling(1 / 255)(inputs)
    for filters in (16, 32, 64):
        x = keras.layers.Conv2D(filters, 3, strides=2, padding="same")(x)
        x = keras.layers.BatchNormalization()(x)
        x = keras.layers.ReLU(name=f"stage{filters}")(x)
    x = keras.layers.GlobalAveragePooling2D()(x)
    model = keras.Model(inputs, keras.layers.Dense(num_classes)(x))
    return models.with_endpoints(model, {"group3": "stage64"})


def main(folder, output, epochs):
    """Trains an expert, then the student, and writes the file."""
    # Split without leaks: train, validation and test share no picture.
    data = datasets.load("folder", folder, short_side=72)
    classes = len(data.class_names)

    def fit(distiller):
        distiller.compile(
            keras.optimizers.SGD(0.02, momentum=0.9), metrics=["accuracy"]
        )
        distiller.fit(
            training_dataset(data.train, SIDE, BATCH_SIZE, 0, epochs),
            steps_per_epoch=steps_per_epoch(data.train, BATCH_SIZE),
            epochs=epochs,
            shuffle=False,  # The pipeline shuffles.
            validation_data=evaluation_dataset(
                data.validation, SIDE, BATCH_SIZE
            ),
        )

    expert = models.build("wrn_16_2", classes, (SIDE, SIDE, 3))
    fit(Distiller(expert))
    student = build_student(classes)
    distiller = Distiller(
        student,
        teachers={"expert": expert},
        transfer_losses=[
            losses.KD(temperature=4.0),
            losses.AttentionTransfer(pairs=[("group3", "group3")]),
        ],
        transfer_weights=[0.9, 0.2],
        supervised_weight=0.1,
    )
    fit(distiller)
    distiller.evaluate(evaluation_dataset(data.test, SIDE, BATCH_SIZE))
    export_tflite(student, output, class_names=data.class_names)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", help="one folder of images a class")
    parser.add_argument("output", help="the .tflite file to write")
    parser.add_argument("--epochs", type=int, default=30)
    arguments = parser.parse_args()
    main(arguments.folder, arguments.output, arguments.epochs)
