"""ResNet-8 for CIFAR-10: the MLPerf Tiny reference.

He, Zhang, Ren, Sun: Deep residual learning (2016), three blocks; Banbury et al.: MLPerf Tiny (2021). As there, a block
that changes the shape projects its input with a 1×1 convolution without batch norm.
"""

from torch import Tensor, nn

from tinyprop.models.blocks import conv_norm


class Block(nn.Module):
    """relu(conv(relu(conv(x))) + shortcut(x))."""

    def __init__(self, inputs: int, outputs: int, stride: int) -> None:
        super().__init__()
        first = [*conv_norm(inputs, outputs, 3, stride), nn.ReLU()]
        self.body = nn.Sequential(*first, *conv_norm(outputs, outputs, 3))
        same = inputs == outputs and stride == 1
        self.shortcut = nn.Identity() if same else nn.Conv2d(inputs, outputs, 1, stride)

    def forward(self, x: Tensor) -> Tensor:
        """Feature map (1, outputs, H / stride, W / stride)."""
        return (self.body(x) + self.shortcut(x)).relu()


class ResNet8(nn.Module):
    """x (1, 3, 32, 32) → (1, classes): 16, 32 and 64 channels.

    stem_stride: 2 for images of 64×64, which are then treated as those of 32×32 are.
    """

    def __init__(self, classes: int = 10, stem_stride: int = 1) -> None:
        super().__init__()
        self.stem = nn.Sequential(*conv_norm(3, 16, 3, stem_stride), nn.ReLU())
        self.blocks = nn.Sequential(Block(16, 16, 1), Block(16, 32, 2), Block(32, 64, 2))
        self.pool = nn.AdaptiveAvgPool2d(1)
        self.classifier = nn.Linear(64, classes)

    def forward(self, x: Tensor) -> Tensor:
        """Class scores."""
        return self.classifier(self.pool(self.blocks(self.stem(x))).flatten(1))
