"""What all activations have in common."""

from dataclasses import astuple, dataclass
from typing import ClassVar

from tinyprop.ir.op import PassOp, Shape


@dataclass(frozen=True)
class Activation(PassOp):
    """y = f(x), element by element, of any shape. Its fields, if any, are numbers: the settings that its kernels take.

    Its derivative is best formed from y (`backward_reads_output`), so that y may overwrite x; from x
    (`backward_reads_input`) only where y does not determine it. The error is scaled where it lies.
    """

    elementwise: ClassVar[bool] = True

    @property
    def settings(self) -> tuple[float, ...]:
        """The numbers besides its size that the kernels take, in their order."""
        return astuple(self)

    def output_shape(self, shape: Shape) -> Shape:
        return shape
