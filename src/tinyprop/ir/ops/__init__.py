"""The operators, one file each. A new one: its file, and its line in OPS."""

from collections.abc import Mapping
from types import MappingProxyType

from tinyprop.ir.op import Op
from tinyprop.ir.ops.add import Add
from tinyprop.ir.ops.conv2d import Conv2d
from tinyprop.ir.ops.conv2d_max_pool import Conv2dMaxPool
from tinyprop.ir.ops.dense import Dense
from tinyprop.ir.ops.flatten import Flatten
from tinyprop.ir.ops.max_pool2d import MaxPool2d
from tinyprop.ir.ops.relu import ReLU

OPS: Mapping[str, type[Op]] = MappingProxyType(
    {op.kind: op for op in (Add, Conv2d, Conv2dMaxPool, Dense, Flatten, MaxPool2d, ReLU)}
)
