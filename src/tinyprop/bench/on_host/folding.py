"""Batch norm folded into the layer before it, as capture does, so that every trainer is given the same network."""

from itertools import pairwise

from torch import nn
from torch.nn.utils.fusion import fuse_conv_bn_eval


def folded(module: nn.Module) -> nn.Module:
    """`module` in eval mode, every convolution with a batch norm behind it in one convolution with a bias."""
    module.eval()
    for sequence in [one for one in module.modules() if isinstance(one, nn.Sequential)]:
        for at, (layer, behind) in enumerate(pairwise(list(sequence))):
            if isinstance(layer, nn.Conv2d) and isinstance(behind, nn.BatchNorm2d):
                fused = fuse_conv_bn_eval(layer, behind)
                sequence[at], sequence[at + 1] = fused.requires_grad_(True), nn.Identity()
    for parameter in module.parameters():
        parameter.data = parameter.data.contiguous()
    return module
