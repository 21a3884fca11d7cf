"""What a run learns from, and what it is judged by."""

import hashlib
from dataclasses import dataclass

from tinyprop.data import Samples


@dataclass(frozen=True)
class Task:
    """pretrain: in PyTorch, before the device is shipped; field: what it sees, one sample at a time.

    Settings are chosen on validation, results read on test; old: test samples of what the network could before. No
    sample is in two of the first four.
    """

    pretrain: Samples
    field: Samples
    validation: Samples
    test: Samples
    old: Samples

    @property
    def content_hash(self) -> str:
        """SHA-256 over all samples."""
        content = hashlib.sha256()
        for part in (self.pretrain, self.field, self.validation, self.test, self.old):
            content.update(part.x.tobytes() + part.y.tobytes())
        return content.hexdigest()
