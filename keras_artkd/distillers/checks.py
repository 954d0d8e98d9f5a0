"""What a distiller refuses, with the reason and the mend."""

import keras

from keras_artkd.distillers.network import STUDENT, Network


def own_terms(roles):
    """Names of the terms that are not transfer losses."""
    return (
        "supervised",
        *(f"{role}_supervised" for role in roles if role != STUDENT),
        "regularization",
    )


def name_networks(student, teachers, co_trained):
    """Every network by role, checked to fit together."""
    clash = (set(teachers) & set(co_trained)) | (
        {STUDENT} & (set(teachers) | set(co_trained))
    )
    if clash:
        raise ValueError(
            "Every network needs a role of its own. "
            f"Received twice: {', '.join(sorted(clash))}."
        )
    models = {STUDENT: student, **teachers, **co_trained}
    if len({id(model) for model in models.values()}) < len(models):
        raise ValueError(
            "Every role needs a network of its own. Received one model in "
            f"several of the roles {', '.join(models)}. Fix: "
            "keras.models.clone_model."
        )
    networks = {role: Network(role, model) for role, model in models.items()}
    if len({n.specs["logits"].shape[-1] for n in networks.values()}) > 1:
        raise ValueError(
            "All networks must have the same classes. Received: "
            + "; ".join(n.describe() for n in networks.values())
        )
    return networks


def check_losses(losses, weights, networks, views=1):
    """Builds the losses' connectors, and checks what they read and return."""
    if len(weights) != len(losses):
        raise ValueError(
            "`transfer_weights` must have one weight for each transfer loss. "
            f"Received: {len(weights)} weights, {len(losses)} losses."
        )
    names = [*own_terms(networks), "loss", *(loss.name for loss in losses)]
    if len(set(names)) < len(names):
        raise ValueError(
            "Terms must have distinct names in the logs, and transfer losses "
            f"name theirs. Received: {', '.join(names)}. Fix: name=..."
        )
    for loss in losses:
        if loss.teacher not in networks:
            raise ValueError(
                f"Transfer loss {loss.name!r} learns from a network that is "
                f"not there. Received: teacher={loss.teacher!r}. Known "
                f"roles: {', '.join(networks)}."
            )
        if loss.views not in (None, views):
            raise ValueError(
                f"Transfer loss {loss.name!r} compares {loss.views} views of "
                f"each example. Received: views={views}. Fix: "
                f"Distiller(..., views={loss.views}), and such batches."
            )
        teacher, student = networks[loss.teacher], networks[STUDENT]
        for network, needed in (
            (teacher, loss.teacher_endpoints),
            (student, loss.student_endpoints),
        ):
            missing = [name for name in needed if name not in network.specs]
            if missing:
                raise ValueError(
                    f"Transfer loss {loss.name!r} reads endpoints that are "
                    f"not there. Missing of {network.role}: "
                    f"{', '.join(missing)}. {teacher.describe()}; "
                    f"{student.describe()}. Fix: name the layers with "
                    "keras_artkd.models.with_endpoints; exits are made by "
                    "keras_artkd.models.with_exits."
                )
        # JAX cannot divide an unknown number of rows by the views: one example.
        rows = loss.views
        values = loss(
            keras.KerasTensor((rows,), "int32"),
            teacher.specs_of(rows),
            student.specs_of(rows),
        )
        if tuple(values.shape) not in ((), (rows and 1,)):
            raise ValueError(
                f"Transfer loss {loss.name!r} must return one value per "
                "example, shape (batch,), or a scalar. Received: shape "
                f"{tuple(values.shape)}."
            )


def check_from_logits(loss):
    """Refuses losses that would read logits as probabilities."""
    if isinstance(loss, str) and "crossentropy" in loss.replace("_", ""):
        from_logits = False
    elif isinstance(loss, keras.losses.Loss):
        from_logits = loss.get_config().get("from_logits", True)
    else:
        from_logits = True
    if not from_logits:
        raise ValueError(
            "The supervised loss must take logits, which is what networks "
            f"here give. Received: loss={loss!r}. Fix: "
            "keras.losses.SparseCategoricalCrossentropy(from_logits=True)."
        )


def check_soft_labels(labels):
    """Refuses class numbers where pseudo-labels are to be learned."""
    if len(labels.shape) != 2 or labels.shape[1] == 1:
        raise ValueError(
            "A student of pseudo-labels must be given targets, (batch, "
            "classes): class numbers would be the true labels, and nothing of "
            f"the expert. Received: labels of shape {tuple(labels.shape)}. "
            "Fix: batches of what keras_artkd.pseudo_labels.learn_from makes."
        )


def check_share(alpha):
    """Raises ValueError for a share of the labels that is none."""
    if not 0 <= alpha <= 1:
        raise ValueError(
            "`alpha` must lie in [0, 1]: the labels have the other share. "
            f"Received: alpha={alpha!r}."
        )
