"""The layer that every transfer loss is."""

import re

import keras


class TransferLoss(keras.layers.Layer):
    """Compares what a teacher and the student make of the same images.

    A subclass overrides `call(labels, teacher, student)` and, unless it reads
    the logits alone, `teacher_endpoints` and `student_endpoints`. It is a
    layer so that a trainable connector, made in `build` or `__init__`, is
    tracked, trained and saved by Keras. It carries no weight of its own: the
    `Distiller` weights it. It computes in float32 whatever the networks'
    policies.

    Args:
        teacher: role of the network to learn from: a key of the distiller's
            `teachers` or `co_trained`, or `"student"` for self-distillation.
        detach_teacher: whether the teacher gets no gradient from this loss.
            Matters for co-trained teachers only.
        name: also the name of the term in the logs.

    Call arguments:
        labels: as `fit` receives them: `(batch,)` integers, or `(batch,
            classes)` probabilities as Mixup makes them.
        teacher: dict of the teacher's endpoints, tensors by name.
        student: dict of the student's endpoints.

    Output shape:
        `(batch,)`, one value per example, which sample weights then weight;
        or `()` where the loss is a property of the batch. Where a batch has
        several views of each example (see `Distiller`), endpoints and labels
        have a row for each view, those of one example together; a loss that
        compares them says of how many (`views = 2`) and returns one value
        per example.

    Example:
    >>> class MeanLogit(TransferLoss):
    ...     def call(self, labels, teacher, student):
    ...         gap = teacher["logits"] - student["logits"]
    ...         return keras.ops.mean(keras.ops.abs(gap), axis=-1)
    """

    teacher_endpoints = ("logits",)
    student_endpoints = ("logits",)
    views = None

    def __init__(
        self, teacher="expert", detach_teacher=True, name=None, **kwargs
    ):
        # Keras would number the second instance of a class, and the terms
        # in the logs would change names from one run to the next.
        name = name or _snake_case(type(self).__name__)
        kwargs.setdefault("dtype", "float32")
        super().__init__(name=name, **kwargs)
        self.teacher = teacher
        self.detach_teacher = detach_teacher

    def get_config(self):
        """Every constructor argument."""
        return {
            **super().get_config(),
            "teacher": self.teacher,
            "detach_teacher": self.detach_teacher,
        }


def _snake_case(name):
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name).lower()
