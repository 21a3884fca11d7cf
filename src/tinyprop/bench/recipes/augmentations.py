"""What training shows a network in place of the sample itself: one function each, and the table that names them.

Each takes a batch (N, …) float32 and returns one of the same shape; what it draws comes from PyTorch's generator.
"""

from collections.abc import Callable, Mapping
from types import MappingProxyType

import torch
from torch import Tensor
from torch.nn import functional

PADDING_SHARE = 1 / 8  # of the side of an image: 4 pixels of 32
ZOOM = (0.6, 1.0)  # side of the part that is cut out, over the side of the image
LIGHT = 0.3  # contrast is multiplied by 1 ± this, brightness moved by ± this, of the range −1 … 1
CUT_SHARE = 1 / 4  # side of the square that is blanked, over the side of the image
GAIN, JITTER = 0.15, 0.1  # standard deviations, of channels whose own is 1
LATE = 5  # frames
FRAMES, COEFFICIENTS = 8, 2  # at most so many are blanked


def flipped(x: Tensor) -> Tensor:
    """Left and right exchanged in half of the images."""
    chosen = torch.rand(len(x), 1, 1, 1) < 0.5
    return torch.where(chosen, x.flip(3), x)


def cropped(x: Tensor) -> Tensor:
    """Moved by up to an eighth of the side, each image its own way; zeros come in."""
    side = x.shape[2]
    padding = int(PADDING_SHARE * side)
    windows = functional.pad(x, (padding,) * 4).unfold(2, side, 1).unfold(3, side, 1)
    rows, columns = torch.randint(2 * padding + 1, (2, len(x)))
    return windows[torch.arange(len(x)), :, rows, columns]


def zoomed(x: Tensor) -> Tensor:
    """A square part of each image, brought back to the full side (bilinear)."""
    scale = torch.empty(len(x)).uniform_(*ZOOM)
    place = (2 * torch.rand(len(x), 2) - 1) * (1 - scale[:, None])
    affine = torch.zeros(len(x), 2, 3)
    affine[:, 0, 0] = affine[:, 1, 1] = scale
    affine[:, :, 2] = place
    grid = functional.affine_grid(affine, list(x.shape), align_corners=False)
    return functional.grid_sample(x, grid, padding_mode="reflection", align_corners=False)


def relit(x: Tensor) -> Tensor:
    """Another contrast and brightness for each image."""
    contrast, brightness = (LIGHT * (2 * torch.rand(2, len(x), 1, 1, 1) - 1)).unbind()
    return x * (1 + contrast) + brightness


def cut(x: Tensor) -> Tensor:
    """A square of each image is zero (DeVries, Taylor: Cutout, 2017)."""
    height, width = x.shape[2:]
    side = int(CUT_SHARE * height)
    top, left = torch.randint(height - side + 1, (len(x), 1)), torch.randint(width - side + 1, (len(x), 1))
    rows, columns = torch.arange(height), torch.arange(width)
    blank = ((rows >= top) & (rows < top + side))[:, :, None] & ((columns >= left) & (columns < left + side))[:, None]
    return x.masked_fill(blank[:, None], 0.0)


def gained(x: Tensor) -> Tensor:
    """Every channel of a window (N, C, T) a little larger or smaller."""
    return x * (1 + GAIN * torch.randn(*x.shape[:2], 1))


def jittered(x: Tensor) -> Tensor:
    """With noise of the sensor."""
    return x + JITTER * torch.randn_like(x)


def late(x: Tensor) -> Tensor:
    """Speech (N, 1, T, F) up to LATE frames earlier or later; what comes in is zero, the mean."""
    length = x.shape[2]
    windows = functional.pad(x, (0, 0, LATE, LATE)).unfold(2, length, 1)  # (N, 1, shifts, F, T)
    shifts = torch.randint(2 * LATE + 1, (len(x),))
    return windows[torch.arange(len(x)), :, shifts].transpose(2, 3)


def masked(x: Tensor) -> Tensor:
    """A stretch of frames and some neighbouring coefficients are zero (Park et al.: SpecAugment, 2019)."""
    for axis, most in ((2, FRAMES), (3, COEFFICIENTS)):
        length = x.shape[axis]
        width = torch.randint(most + 1, (len(x), 1))
        first = (torch.rand(len(x), 1) * (length - width + 1)).long()
        place = torch.arange(length)
        blank = (place >= first) & (place < first + width)
        x = x.masked_fill(blank[:, None, :, None] if axis == 2 else blank[:, None, None, :], 0.0)
    return x


AUGMENTATIONS: Mapping[str, Callable[[Tensor], Tensor]] = MappingProxyType(
    {function.__name__: function for function in (flipped, cropped, zoomed, relit, cut, gained, jittered, late, masked)}
)
