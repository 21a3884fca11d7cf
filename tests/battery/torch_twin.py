"""PyTorch's own version of every operator and loss: what autograd differentiates."""

from collections.abc import Callable

import torch
import torch.nn.functional as F

from tinyprop.ir.losses import CrossEntropy, Loss
from tinyprop.ir.op import Op
from tinyprop.ir.ops import (
    Add,
    AvgPool2d,
    Clamp,
    Concat,
    Conv2d,
    Conv2dMaxPool,
    Dense,
    HardSigmoid,
    HardSwish,
    LeakyReLU,
    MaxPool2d,
    ReLU,
    Reshape,
    ScaleShift,
    Sigmoid,
    Tanh,
)

Twin = Callable[..., torch.Tensor]


def _conv(op: Conv2d, x: torch.Tensor, weight: torch.Tensor, bias: torch.Tensor | None = None) -> torch.Tensor:
    (top, left), (bottom, right) = op.padding, op.trailing or op.padding
    if op.signal:
        geometry = (op.stride[1], 0, op.dilation[1], op.groups)
        y = F.conv1d(F.pad(x[None, :, 0], (left, right)), weight, bias, *geometry)[0][:, None]
    else:
        padded = F.pad(x[None], (left, right, top, bottom))
        y = F.conv2d(padded, weight, bias, op.stride, 0, op.dilation, op.groups)[0]
    return F.relu(y) if op.relu else y


def _max_pool(op: MaxPool2d, x: torch.Tensor) -> torch.Tensor:
    return F.max_pool2d(x[None], op.kernel, op.stride, op.padding)[0]


def _dense(op: Dense, x: torch.Tensor, weight: torch.Tensor, bias: torch.Tensor | None = None) -> torch.Tensor:
    y = F.linear(x, weight, bias)
    return F.relu(y) if op.relu else y


def _batch_norm(op: ScaleShift, x: torch.Tensor, *parameters: torch.Tensor) -> torch.Tensor:
    *affine, mean, variance = parameters
    y = F.batch_norm(x[None], mean, variance, *affine, eps=op.eps)[0]
    return F.relu(y) if op.relu else y


TWINS: dict[type[Op], Callable[..., torch.Tensor]] = {
    Add: lambda op, a, b: a + b,
    AvgPool2d: lambda op, x: F.avg_pool2d(x[None], op.kernel, op.stride, op.padding, False, op.count_padding)[0],
    Clamp: lambda op, x: F.hardtanh(x, op.low, op.high),
    Concat: lambda op, *xs: torch.cat(xs),
    Conv2d: _conv,
    Conv2dMaxPool: lambda op, x, *parameters: _max_pool(op.pool, _conv(op.conv, x, *parameters)),
    Dense: _dense,
    HardSigmoid: lambda op, x: F.relu6(x + 3) / 6,  # that of torch takes 1/6 in float32 only
    HardSwish: lambda op, x: F.hardswish(x),
    LeakyReLU: lambda op, x: F.leaky_relu(x, op.slope),
    MaxPool2d: _max_pool,
    ReLU: lambda op, x: F.relu(x),
    Reshape: lambda op, x: x.reshape(op.shape),
    ScaleShift: _batch_norm,
    Sigmoid: lambda op, x: torch.sigmoid(x),
    Tanh: lambda op, x: torch.tanh(x),
}


def twin(op: Op) -> Twin:
    """twin(op)(inputs…, parameters…) → output; one sample, without a batch."""
    return lambda *arguments: TWINS[type(op)](op, *arguments)


def loss_twin(loss: Loss, outputs: torch.Tensor, truth: int | torch.Tensor) -> torch.Tensor:
    """The loss of one sample."""
    if isinstance(loss, CrossEntropy):
        return F.cross_entropy(outputs[None], torch.tensor([truth]), label_smoothing=loss.label_smoothing)
    return F.mse_loss(outputs, truth)  # type: ignore[arg-type]
