"""Two loads of the same images."""

import numpy as np


def assert_same(data, expected):
    """Compares splits, pixels, groups and fingerprints."""
    assert data.class_names == expected.class_names
    assert data.skipped == expected.skipped
    assert data.groups == expected.groups
    for split in ("train", "validation", "test", "unlabelled"):
        one, two = getattr(data, split), getattr(expected, split)
        if two is None:
            assert one is None
            continue
        np.testing.assert_array_equal(one.keys, two.keys)
        np.testing.assert_array_equal(one.labels, two.labels)
        np.testing.assert_array_equal(one.sizes, two.sizes)
        for row in range(len(two)):
            np.testing.assert_array_equal(one.image(row), two.image(row))
    assert data.fingerprint() == expected.fingerprint()
    assert data.unlabelled_fingerprint() == expected.unlabelled_fingerprint()
