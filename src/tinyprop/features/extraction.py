"""The features in float32, bit for bit as the device computes them: same operations, same order, no fused multiply-add.

A network that learns on the device meets there the very numbers that it was trained on here. The comments on the
mathematics are in the C files, whose functions these are the twins of.
"""

from typing import Any

import numpy as np

from tinyprop.features.clips import checked_clips, frames_of, stacked
from tinyprop.features.settings import Features, LogMel, Mfcc, Stacked
from tinyprop.features.tables import Tables, tables_of
from tinyprop.ir.elementary import logf

Array = np.ndarray
BLOCK = 256  # frames at a time: their spectra stay in the cache


def extract(settings: Features, clips: Any) -> Array:
    """Features (rows, values), or (N, rows, values), float32 of clips (samples,) or (N, samples) int16.

    Raises UserError for clips it cannot take.
    """
    samples = checked_clips(settings, clips)
    single = settings.of if isinstance(settings, Stacked) else settings
    tables = tables_of(single)
    frames = frames_of(single.mel, samples)
    flat = frames.reshape(-1, frames.shape[-1])
    done = [_frames(single, tables, flat[i : i + BLOCK]) for i in range(0, len(flat), BLOCK)]
    features = np.concatenate(done).reshape(*frames.shape[:-1], single.values)
    return stacked(settings, features) if isinstance(settings, Stacked) else features


def _frames(settings: LogMel | Mfcc, tables: Tables, frames: Array) -> Array:
    """Values (n, values) of frames (n, frame)."""
    mel = settings.mel
    energies = band_energies(tables, power(rfft(windowed(tables, frames, mel.fft), tables.twiddles), mel.power == 1))
    log_mel = logf(energies + tables.floor) * tables.scale
    return log_mel if tables.dct is None else _dense(log_mel, tables.dct)


def windowed(tables: Tables, frames: Array, fft: int) -> Array:
    """Twin of tp_window_f32: (n, fft)."""
    x = np.zeros((len(frames), fft), np.float32)
    x[:, : frames.shape[1]] = frames.astype(np.float32) * tables.window
    return x


def rfft(x: Array, twiddles: Array) -> Array:
    """Twin of tp_rfft_f32: X[0], X[fft / 2], then real and imaginary part of X[1 …], (n, fft) of x (n, fft)."""
    points = x.shape[1] // 2
    order = _bit_reversed(points)
    re, im = x[:, 0::2][:, order], x[:, 1::2][:, order]
    quarter = 1
    if points.bit_length() % 2 == 0:  # an odd number of doublings: one by two, the others by four
        re, im = _pairs(re), _pairs(im)
        quarter = 2
    while quarter < points:
        re, im = _fours(re, im, twiddles, quarter)
        quarter *= 4
    return _split(re, im, twiddles[6 * (points // 4 - 1) :])


def power(x: Array, root: bool) -> Array:
    """Twin of tp_power_f32: (n, fft / 2 + 1)."""
    squares = x * x
    energies = np.concatenate([squares[:, :1], squares[:, 2::2] + squares[:, 3::2], squares[:, 1:2]], axis=1)
    return np.sqrt(energies) if root else energies


def band_energies(tables: Tables, spectrum: Array) -> Array:
    """Twin of tp_bands_f32: (n, B)."""
    energies = np.zeros((len(spectrum), len(tables.bands)), np.float32)
    weight = 0
    for band, (first, length) in enumerate(tables.bands.tolist()):
        for k in range(first, first + length):
            energies[:, band] += tables.weights[weight] * spectrum[:, k]
            weight += 1
    return energies


def _dense(x: Array, weight: Array) -> Array:
    """Twin of tp_dense_fwd_f32 without a bias: (n, outputs)."""
    sums = np.zeros((len(x), weight.shape[1]), np.float32)
    for i, row in enumerate(weight):
        sums += x[:, i, None] * row
    return sums


def _bit_reversed(points: int) -> Array:
    bits = points.bit_length() - 1
    index = np.arange(points)
    place = np.zeros(points, np.int64)
    for bit in range(bits):
        place |= (index >> bit & 1) << (bits - 1 - bit)
    return place


def _pairs(x: Array) -> Array:
    even, odd = x[:, 0::2], x[:, 1::2]
    return np.stack([even + odd, even - odd], axis=-1).reshape(x.shape)


def _fours(re: Array, im: Array, twiddles: Array, quarter: int) -> tuple[Array, Array]:
    """Transforms of 4 * quarter points from those of `quarter`, which hold the terms 0, 2, 1, 3 modulo four."""
    n, points = re.shape
    re, im = (part.reshape(n, -1, 4, quarter) for part in (re, im))
    step = points // 4 // quarter
    nothing = np.array([[1, 0, 1, 0, 1, 0]], np.float32)
    w = np.concatenate([nothing, twiddles[: 6 * (points // 4 - 1)].reshape(-1, 6)])[::step].T
    (re0, re2, re1, re3), (im0, im2, im1, im3) = np.moveaxis(re, 2, 0), np.moveaxis(im, 2, 0)
    t1, t2, t3 = (_turned(a, b, w[i], w[i + 1]) for a, b, i in ((re1, im1, 0), (re2, im2, 2), (re3, im3, 4)))
    s0, s1 = (re0 + t2[0], im0 + t2[1]), (re0 - t2[0], im0 - t2[1])
    s2, s3 = (t1[0] + t3[0], t1[1] + t3[1]), (t1[0] - t3[0], t1[1] - t3[1])
    re = np.stack([s0[0] + s2[0], s1[0] + s3[1], s0[0] - s2[0], s1[0] - s3[1]], axis=2)
    im = np.stack([s0[1] + s2[1], s1[1] - s3[0], s0[1] - s2[1], s1[1] + s3[0]], axis=2)
    return re.reshape(n, points), im.reshape(n, points)


def _turned(re: Array, im: Array, cos: Array, minus_sin: Array) -> tuple[Array, Array]:
    """(re, im) times (cos, minus_sin). The first column is turned by nothing: it stays, zeros' signs included."""
    turned_re, turned_im = re * cos - im * minus_sin, re * minus_sin + im * cos
    turned_re[..., 0], turned_im[..., 0] = re[..., 0], im[..., 0]
    return turned_re, turned_im


def _split(re: Array, im: Array, twiddles: Array) -> Array:
    """The spectrum of `2 * points` real numbers from that of `points` complex ones."""
    n, points = re.shape
    half = np.float32(0.5)
    k = np.arange(1, points // 2)
    cos, minus_sin = twiddles[0::2], twiddles[1::2]
    even_re, even_im = (re[:, k] + re[:, points - k]) * half, (im[:, k] - im[:, points - k]) * half
    odd_re, odd_im = (im[:, k] + im[:, points - k]) * half, (re[:, points - k] - re[:, k]) * half
    turned_re, turned_im = odd_re * cos - odd_im * minus_sin, odd_re * minus_sin + odd_im * cos
    x = np.empty((n, points, 2), np.float32)
    x[:, 0, 0], x[:, 0, 1] = re[:, 0] + im[:, 0], re[:, 0] - im[:, 0]
    x[:, k, 0], x[:, k, 1] = even_re + turned_re, even_im + turned_im
    x[:, points - k, 0], x[:, points - k, 1] = even_re - turned_re, turned_im - even_im
    x[:, points // 2, 0], x[:, points // 2, 1] = re[:, points // 2], -im[:, points // 2]
    return x.reshape(n, 2 * points)
