"""What every loss knows: from the outputs of one sample and its truth, the loss and the error it sends back."""

from abc import ABC, abstractmethod
from typing import ClassVar

import numpy as np

from tinyprop.ir.op import Array

Truth = int | Array


class Loss(ABC):
    """A loss. Subclasses are frozen dataclasses of the loss's settings; one file each.

    learns_targets: its truth is an array of floats, one per output; otherwise a class label.
    after_relu: it can learn from outputs that left a ReLU.
    """

    kind: ClassVar[str]
    learns_targets: ClassVar[bool]
    after_relu: ClassVar[bool]

    @property
    @abstractmethod
    def can_overflow(self) -> bool:
        """Whether finite outputs and a finite truth can give an infinite loss or error; such a step is refused."""

    @abstractmethod
    def require_truth(self, truth: Truth, outputs: int) -> None:
        """Raises UserError unless `truth` can be learned by a network with so many outputs."""

    @abstractmethod
    def loss_and_error(self, outputs: Array, truth: Truth) -> tuple[np.floating, Array]:
        """The loss of one sample and ∂loss/∂outputs, in shape and dtype of `outputs` (float32 or float64)."""
