"""Which feature maps of two networks to compare."""

from keras_artkd.models.endpoints import get_endpoints, group_names


def group_pairs(teacher, student):
    """Pairs of the networks' `group<i>` endpoints, shallow to deep.

    Where one has more groups than the other, its shallowest are left over:
    the deepest maps of both belong together.

    Args:
        teacher: a network with endpoints.
        student: a network with endpoints.

    Returns:
        tuple of `(teacher endpoint, student endpoint)` names, at least one.

    Raises:
        ValueError: if a network has no such endpoint.
    """
    names = [_groups(teacher), _groups(student)]
    count = min(map(len, names))
    return tuple(zip(*(side[-count:] for side in names), strict=True))


def preactivation_pairs(teacher, student):
    """`group_pairs` of maps before their ReLU.

    A group has such an endpoint, `preactivation<i>`, where the network has
    named it; else its `group<i>` is taken.
    """
    known = [get_endpoints(network) for network in (teacher, student)]
    pairs = group_pairs(teacher, student)
    return tuple(
        tuple(
            _preactivation(name, endpoints)
            for name, endpoints in zip(pair, known, strict=True)
        )
        for pair in pairs
    )


def _groups(network):
    names = group_names(network)
    if not names:
        raise ValueError(
            "The method compares feature maps, endpoints named group1, "
            f"group2, ... Received: {network.name!r} with "
            f"{', '.join(get_endpoints(network))}. Fix: name its layers with "
            "keras_artkd.models.with_endpoints."
        )
    return names


def _preactivation(group, endpoints):
    name = group.replace("group", "preactivation")
    return name if name in endpoints else group
