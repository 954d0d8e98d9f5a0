"""What decoded images may take: of memory, shared by all threads; of disk."""

import contextlib
import threading
from collections.abc import Iterator

# Bytes that all images together may take while they are decoded; and that those
# of a data set may take afterwards, before they are kept on disk.
BUDGET = 1_200_000_000
# Gigabytes of disk for those that are kept there, of all data sets.
CACHE_SIZE = 100.0
# Bytes a pixel, at most: its colours as Pillow keeps them, four bytes, and
# once more where they are converted or turned. Some decoders have the whole
# picture beside that, for themselves.
_PLAIN = 8
# Of a progressive JPEG, whatever the scale that it is decoded at.
_COEFFICIENTS = 6
_DECODERS = {"AVIF": 12, "HEIF": 16, "WEBP": 18, "JPEG2000": 28}


def cost(image_format: str | None, pixels: int, whole: int = 0) -> int:
    """Bytes that a picture takes while it is decoded, at most.

    Args:
        image_format: by Pillow's name.
        pixels: that are decoded.
        whole: of a progressive JPEG, that is reduced while it is decoded, the
            pixels in the file.
    """
    each = _DECODERS.get(image_format or "", _PLAIN)
    return pixels * each + whole * _COEFFICIENTS


class Budget:
    """Memory that threads take and give back; who asks for too much waits.

    Args:
        limit: int, bytes.
    """

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._taken = 0
        self._changed = threading.Condition()
        # In order: small pictures do not keep a large one waiting for ever.
        self._turn = threading.Lock()

    @contextlib.contextmanager
    def of(self, size: int) -> Iterator[None]:
        """Context that has `size` bytes, at most the limit, of the budget."""
        with self._turn, self._changed:
            self._changed.wait_for(lambda: self._taken + size <= self._limit)
            self._taken += size
        try:
            yield
        finally:
            with self._changed:
                self._taken -= size
                self._changed.notify_all()


DECODING = Budget(BUDGET)
