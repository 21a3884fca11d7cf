"""What training shows in place of a sample is still that sample, changed as its function says and no further."""

import pytest
import torch

from tinyprop.bench.recipes import augmentations
from tinyprop.bench.recipes.augmentations import (
    AUGMENTATIONS,
    cropped,
    cut,
    flipped,
    gained,
    late,
    masked,
    relit,
    zoomed,
)

IMAGES = torch.rand(64, 3, 16, 16) + 1  # no pixel is zero
SPEECH = torch.rand(64, 1, 49, 10) + 1
WINDOWS = torch.rand(64, 9, 32) + 1
SHOWN = {"gained": WINDOWS, "jittered": WINDOWS, "late": SPEECH, "masked": SPEECH}


@pytest.mark.parametrize("name", AUGMENTATIONS)
def test_shape_stays_seed_decides_and_something_changes(name):
    x = SHOWN.get(name, IMAGES)
    before = x.clone()
    outcomes = []
    for seed in (0, 0, 1):
        torch.manual_seed(seed)
        outcomes.append(AUGMENTATIONS[name](x))
    assert outcomes[0].shape == x.shape
    assert outcomes[0].dtype == torch.float32
    assert torch.equal(x, before)
    assert torch.equal(outcomes[0], outcomes[1])
    assert not torch.equal(outcomes[0], outcomes[2])
    assert not torch.equal(outcomes[0], x)


def test_an_image_is_mirrored_or_left():
    shown = flipped(IMAGES)
    mirrored = [torch.equal(new, old.flip(2)) for new, old in zip(shown, IMAGES, strict=True)]
    left = [torch.equal(new, old) for new, old in zip(shown, IMAGES, strict=True)]
    assert all(m or k for m, k in zip(mirrored, left, strict=True))
    assert 10 < sum(mirrored) < 54


def test_a_crop_is_the_image_moved():
    for new, old in zip(cropped(IMAGES), IMAGES, strict=True):
        padded = torch.nn.functional.pad(old, (2, 2, 2, 2))
        assert any(
            torch.equal(new, padded[:, down : down + 16, right : right + 16]) for down in range(5) for right in range(5)
        )


def test_a_zoom_shows_parts_of_the_image_only():
    assert torch.allclose(zoomed(torch.full((8, 3, 16, 16), 0.7)), torch.tensor(0.7))
    shown = zoomed(IMAGES)
    assert shown.min() >= IMAGES.min() - 1e-5
    assert shown.max() <= IMAGES.max() + 1e-5


def test_a_cut_blanks_one_square():
    blank = cut(IMAGES) == 0
    assert (blank.sum((1, 2, 3)) == 3 * 4 * 4).all()
    kept = cut(IMAGES)
    assert torch.equal(kept[kept != 0], IMAGES[kept != 0])


def test_light_is_one_line_for_all_pixels_of_an_image():
    for new, old in zip(relit(IMAGES), IMAGES, strict=True):
        slope = (new.max() - new.min()) / (old.max() - old.min())
        assert torch.allclose(new, slope * (old - old.min()) + new.min(), atol=1e-5)
        assert 0.7 - 1e-4 <= slope <= 1.3 + 1e-4


def test_a_gain_is_of_a_channel():
    ratio = gained(WINDOWS) / WINDOWS
    assert torch.allclose(ratio, ratio[:, :, :1].expand_as(ratio), atol=1e-5)


def test_speech_comes_early_or_late_by_whole_frames():
    for new, old in zip(late(SPEECH), SPEECH, strict=True):
        padded = torch.nn.functional.pad(old, (0, 0, 5, 5))
        assert any(torch.equal(new, padded[:, first : first + 49]) for first in range(11))


def test_masks_are_whole_frames_and_coefficients():
    for new, old in zip(masked(SPEECH), SPEECH, strict=True):
        blank = new[0] == 0
        frames, coefficients = blank.all(1), blank.all(0)
        assert torch.equal(blank, frames[:, None] | coefficients[None])
        assert frames.sum() <= augmentations.FRAMES
        assert coefficients.sum() <= augmentations.COEFFICIENTS
        assert torch.equal(new[0][~blank], old[0][~blank])
