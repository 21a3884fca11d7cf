"""A multi-layer perceptron on features, such as the 561 of the UCI HAR data set."""

from torch import Tensor, nn


class Mlp(nn.Module):
    """x (1, inputs) → (1, classes): two hidden layers of ReLU."""

    def __init__(self, classes: int = 6, inputs: int = 561, hidden: tuple[int, int] = (128, 64)) -> None:
        super().__init__()
        first, second = hidden
        self.features = nn.Sequential(nn.Linear(inputs, first), nn.ReLU(), nn.Linear(first, second), nn.ReLU())
        self.classifier = nn.Linear(second, classes)

    def forward(self, x: Tensor) -> Tensor:
        """Class scores."""
        return self.classifier(self.features(x))
