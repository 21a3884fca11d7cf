"""The networks of demo and benchmark, as a PyTorch user writes them."""

from collections.abc import Callable

from torch import nn


class MlpS(nn.Sequential):
    """64-32-16-10, ReLU: 2,778 parameters."""

    def __init__(self) -> None:
        super().__init__(*_mlp(64))


class Mlp(nn.Sequential):
    """64-256-10, ReLU: 19,210 parameters."""

    def __init__(self) -> None:
        super().__init__(nn.Flatten(), nn.Linear(64, 256), nn.ReLU(), nn.Linear(256, 10))


class MlpL(nn.Sequential):
    """784-32-16-10, ReLU: 25,818 parameters."""

    def __init__(self) -> None:
        super().__init__(*_mlp(784))


class Cnn(nn.Sequential):
    """conv 8, pool, conv 16, pool, dense, on 8×8 digits: 1,898 parameters."""

    def __init__(self) -> None:
        super().__init__(*_cnn(side=8))


class CnnS(nn.Sequential):
    """The same on 16×16: 3,818 parameters, 94,720 forward multiply-adds."""

    def __init__(self) -> None:
        super().__init__(*_cnn(side=16))


class HarCnn(nn.Sequential):
    """Three convolutions of stride 2 over nine channels of 128 values, their mean, dense: 9,974 parameters."""

    def __init__(self) -> None:
        first = [nn.Conv1d(9, 16, 5, stride=2, padding=2), nn.ReLU()]
        second = [nn.Conv1d(16, 32, 5, stride=2, padding=2), nn.ReLU()]
        third = [nn.Conv1d(32, 64, 3, stride=2, padding=1), nn.ReLU()]
        super().__init__(*first, *second, *third, nn.AdaptiveAvgPool1d(1), nn.Flatten(), nn.Linear(64, 6))


DEMO_NETWORKS: dict[str, Callable[[], nn.Module]] = {"mlp": Mlp, "cnn": Cnn}


def _mlp(inputs: int) -> list[nn.Module]:
    hidden = [nn.Flatten(), nn.Linear(inputs, 32), nn.ReLU(), nn.Linear(32, 16), nn.ReLU()]
    return [*hidden, nn.Linear(16, 10)]


def _cnn(side: int) -> list[nn.Module]:
    first = [nn.Conv2d(1, 8, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2)]
    second = [nn.Conv2d(8, 16, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2)]
    return [*first, *second, nn.Flatten(), nn.Linear(16 * (side // 4) ** 2, 10)]
