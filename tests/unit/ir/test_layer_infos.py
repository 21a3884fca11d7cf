"""What methods are told of the layers of a network."""

import torch

import tinyprop
from tinyprop.ir.differentiate import layer_infos
from tinyprop.ir.passes import fuse


def test_depthwise_convolutions_and_batch_norms_work_channel_by_channel() -> None:
    model = torch.nn.Sequential(
        torch.nn.Conv2d(1, 4, 3),  # one input channel, which all read: not depthwise
        torch.nn.Conv2d(4, 8, 3, groups=4),
        torch.nn.MaxPool2d(2),
        torch.nn.Conv2d(8, 8, 1, groups=4),
        torch.nn.BatchNorm2d(8),
        torch.nn.Flatten(),
        torch.nn.Linear(32, 2),
    ).eval()
    network = tinyprop.capture(model, torch.zeros(1, 1, 8, 8), batch_norm="train")
    assert [info.per_channel for info in layer_infos(fuse(network.program))] == [False, True, False, True, False]
