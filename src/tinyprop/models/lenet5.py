"""LeNet-5 for 28×28 digits, with ReLU and max pooling as it is used today.

LeCun, Bottou, Bengio, Haffner: Gradient-based learning applied to document recognition (1998). Differs from the
paper: ReLU for tanh, max for trainable average pooling, full connections between the convolutions, softmax output.
"""

from torch import Tensor, nn


class LeNet5(nn.Module):
    """x (1, 1, 28, 28) → (1, classes). 61,706 parameters for ten classes."""

    def __init__(self, classes: int = 10) -> None:
        super().__init__()
        self.features = nn.Sequential(
            nn.Conv2d(1, 6, 5, padding=2),
            nn.ReLU(),
            nn.MaxPool2d(2),
            nn.Conv2d(6, 16, 5),
            nn.ReLU(),
            nn.MaxPool2d(2),
        )
        self.classifier = nn.Sequential(
            nn.Flatten(), nn.Linear(400, 120), nn.ReLU(), nn.Linear(120, 84), nn.ReLU(), nn.Linear(84, classes)
        )

    def forward(self, x: Tensor) -> Tensor:
        """Class scores."""
        return self.classifier(self.features(x))
