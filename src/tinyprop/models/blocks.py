"""What the convolutional networks are built from."""

from torch import nn


def conv_norm(
    inputs: int, outputs: int, kernel: int | tuple[int, int], stride: int | tuple[int, int] = 1, groups: int = 1
) -> list[nn.Module]:
    """Convolution without bias, as much padding as keeps the size at stride 1, and batch norm."""
    height, width = (kernel, kernel) if isinstance(kernel, int) else kernel
    padding = (height // 2, width // 2)
    conv = nn.Conv2d(inputs, outputs, (height, width), stride, padding, groups=groups, bias=False)
    return [conv, nn.BatchNorm2d(outputs)]


def separable(inputs: int, outputs: int, stride: int = 1) -> list[nn.Module]:
    """Depthwise 3×3, then pointwise, each with batch norm and ReLU."""
    depthwise = [*conv_norm(inputs, inputs, 3, stride, groups=inputs), nn.ReLU()]
    return [*depthwise, *conv_norm(inputs, outputs, 1), nn.ReLU()]
