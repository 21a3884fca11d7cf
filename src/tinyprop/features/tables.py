"""The constants of the float32 computation: what the device holds in flash and `extract` computes with."""

from dataclasses import dataclass

import numpy as np

from tinyprop.features.filter_bank import filter_bank
from tinyprop.features.settings import Features, LogMel, Mfcc, Stacked

Array = np.ndarray


@dataclass(frozen=True, eq=False)
class Tables:
    """window: (frame,), of samples -32768 … 32767, so 1 / 32768 is in it.
    twiddles: of the FFT, as tp_rfft_f32 reads them. bands: (B, 2) uint16, first bin and how many bins each filter has.
    weights: of all filters, end to end. dct: (B, C), or None for log-mel. All others are float32, each rounded once.
    """

    window: Array
    twiddles: Array
    bands: Array
    weights: Array
    floor: np.float32
    scale: np.float32
    dct: Array | None


def tables_of(settings: Features) -> Tables:
    """The tables of `settings`; a stack has those of its frames."""
    single = settings.of if isinstance(settings, Stacked) else settings
    mel = single.mel
    bands, weights = _sparse(filter_bank(mel).astype(np.float32))
    return Tables(
        window=_window(mel),
        twiddles=_twiddles(mel.fft),
        bands=bands,
        weights=weights,
        floor=np.float32(mel.floor),
        scale=np.float32(mel.scale),
        dct=_dct(single) if isinstance(single, Mfcc) else None,
    )


def _window(mel: LogMel) -> Array:
    hann, _ = _unit_circle(np.arange(mel.frame), mel.frame)
    return ((0.5 - 0.5 * hann) / 32768.0).astype(np.float32)


def _unit_circle(index: Array, size: int) -> tuple[Array, Array]:
    """cos and sin of 2π index / size, float64, exact where they are 0, 1 or -1."""
    angle = 2.0 * np.pi * index / size
    on_axis = 4 * index % size == 0
    cos, sin = np.cos(angle), np.sin(angle)
    return np.where(on_axis, np.rint(cos), cos), np.where(on_axis, np.rint(sin), sin)


def _twiddles(fft: int) -> Array:
    """For j = 1 … points / 4 - 1: cos, -sin of j, 2j and 3j steps of the circle in `points` = fft / 2 (six numbers).
    Then for k = 1 … points - 1 over 2: cos, -sin of k steps of the circle in fft (two numbers).
    """
    points = fft // 2
    fours = np.arange(1, points // 4)[:, None] * np.array([1, 2, 3])
    halves = np.arange(1, points // 2)
    pairs = [
        np.stack([cos, -sin], axis=-1).reshape(-1)
        for cos, sin in (_unit_circle(fours, points), _unit_circle(halves, fft))
    ]
    return np.concatenate(pairs).astype(np.float32)


def _sparse(filters: Array) -> tuple[Array, Array]:
    bands, weights = [], []
    for row in filters:
        inside = np.flatnonzero(row)
        first, end = int(inside[0]), int(inside[-1]) + 1
        bands.append((first, end - first))
        weights.append(row[first:end])
    return np.array(bands, np.uint16), np.concatenate(weights)


def _dct(settings: Mfcc) -> Array:
    size = settings.mel.bands
    b, c = np.arange(size)[:, None], np.arange(settings.coefficients)[None, :]
    # cos(π c (b + 1/2) / B) = cos(2π c (2b + 1) / 4B): whole numbers of steps round the circle
    cos, _ = _unit_circle(c * (2 * b + 1) % (4 * size), 4 * size)
    matrix = cos * np.sqrt(2.0 / size)
    if settings.dct == "orthonormal":
        matrix[:, 0] /= np.sqrt(2.0)
    return matrix.astype(np.float32)
