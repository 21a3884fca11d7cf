"""Settings of sound features: frozen, checked when made, and all that their computation depends on.

Letters: N clips, T frames of a clip, B mel bands, C coefficients.
"""

import math
from dataclasses import dataclass, field
from typing import TypeAlias

from tinyprop.errors import UserError, unknown_name
from tinyprop.features.filter_bank import FILTER_BANKS, filter_bank

SMALLEST_FFT, LARGEST_FFT = 16, 32768
DCTS = ("orthonormal", "htk")


@dataclass(frozen=True)
class LogMel:
    """Logarithm of the energy in mel bands, frame by frame: (T, B).

        x[n] = samples[n] / 32768 * hann[n]                        n = 0 … frame - 1, zeros up to fft
        S[k] = |sum over n of x[n] e^(-2πi kn / fft)| ** power     k = 0 … fft / 2
        y[b] = scale * ln(floor + sum over k of filter[b, k] S[k])

    hann[n] = (1 - cos(2πn / frame)) / 2, the periodic window of tf.signal, librosa and SciPy.
    rate_hz: samples per second. frame, hop, fft: samples; fft is a power of two, at least `frame`.
    bands: how many filters lie between low_hz and high_hz; filters: their shape, a name in FILTER_BANKS.
    power: 1 takes magnitudes (a square root per bin), 2 energies. floor: what silence counts as. scale: 1 is the
    natural logarithm, 10 / ln 10 decibels of an energy.
    centred: the clip is mirrored at both ends by half an fft, so that frame t has its middle at sample t * hop
    (librosa's center=True with pad_mode="reflect"). A device that listens has no end to mirror.

    Raises UserError for what cannot be computed.
    """

    rate_hz: int = 16000
    frame: int = 480
    hop: int = 320
    fft: int = 512
    bands: int = 40
    low_hz: float = 20.0
    high_hz: float = 7600.0
    filters: str = "torchaudio"
    power: int = 2
    floor: float = 1e-6
    scale: float = 1.0
    centred: bool = False

    def __post_init__(self) -> None:
        for name in ("rate_hz", "frame", "hop", "fft", "bands"):
            _require_whole(f"LogMel was given {name}", getattr(self, name))
        if self.frame < 2:
            raise UserError("LogMel was given frames of 1 sample, whose window is 0: choose 2 or more.")
        if self.fft & (self.fft - 1) or not max(self.frame, SMALLEST_FFT) <= self.fft <= LARGEST_FFT:
            raise UserError(
                f"LogMel was given fft={self.fft} for frames of {self.frame} samples: choose a power of two from "
                f"{SMALLEST_FFT} to {LARGEST_FFT} that is no smaller than a frame."
            )
        if self.filters not in FILTER_BANKS:
            raise unknown_name("filter bank", str(self.filters), FILTER_BANKS)
        if not 0.0 <= _number(self.low_hz) < _number(self.high_hz) <= self.rate_hz / 2:
            raise UserError(
                f"LogMel was given bands from {self.low_hz!r} to {self.high_hz!r} Hz: they must ascend and lie between "
                f"0 and half the {self.rate_hz:,} samples per second."
            )
        if self.power not in (1, 2):
            raise UserError(f"LogMel was given power={self.power!r}: 1 takes magnitudes, 2 energies.")
        if not 1e-37 <= _number(self.floor) <= 1e30:
            raise UserError(f"LogMel was given floor={self.floor!r}: choose one above 0, such as 1e-6.")
        if not 1e-6 <= abs(_number(self.scale)) <= 1e6:
            raise UserError(f"LogMel was given scale={self.scale!r}: 1 is the natural logarithm, 10 / ln 10 decibels.")
        self._require_full_bands()

    def _require_full_bands(self) -> None:
        empty = [b for b, row in enumerate(filter_bank(self)) if not row.any()]
        if empty:
            raise UserError(
                f"{len(empty)} of {self.bands} mel bands (the first is band {empty[0]}) lie between two bins of the "
                f"FFT, {self.rate_hz / self.fft:g} Hz apart, and would always be silent: use fewer bands, a larger fft "
                f"or a wider range."
            )

    @property
    def mel(self) -> "LogMel":
        """Itself: what computes the bands, under the name that it has in the other settings."""
        return self

    @property
    def values(self) -> int:
        """Values of a frame."""
        return self.bands

    @property
    def frames(self) -> int:
        """Frames of sound that a row looks at."""
        return 1

    def rows(self, samples: int) -> int:
        """Rows of a clip of so many samples, 0 for one that is too short."""
        longer = samples + self.padding * 2 - (self.fft if self.centred else self.frame)
        return max(0, longer // self.hop + 1)

    @property
    def padding(self) -> int:
        """Samples mirrored at each end of a clip."""
        return self.fft // 2 if self.centred else 0


@dataclass(frozen=True)
class Mfcc:
    """Mel-frequency cepstral coefficients: the first `coefficients` of the DCT-II of a log-mel frame, (T, C).

        y[c] = sqrt(2 / B) * sum over b of log_mel[b] cos(π c (b + 1/2) / B)

    dct: "orthonormal" divides y[0] by sqrt(2), as scipy.fft.dct(norm="ortho") does; "htk" does not, as HTK and
    tf.signal.mfccs_from_log_mel_spectrograms. Davis and Mermelstein, IEEE TASSP 28 (1980); The HTK Book 3.4, 5.3.
    Raises UserError.
    """

    mel: LogMel = field(default_factory=LogMel)
    coefficients: int = 10
    dct: str = "orthonormal"

    def __post_init__(self) -> None:
        _require_whole("Mfcc was given coefficients", self.coefficients)
        if self.coefficients > self.mel.bands:
            raise UserError(f"{self.mel.bands} mel bands have no {self.coefficients} coefficients: ask for fewer.")
        if self.dct not in DCTS:
            raise unknown_name("scaling of the DCT", str(self.dct), DCTS)

    @property
    def values(self) -> int:
        """Values of a frame."""
        return self.coefficients

    @property
    def frames(self) -> int:
        """Frames of sound that a row looks at."""
        return 1

    def rows(self, samples: int) -> int:
        """Rows of a clip of so many samples, 0 for one that is too short."""
        return self.mel.rows(samples)


@dataclass(frozen=True)
class Stacked:
    """Each row is `frames` neighbouring frames of `of`, the oldest first: (T - frames + 1, frames * values).

    What the autoencoder of DCASE 2020 task 2 looks at. Raises UserError.
    """

    of: "LogMel | Mfcc" = field(default_factory=LogMel)
    frames: int = 5

    def __post_init__(self) -> None:
        _require_whole("Stacked was given frames", self.frames)

    @property
    def mel(self) -> LogMel:
        """What computes the bands."""
        return self.of.mel

    @property
    def values(self) -> int:
        """Values of a row."""
        return self.frames * self.of.values

    def rows(self, samples: int) -> int:
        """Rows of a clip of so many samples, 0 for one that is too short."""
        return max(0, self.of.rows(samples) - self.frames + 1)


Features: TypeAlias = LogMel | Mfcc | Stacked


def _require_whole(what: str, value: object) -> None:
    if not isinstance(value, int) or isinstance(value, bool) or value < 1:
        raise UserError(f"{what}={value!r}, which cannot be: choose a whole number of 1 or more.")


def _number(value: object) -> float:
    """`value`, or NaN, which no range holds."""
    return float(value) if isinstance(value, (int, float)) and not isinstance(value, bool) else math.nan
