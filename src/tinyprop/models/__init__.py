"""Networks of the field as ordinary nn.Modules: a new one is its file and its line in MODELS.

Those that are not in MODELS (Cnn1d, Mlp) are compared on data, but not counted on boards yet.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType

from torch import nn

from tinyprop.models.autoencoder import Autoencoder as Autoencoder
from tinyprop.models.cnn1d import Cnn1d as Cnn1d
from tinyprop.models.ds_cnn import DsCnn as DsCnn
from tinyprop.models.lenet5 import LeNet5 as LeNet5
from tinyprop.models.mlp import Mlp as Mlp
from tinyprop.models.mobilenet_v1 import MobileNetV1 as MobileNetV1
from tinyprop.models.mobilenet_v2 import MobileNetV2 as MobileNetV2
from tinyprop.models.resnet8 import ResNet8 as ResNet8


@dataclass(frozen=True)
class ModelCard:
    """make: builds the network with fresh weights; input_shape: of one sample; loss: what it is trained with."""

    make: Callable[[], nn.Module]
    input_shape: tuple[int, ...]
    loss: str = "cross_entropy"


MODELS: Mapping[str, ModelCard] = MappingProxyType(
    {
        "lenet5": ModelCard(LeNet5, (1, 28, 28)),
        "ds_cnn": ModelCard(DsCnn, (1, 49, 10)),
        "resnet8": ModelCard(ResNet8, (3, 32, 32)),
        "mobilenet_v1": ModelCard(MobileNetV1, (3, 96, 96)),
        "mobilenet_v2": ModelCard(MobileNetV2, (3, 32, 32)),
        "autoencoder": ModelCard(Autoencoder, (640,), loss="mse"),
    }
)
