"""DS-CNN for keyword spotting: the MLPerf Tiny reference, on 49 × 10 MFCC.

Zhang, Suda, Lai, Chandra: Hello Edge (2017), size S; Banbury et al.: MLPerf Tiny (2021). Differs from the reference:
PyTorch's symmetric padding in the first layer, no dropout.
"""

from torch import Tensor, nn

from tinyprop.models.blocks import separable


class DsCnn(nn.Module):
    """x (1, 1, 49, 10) → (1, classes): a 10×4 convolution of stride 2, four separable blocks of 64 channels."""

    def __init__(self, classes: int = 12, channels: int = 64) -> None:
        super().__init__()
        first = nn.Conv2d(1, channels, (10, 4), (2, 2), (5, 1), bias=False)
        blocks = [module for _ in range(4) for module in separable(channels, channels)]
        self.features = nn.Sequential(first, nn.BatchNorm2d(channels), nn.ReLU(), *blocks)
        self.pool = nn.AdaptiveAvgPool2d(1)
        self.classifier = nn.Linear(channels, classes)

    def forward(self, x: Tensor) -> Tensor:
        """Class scores."""
        return self.classifier(self.pool(self.features(x)).flatten(1))
