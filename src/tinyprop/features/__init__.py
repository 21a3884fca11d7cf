"""What networks hear: log-mel and MFCC of sound, in float64 as a reference and in float32 as the device computes it.

`extract` and the C that `tinyprop.codegen.sound` writes give the same bits; `reference` is the definition.
"""

from collections.abc import Mapping

from tinyprop.errors import unknown_name
from tinyprop.features.clips import stacked as stacked
from tinyprop.features.definition import reference as reference
from tinyprop.features.extraction import extract as extract
from tinyprop.features.settings import Features as Features
from tinyprop.features.settings import LogMel as LogMel
from tinyprop.features.settings import Mfcc as Mfcc
from tinyprop.features.settings import Stacked as Stacked

DECIBEL_OF_POWER = 4.342944819032518  # 10 / ln 10
FLOAT64_EPSILON = 2.220446049250313e-16

# Settings of the field by the name that users type. What each differs in from its source: docs/audio.md.
FEATURES: Mapping[str, Features] = {
    "log_mel": LogMel(),
    "mfcc": Mfcc(LogMel()),
    # MLPerf Tiny, keyword spotting: get_dataset.py (tf.signal), window 30 ms, stride 20 ms.
    "mlperf_keywords": Mfcc(LogMel(high_hz=4000.0, filters="tensorflow", power=1), dct="htk"),
    # DCASE 2020 task 2 baseline and MLPerf Tiny, anomaly detection: common.py (librosa).
    "dcase2020": Stacked(
        LogMel(
            frame=1024,
            hop=512,
            fft=1024,
            bands=128,
            low_hz=0.0,
            high_hz=8000.0,
            filters="librosa",
            floor=FLOAT64_EPSILON,
            scale=DECIBEL_OF_POWER,
            centred=True,
        ),
        frames=5,
    ),
}


def named_features(name: str) -> Features:
    """The settings called `name` in FEATURES. Raises UserError."""
    if name not in FEATURES:
        raise unknown_name("features", name, FEATURES)
    return FEATURES[name]
