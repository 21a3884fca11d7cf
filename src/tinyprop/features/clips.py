"""Clips as features take them: 16-bit samples, cut into frames."""

from typing import Any

import numpy as np

from tinyprop.errors import UserError
from tinyprop.features.settings import Features, LogMel, Stacked


def checked_clips(settings: Features, clips: Any) -> np.ndarray:
    """`clips` (samples,) or (N, samples) int16, long enough for one row. Raises UserError."""
    samples = np.asarray(clips)
    if samples.dtype != np.int16:
        raise UserError(
            f"the clips are {samples.dtype}: pass the int16 samples that a microphone or a WAV file gives; floats from "
            f"-1 to 1 become them by np.clip(np.rint(x * 32768), -32768, 32767).astype(np.int16)."
        )
    if samples.ndim not in (1, 2):
        raise UserError(f"the clips have shape {samples.shape}: pass (samples,) or (clips, samples).")
    length, mel = samples.shape[-1], settings.mel
    if settings.rows(length) < 1 or length <= mel.padding:
        frames = settings.frames
        needed = max((frames - 1) * mel.hop + mel.frame - 2 * mel.padding, mel.padding + 1)
        raise UserError(
            f"a clip of {length:,} samples is too short for these features, which need {needed:,}: pad it with zeros."
        )
    return samples


def frames_of(mel: LogMel, clips: np.ndarray) -> np.ndarray:
    """Frames (…, T, frame) int16 of checked clips (…, samples): a view."""
    if mel.centred:
        clips = np.pad(clips, [*[(0, 0)] * (clips.ndim - 1), (mel.padding, mel.padding)], mode="reflect")
        # A frame shorter than the FFT sits in its middle.
        margin = (mel.fft - mel.frame) // 2
        clips = clips[..., margin : clips.shape[-1] - (mel.fft - mel.frame - margin)]
    return np.lib.stride_tricks.sliding_window_view(clips, mel.frame, axis=-1)[..., :: mel.hop, :]


def stacked(settings: Stacked, frames: np.ndarray) -> np.ndarray:
    """Rows (…, T - frames + 1, frames * values) of frames (…, T, values)."""
    windows = np.lib.stride_tricks.sliding_window_view(frames, settings.frames, axis=-2)  # (…, rows, values, frames)
    rows = np.moveaxis(windows, -1, -2)
    return rows.reshape(*rows.shape[:-2], settings.values)
