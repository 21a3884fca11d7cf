"""MobileNetV2 at width 0.35, for small images.

Sandler, Howard, Zhu, Zhmoginov, Chen: MobileNetV2 (2018), table 2. Differs from the paper for 32×32 images: the first
convolution and the first two stages that halve the map there keep it (stride 1), as is usual for CIFAR.
"""

from torch import Tensor, nn

from tinyprop.models.blocks import conv_norm

# (expansion, output channels at width 1, repeats, stride of the first)
STAGES = ((1, 16, 1, 1), (6, 24, 2, 1), (6, 32, 3, 1), (6, 64, 4, 2), (6, 96, 3, 1), (6, 160, 3, 2), (6, 320, 1, 1))


def rounded(channels: float, divisor: int = 8) -> int:
    """Channels as a multiple of `divisor`, never more than ten percent below what was asked for."""
    nearest = max(divisor, int(channels + divisor / 2) // divisor * divisor)
    return nearest + divisor if nearest < 0.9 * channels else nearest


class InvertedResidual(nn.Module):
    """Expand, depthwise, project; the input is added back where the shape stays."""

    def __init__(self, inputs: int, outputs: int, stride: int, expansion: int) -> None:
        super().__init__()
        hidden = inputs * expansion
        expand = [*conv_norm(inputs, hidden, 1), nn.ReLU6()] if expansion != 1 else []
        depthwise = [*conv_norm(hidden, hidden, 3, stride, groups=hidden), nn.ReLU6()]
        self.body = nn.Sequential(*expand, *depthwise, *conv_norm(hidden, outputs, 1))
        self.adds = stride == 1 and inputs == outputs

    def forward(self, x: Tensor) -> Tensor:
        """Feature map (1, outputs, H / stride, W / stride)."""
        return x + self.body(x) if self.adds else self.body(x)


class MobileNetV2(nn.Module):
    """x (1, 3, 32, 32) → (1, classes)."""

    def __init__(self, classes: int = 10, width: float = 0.35) -> None:
        super().__init__()
        channels = rounded(32 * width)
        modules = [*conv_norm(3, channels, 3), nn.ReLU6()]
        for expansion, outputs, repeats, stride in STAGES:
            for repeat in range(repeats):
                block = InvertedResidual(channels, rounded(outputs * width), stride if repeat == 0 else 1, expansion)
                modules.append(block)
                channels = rounded(outputs * width)
        last = 1280
        self.features = nn.Sequential(*modules, *conv_norm(channels, last, 1), nn.ReLU6())
        self.pool = nn.AdaptiveAvgPool2d(1)
        self.classifier = nn.Linear(last, classes)

    def forward(self, x: Tensor) -> Tensor:
        """Class scores."""
        return self.classifier(self.pool(self.features(x)).flatten(1))
