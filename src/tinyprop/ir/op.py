"""What every operator of the IR knows: its shapes, its mathematics (the oracle), its arithmetic cost.

Shapes carry no batch: the device trains one sample at a time. A feature map is (C, H, W), a vector (N,).

Numerics, binding for the oracle here and for every C kernel: one accumulator per output, started at the
bias (or zero), terms added in the ascending order that the operator's file states, no fused multiply-add.
The oracle follows the dtype of its inputs, so in float32 it is bit-identical to the C engine and in float64
it serves as the yardstick of gradient checks.
"""

import math
from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

Shape = tuple[int, ...]
Array = np.ndarray

LONGEST_LIST = 65_535  # entries of δ that one list of the engine's kernels can name: its indices have 16 bits


def sum_in_order(start: Array, terms: Array) -> Array:
    """`start + terms[0] + terms[1] + …`, strictly left to right (NumPy's own sum is pairwise).

    start: (…); terms: (T, …); returns (…), in the dtype of `start`.
    """
    stacked = np.concatenate([start[None], terms]).astype(start.dtype, copy=False)
    return np.add.accumulate(stacked, axis=0)[-1]


@dataclass(frozen=True)
class Forward:
    """What a forward pass leaves behind. y: the output; aux: what only the backward pass needs (argmax), or None."""

    y: Array
    aux: Array | None = None


@dataclass(frozen=True)
class MacCount:
    """Multiply-adds of one operator on one sample, plain and dense (1 MAC = 1 multiply-add; biases not counted)."""

    forward: int
    input_error: int
    weight_gradient: int


class Op(ABC):
    """An operator. Subclasses are frozen dataclasses of the operator's attributes; one file each."""

    kind: ClassVar[str]
    elementwise: ClassVar[bool] = False  # an output depends on one input only and may overwrite it; its error likewise
    has_argmax: ClassVar[bool] = False  # the backward pass needs to know which inputs won

    @abstractmethod
    def shape_after(self, shapes: tuple[Shape, ...]) -> Shape:
        """Shape of the output for inputs of `shapes`; raises UserError when they cannot be taken."""

    @abstractmethod
    def run(self, xs: tuple[Array, ...], parameters: tuple[Array, ...]) -> Forward:
        """The operator on the inputs of one sample."""


class UnaryOp(Op):
    """An operator with one input."""

    @abstractmethod
    def output_shape(self, shape: Shape) -> Shape:
        """Shape of the output for an input of `shape`; raises UserError when the input cannot be taken."""

    def argmax_bytes(self, shape: Shape) -> int:
        """Memory for which inputs won, for an input of `shape`: one byte per output."""
        return math.prod(self.output_shape(shape))

    @abstractmethod
    def forward(self, x: Array, parameters: tuple[Array, ...]) -> Forward:
        """The operator on one sample."""

    @abstractmethod
    def macs(self, shape: Shape) -> MacCount:
        """Plain dense cost for an input of `shape`."""

    def shape_after(self, shapes: tuple[Shape, ...]) -> Shape:
        (shape,) = shapes
        return self.output_shape(shape)

    def run(self, xs: tuple[Array, ...], parameters: tuple[Array, ...]) -> Forward:
        (x,) = xs
        return self.forward(x, parameters)


class PassOp(UnaryOp):
    """An operator without parameters: an error passes through it on its way down, nothing is selected."""

    backward_reads_input: ClassVar[bool] = False  # the derivative is formed from x
    backward_reads_output: ClassVar[bool] = False  # the derivative is formed from y
    two_slopes: ClassVar[bool] = False  # of y only which of two constants the derivative is: one bit an element

    def macs(self, shape: Shape) -> MacCount:
        """Operators without parameters cost no multiply-adds in this accounting."""
        return MacCount(0, 0, 0)

    @abstractmethod
    def backward(self, error: Array, x: Array, ran: Forward) -> Array:
        """∂loss/∂x (shape of x) from ∂loss/∂y (shape of y)."""


class JoinOp(Op):
    """An operator that brings several values together; its error goes to each of them."""

    @abstractmethod
    def backward(self, error: Array, shapes: tuple[Shape, ...]) -> tuple[Array, ...]:
        """∂loss/∂x of every input, of `shapes`, from ∂loss/∂y."""


class LayerOp(UnaryOp):
    """An operator with parameters (weight, then bias when it has one, then what never trains): a layer."""

    bias: bool
    relu: bool
    error_overwrites_input: ClassVar[bool] = False  # the backward kernel reads an input before it writes its error

    def scratch_bytes(self, shape: Shape, updates: bool = True) -> int:
        """Working memory of the backward kernels for an input of `shape`; updates: the weight learns."""
        return 0

    @property
    def per_channel(self) -> bool:
        """Whether each output channel reads one input channel of several: an entry of δ costs few multiply-adds."""
        return False

    @property
    def trained(self) -> int:
        """How many of its parameters, the first ones, training may change; 0: the layer is frozen for good."""
        return len(self.parameter_shapes())

    @abstractmethod
    def parameter_shapes(self) -> tuple[Shape, ...]:
        """Shapes of weight and, with a bias, of bias, in PyTorch's layout, then of what never trains."""

    def has_meaning(self, parameters: tuple[Array, ...]) -> bool:
        """Whether the operator can work with finite `parameters` of its shapes."""
        return True

    @abstractmethod
    def delta_count(self, shape: Shape) -> int:
        """n: the layer's own outputs before activation and pooling (the n of k = S·n)."""

    def delta(self, error: Array, ran: Forward) -> Array:
        """δ, ∂loss/∂pre-activation, from ∂loss/∂y; shape of y. Dead ReLU outputs get exact zeros.

        A layer fused with a max pool keeps δ only where the pool looked (every other entry is zero).
        """
        return np.where(ran.y > 0, error, np.zeros_like(error)) if self.relu else error

    def delta_order(self, ran: Forward) -> Array:
        """For each stored entry of δ (flat) its index in the un-pooled δ: ties are won by the lower index."""
        return np.arange(ran.y.size)

    @abstractmethod
    def input_error(self, delta: Array, x: Array, parameters: tuple[Array, ...], ran: Forward) -> Array:
        """∂loss/∂x (shape of x) from δ (shape of y)."""

    @abstractmethod
    def updated(
        self, delta: Array, x: Array, parameters: tuple[Array, ...], ran: Forward, lr: float
    ) -> tuple[Array, ...]:
        """The trained parameters after one SGD step; the ones given stay as they are."""
