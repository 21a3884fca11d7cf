"""A 1-D CNN for windows of motion, 128 values of nine channels: human activity recognition.

Three convolutions with wide kernels and stride 2, as is usual for the set (Ronao, Cho: Human activity recognition with
smartphone sensors using deep learning neural networks, 2016, find wide kernels better); batch norm, mean over time.
"""

from torch import Tensor, nn

# (channels, kernel)
STAGES = ((32, 9), (48, 7), (64, 5))


class Cnn1d(nn.Module):
    """x (1, channels, T) → (1, classes)."""

    def __init__(self, classes: int = 6, channels: int = 9) -> None:
        super().__init__()
        modules: list[nn.Module] = []
        for outputs, kernel in STAGES:
            conv = nn.Conv1d(channels, outputs, kernel, stride=2, padding=kernel // 2, bias=False)
            modules += [conv, nn.BatchNorm1d(outputs), nn.ReLU()]
            channels = outputs
        self.features = nn.Sequential(*modules)
        self.pool = nn.AdaptiveAvgPool1d(1)
        self.classifier = nn.Linear(channels, classes)

    def forward(self, x: Tensor) -> Tensor:
        """Class scores."""
        return self.classifier(self.pool(self.features(x)).flatten(1))
