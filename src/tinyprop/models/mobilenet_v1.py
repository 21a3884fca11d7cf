"""MobileNetV1 at width 0.25 for 96×96 images: the MLPerf Tiny reference for visual wake words.

Howard et al.: MobileNets (2017), table 1; Banbury et al.: MLPerf Tiny (2021).
"""

from torch import Tensor, nn

from tinyprop.models.blocks import conv_norm, separable

# (output channels at width 1, stride) of the separable blocks
BLOCKS = ((64, 1), (128, 2), (128, 1), (256, 2), (256, 1), (512, 2), *((512, 1),) * 5, (1024, 2), (1024, 1))


class MobileNetV1(nn.Module):
    """x (1, 3, 96, 96) → (1, classes)."""

    def __init__(self, classes: int = 2, width: float = 0.25) -> None:
        super().__init__()
        channels = int(32 * width)
        modules = [*conv_norm(3, channels, 3, 2), nn.ReLU()]
        for outputs, stride in BLOCKS:
            modules += separable(channels, int(outputs * width), stride)
            channels = int(outputs * width)
        self.features = nn.Sequential(*modules)
        self.pool = nn.AdaptiveAvgPool2d(1)
        self.classifier = nn.Linear(channels, classes)

    def forward(self, x: Tensor) -> Tensor:
        """Class scores."""
        return self.classifier(self.pool(self.features(x)).flatten(1))
