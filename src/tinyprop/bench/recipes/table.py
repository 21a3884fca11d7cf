"""The recipes: one line for each data set, by its name in `tinyprop data`.

Settings were chosen on validation parts. The floor of `cifar100` is that of its stand-in, Tiny-ImageNet at 32×32.
"""

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any

from torch import nn

from tinyprop.bench.networks import Cnn
from tinyprop.bench.recipes.recipe import Recipe
from tinyprop.models import Cnn1d, DsCnn, LeNet5, Mlp, ResNet8

_IMAGES: dict[str, Any] = {
    "optimizer": "sgd",
    "rate": 0.2,
    "weight_decay": 5e-4,
    "label_smoothing": 0.05,
    "bfloat16": True,
}
_CIFAR: dict[str, Any] = {**_IMAGES, "batch": 128, "augmentations": ("cropped", "flipped")}
_PHOTOS: dict[str, Any] = {
    **_IMAGES,
    "rate": 0.1,
    "batch": 64,
    "augmentations": ("zoomed", "flipped"),
    "start": "cifar100",
}
_SMALL: dict[str, Any] = {"optimizer": "adamw", "weight_decay": 1e-2}


def _by_classes(make: Callable[[int], nn.Module]) -> Callable[[int, tuple[int, ...]], nn.Module]:
    return lambda classes, _shape: make(classes)


def _resnet8_of_64(classes: int, _shape: tuple[int, ...]) -> nn.Module:
    return ResNet8(classes, stem_stride=2)


_LENET5, _RESNET8, _DS_CNN = _by_classes(LeNet5), _by_classes(ResNet8), _by_classes(DsCnn)
_CNN1D = _by_classes(Cnn1d)
_MOVED, _HEARD = ("gained", "jittered"), ("late", "masked")


def _mlp(classes: int, shape: tuple[int, ...]) -> nn.Module:
    return Mlp(classes, shape[0])


# fmt: off
RECIPES: Mapping[str, Recipe] = MappingProxyType(
    {
        "digits": Recipe("digits", "cnn", _by_classes(lambda _classes: Cnn()), None, epochs=20, batch=32, rate=1e-2, **_SMALL),  # noqa: E501
        "mnist": Recipe("mnist", "lenet5", _LENET5, 98.5, epochs=12, batch=128, rate=4e-3, **_SMALL),
        "cifar10": Recipe("cifar10", "resnet8", _RESNET8, 80.0, epochs=20, **_CIFAR),
        "cifar100": Recipe("cifar100", "resnet8", _RESNET8, 30.0, epochs=16, **_CIFAR),
        "food101": Recipe("food101", "resnet8", _resnet8_of_64, 65.0, epochs=40, **_PHOTOS),
        "flowers102": Recipe("flowers102", "resnet8", _resnet8_of_64, 62.0, epochs=60, **_PHOTOS),
        "har_windows": Recipe("har_windows", "cnn1d", _CNN1D, 93.0, epochs=20, batch=64, rate=5e-3, scaled_over=(0, 2), **_SMALL),  # noqa: E501
        "har_features": Recipe("har_features", "mlp", _mlp, None, epochs=20, batch=64, rate=2e-3, label_smoothing=0.1, scaled_over=(0,), **_SMALL),  # noqa: E501
        "speech_commands": Recipe("speech_commands", "ds_cnn", _DS_CNN, 83.0, epochs=40, batch=64, rate=5e-3, label_smoothing=0.1, augmentations=_HEARD, scaled_over=(0, 1, 2), **_SMALL),  # noqa: E501
    }
)
# fmt: on
