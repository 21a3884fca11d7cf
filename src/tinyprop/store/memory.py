"""InMemory: the values of a store's samples in RAM."""

import numpy as np


class InMemory:
    """Rows of value bytes, one per slot; counts of seen and drawn are not kept."""

    def __init__(self, capacity: int, value_bytes: int) -> None:
        self._rows = np.zeros((capacity, value_bytes), np.uint8)

    def put(self, slot: int, label: int, seen: int, drawn: int, values: bytes) -> None:
        """Stores a sample's values, as bytes in the store's format."""
        self._rows[slot] = np.frombuffer(values, np.uint8)

    def get(self, slot: int) -> bytes | None:
        """The values stored last in that slot."""
        return self._rows[slot].tobytes()
