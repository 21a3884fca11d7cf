"""The operators, one file each. A new one: its file, and its line in OPS."""

from collections.abc import Mapping
from types import MappingProxyType

from tinyprop.ir.op import Op
from tinyprop.ir.ops.activation import Activation
from tinyprop.ir.ops.add import Add as Add
from tinyprop.ir.ops.avg_pool2d import AvgPool2d as AvgPool2d
from tinyprop.ir.ops.clamp import Clamp as Clamp
from tinyprop.ir.ops.concat import Concat as Concat
from tinyprop.ir.ops.conv2d import Conv2d as Conv2d
from tinyprop.ir.ops.conv2d_max_pool import Conv2dMaxPool as Conv2dMaxPool
from tinyprop.ir.ops.dense import Dense as Dense
from tinyprop.ir.ops.hard_sigmoid import HardSigmoid as HardSigmoid
from tinyprop.ir.ops.hard_swish import HardSwish as HardSwish
from tinyprop.ir.ops.leaky_relu import LeakyReLU as LeakyReLU
from tinyprop.ir.ops.max_pool2d import MaxPool2d as MaxPool2d
from tinyprop.ir.ops.relu import ReLU as ReLU
from tinyprop.ir.ops.reshape import Reshape as Reshape
from tinyprop.ir.ops.scale_shift import ScaleShift as ScaleShift
from tinyprop.ir.ops.sigmoid import Sigmoid as Sigmoid
from tinyprop.ir.ops.tanh import Tanh as Tanh

ACTIVATIONS: tuple[type[Activation], ...] = (Clamp, HardSigmoid, HardSwish, LeakyReLU, ReLU, Sigmoid, Tanh)
_LAYERS: tuple[type[Op], ...] = (Conv2d, Conv2dMaxPool, Dense, ScaleShift)
_OTHERS: tuple[type[Op], ...] = (Add, AvgPool2d, Concat, MaxPool2d, Reshape)

OPS: Mapping[str, type[Op]] = MappingProxyType({op.kind: op for op in (*ACTIVATIONS, *_LAYERS, *_OTHERS)})
