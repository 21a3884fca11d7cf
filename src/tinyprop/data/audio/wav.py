"""WAV files of one channel and 16 bits, by the standard library."""

import io
import wave

import numpy as np

from tinyprop.errors import UserError

RATE_HZ = 16000  # of all data sets here


def wav_samples(content: bytes, name: str, rate_hz: int = RATE_HZ) -> np.ndarray:
    """Samples (n,) int16, n > 0, of a WAV file; name: for the error.

    Raises UserError where it is damaged, cut off, empty, or anything but 16-bit PCM of one channel at `rate_hz`.
    """
    try:
        with wave.open(io.BytesIO(content)) as file:
            channels, width, rate, promised = file.getparams()[:4]
            data = file.readframes(promised) if (channels, width) == (1, 2) else b""
    except (EOFError, wave.Error, RuntimeError, OverflowError, MemoryError) as error:
        what = str(error) or "cut off"
        raise UserError(f"'{name}' cannot be read as WAV ({what}): it is damaged, or not plain PCM.") from error
    if (channels, width) != (1, 2):
        raise UserError(f"'{name}' has {channels} channel(s) of {8 * width} bits: one of 16 bits is needed.")
    if rate != rate_hz:
        raise UserError(
            f"'{name}' has {rate:,} samples per second and {rate_hz:,} are needed: tinyprop does not resample; convert "
            f"it first, for instance by 'sox in.wav -r {rate_hz} out.wav'."
        )
    if len(data) != 2 * promised:
        raise UserError(f"'{name}' promises {promised:,} samples and holds {len(data) // 2:,}: it is cut off.")
    if not promised:
        raise UserError(f"'{name}' holds no sample at all: it is damaged.")
    return np.frombuffer(data, dtype="<i2").astype(np.int16)
