"""The definition of the features in float64, by SciPy's transforms: what the device's float32 is measured against."""

from typing import Any

import numpy as np

from tinyprop.features.clips import checked_clips, frames_of, stacked
from tinyprop.features.filter_bank import filter_bank
from tinyprop.features.settings import Features, LogMel, Mfcc, Stacked


def reference(settings: Features, clips: Any) -> np.ndarray:
    """Features (rows, values), or (N, rows, values), float64 of clips (samples,) or (N, samples) int16.

    Formulas: the docstrings of the settings. Raises UserError for clips it cannot take.
    """
    return _features(settings, checked_clips(settings, clips))


def _features(settings: Features, clips: np.ndarray) -> np.ndarray:
    match settings:
        case LogMel():
            return _log_mel(settings, clips)
        case Mfcc():
            return _mfcc(settings, clips)
        case Stacked():
            return stacked(settings, _features(settings.of, clips))


def _log_mel(mel: LogMel, clips: np.ndarray) -> np.ndarray:
    # Imported here: who generates C needs no SciPy.
    from scipy import fft, signal

    window = signal.get_window("hann", mel.frame)
    spectrum = np.abs(fft.rfft(frames_of(mel, clips) / 32768.0 * window, mel.fft, axis=-1)) ** mel.power
    return mel.scale * np.log(mel.floor + spectrum @ filter_bank(mel).T)


def _mfcc(settings: Mfcc, clips: np.ndarray) -> np.ndarray:
    from scipy import fft

    coefficients = fft.dct(_log_mel(settings.mel, clips), type=2, norm="ortho", axis=-1)[..., : settings.coefficients]
    if settings.dct == "htk":
        coefficients[..., 0] *= np.sqrt(2.0)
    return coefficients
