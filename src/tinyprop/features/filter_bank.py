"""Filters on the mel axis: triangles whose feet are their neighbours' tips, in the three ways that libraries draw them.

B bands need B + 2 edges, evenly spaced in mel from low_hz to high_hz; band b rises from edge b to edge b + 1 and falls
to edge b + 2.
"""

from collections.abc import Callable, Mapping
from typing import Protocol

import numpy as np

Array = np.ndarray


class Bands(Protocol):
    """What of LogMel decides about its filters."""

    @property
    def rate_hz(self) -> int: ...
    @property
    def fft(self) -> int: ...
    @property
    def bands(self) -> int: ...
    @property
    def low_hz(self) -> float: ...
    @property
    def high_hz(self) -> float: ...
    @property
    def filters(self) -> str: ...


def filter_bank(settings: Bands) -> Array:
    """Weights (B, fft / 2 + 1) float64 of the energies of all bins."""
    bins = np.arange(settings.fft // 2 + 1) * (settings.rate_hz / settings.fft)
    return FILTER_BANKS[settings.filters](bins, settings.low_hz, settings.high_hz, settings.bands)


def htk_mel(hz: Array) -> Array:
    """Mel of a frequency: 2595 log10(1 + hz / 700). The HTK Book 3.4, equation 5.13."""
    return 2595.0 * np.log10(1.0 + hz / 700.0)


def htk_hz(mel: Array) -> Array:
    """The inverse of htk_mel."""
    return 700.0 * (10.0 ** (mel / 2595.0) - 1.0)


# Slaney, Auditory Toolbox (1998): 200/3 Hz a mel up to 1 kHz, above that 27 mel for each factor of 6.4.
_LINEAR_HZ, _KNEE_HZ, _KNEE_MEL, _STEP = 200.0 / 3.0, 1000.0, 15.0, np.log(6.4) / 27.0


def slaney_mel(hz: Array) -> Array:
    """Mel of a frequency, linear up to 1 kHz and logarithmic above, as librosa has it."""
    above = _KNEE_MEL + np.log(np.maximum(hz, _KNEE_HZ) / _KNEE_HZ) / _STEP
    return np.where(hz < _KNEE_HZ, hz / _LINEAR_HZ, above)


def slaney_hz(mel: Array) -> Array:
    """The inverse of slaney_mel."""
    return np.where(mel < _KNEE_MEL, mel * _LINEAR_HZ, _KNEE_HZ * np.exp(_STEP * (mel - _KNEE_MEL)))


def _edges(mel: Callable[[Array], Array], low_hz: float, high_hz: float, bands: int) -> Array:
    """Edges in mel, (B + 2,)."""
    low, high = mel(np.array([low_hz, high_hz])).tolist()
    return np.linspace(low, high, bands + 2)


def _triangles(at: Array, edges: Array) -> Array:
    """Height of each triangle, tip 1, at the places `at`: (B, len(at))."""
    left, tip, right = (edge[:, None] for edge in (edges[:-2], edges[1:-1], edges[2:]))
    return np.maximum(0.0, np.minimum((at - left) / (tip - left), (right - at) / (right - tip)))


def torchaudio_filters(bins: Array, low_hz: float, high_hz: float, bands: int) -> Array:
    """HTK's mel, triangles straight over Hz, tips of 1: the defaults of torchaudio.functional.melscale_fbanks."""
    edges = _edges(htk_mel, low_hz, high_hz, bands)
    return _triangles(bins, htk_hz(edges))


def tensorflow_filters(bins: Array, low_hz: float, high_hz: float, bands: int) -> Array:
    """HTK's mel, triangles straight over mel, bin 0 left out: tf.signal.linear_to_mel_weight_matrix."""
    edges = _edges(htk_mel, low_hz, high_hz, bands)
    weights = _triangles(htk_mel(bins), edges)
    weights[:, 0] = 0.0
    return weights


def librosa_filters(bins: Array, low_hz: float, high_hz: float, bands: int) -> Array:
    """Slaney's mel, triangles straight over Hz, each of area 1 in Hz: the defaults of librosa.filters.mel."""
    edges = slaney_hz(_edges(slaney_mel, low_hz, high_hz, bands))
    return _triangles(bins, edges) * (2.0 / (edges[2:] - edges[:-2]))[:, None]


FILTER_BANKS: Mapping[str, Callable[[Array, float, float, int], Array]] = {
    "torchaudio": torchaudio_filters,
    "tensorflow": tensorflow_filters,
    "librosa": librosa_filters,
}
