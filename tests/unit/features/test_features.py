"""Settings, filters and formulas of sound features: against loops that read like the definitions, and real arrays."""

import math
import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from tinyprop.codegen.sound import sound_sources
from tinyprop.errors import UserError
from tinyprop.features import FEATURES, LogMel, Mfcc, Stacked, extract, named_features, reference
from tinyprop.features.filter_bank import FILTER_BANKS, filter_bank, htk_hz, htk_mel, slaney_hz, slaney_mel
from tinyprop.features.tables import tables_of

SPEECH = Path(os.environ.get("TINYPROP_DATA", "nowhere"), "speech_commands")
SMALL = LogMel(rate_hz=4000, frame=20, hop=9, fft=32, bands=4, low_hz=100.0, high_hz=2000.0)


def noise(samples: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).integers(-32768, 32768, samples).astype(np.int16)


def log_mel_by_loops(mel: LogMel, clip: np.ndarray) -> list[list[float]]:
    """The docstring of LogMel, term by term."""
    filters, rows = filter_bank(mel), []
    for start in range(0, len(clip) - mel.frame + 1, mel.hop):
        energies = []
        for k in range(mel.fft // 2 + 1):
            total = 0j
            for n in range(mel.frame):
                hann = (1 - math.cos(2 * math.pi * n / mel.frame)) / 2
                total += clip[start + n] / 32768 * hann * np.exp(-2j * math.pi * k * n / mel.fft)
            energies.append(abs(total) ** mel.power)
        rows.append(
            [
                mel.scale * math.log(mel.floor + sum(w * e for w, e in zip(band, energies, strict=True)))
                for band in filters
            ]
        )
    return rows


@pytest.mark.parametrize("mel", [SMALL, replace(SMALL, power=1, scale=-3.0, floor=0.5, filters="librosa")])
def test_log_mel_is_its_definition(mel):
    clip = noise(60)
    np.testing.assert_allclose(reference(mel, clip), log_mel_by_loops(mel, clip), rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize("dct", ["orthonormal", "htk"])
def test_mfcc_is_its_definition(dct):
    clip, bands = noise(60), SMALL.bands
    expected = [
        [
            (math.sqrt(1 / bands) if c == 0 and dct == "orthonormal" else math.sqrt(2 / bands))
            * sum(value * math.cos(math.pi * c * (b + 0.5) / bands) for b, value in enumerate(row))
            for c in range(3)
        ]
        for row in log_mel_by_loops(SMALL, clip)
    ]
    np.testing.assert_allclose(reference(Mfcc(SMALL, 3, dct), clip), expected, rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize("compute", [reference, extract])
def test_a_stack_is_neighbouring_frames_oldest_first(compute):
    clip = noise(100)
    frames, rows = compute(SMALL, clip), compute(Stacked(SMALL, 3), clip)
    assert rows.shape == (len(frames) - 2, 12)
    for t, row in enumerate(rows):
        np.testing.assert_array_equal(row, np.concatenate(frames[t : t + 3]))


@pytest.mark.parametrize("compute", [reference, extract])
@pytest.mark.parametrize("features", [SMALL, Mfcc(SMALL, 2), Stacked(SMALL, 2), replace(SMALL, centred=True)], ids=str)
def test_many_clips_are_each_clip(compute, features):
    clips = noise(300).reshape(3, 100)
    together = compute(features, clips)
    assert together.shape == (3, features.rows(100), features.values)
    for clip, expected in zip(clips, together, strict=True):
        np.testing.assert_array_equal(compute(features, clip), expected)


def test_centred_frames_have_their_middle_at_the_hop():
    """Frame t of a centred clip is the plain frame whose window is centred on sample t * hop of the mirrored clip."""
    mel, clip = replace(SMALL, centred=True), noise(90)
    mirrored = np.concatenate([clip[16:0:-1], clip, clip[-2:-18:-1]])
    for t, row in enumerate(reference(mel, clip)):
        start = 16 + t * mel.hop - mel.frame // 2
        np.testing.assert_allclose(row, reference(SMALL, mirrored[start : start + mel.frame])[0], atol=1e-12)


@pytest.mark.parametrize(("hz", "mel"), [(0, 0), (700, 2595 * math.log10(2)), (1000, 999.9855)])
def test_htk_mel(hz, mel):
    assert htk_mel(np.float64(hz)) == pytest.approx(mel, abs=1e-3)
    assert htk_hz(np.float64(mel)) == pytest.approx(hz, abs=1e-2)


@pytest.mark.parametrize(("hz", "mel"), [(0, 0), (500, 7.5), (1000, 15), (6400, 42)])
def test_slaney_mel(hz, mel):
    assert slaney_mel(np.float64(hz)) == pytest.approx(mel)
    assert slaney_hz(np.float64(mel)) == pytest.approx(hz)


# (band, bin) → weight, computed once by librosa 0.11.0: librosa.filters.mel(sr=16000, n_fft=1024, n_mels=128), and for
# the filters that torchaudio has by default (n_fft=512, n_mels=40, fmin=20, fmax=7600, htk=True, norm=None).
FROM_LIBROSA = {
    "dcase2020": {
        (0, 1): 0.028577779716932577,
        (0, 2): 0.028377542974119204,
        (10, 15): 0.0010011837140668802,
        (10, 17): 0.027376359260052382,
        (40, 60): 0.004004734856267508,
        (40, 62): 0.024372808117851818,
        (90, 200): 0.00023495250500369218,
        (90, 209): 0.0020459953467622384,
        (127, 488): 4.76413405109918e-05,
        (127, 511): 0.00043526570263794213,
    },
    "log_mel": {
        (0, 1): 0.25430521786933424,
        (0, 3): 0.3715040141664061,
        (10, 20): 0.22341530107987967,
        (10, 24): 0.26522597744267506,
        (25, 80): 0.015433503543833264,
        (25, 92): 0.1289855462103582,
        (39, 214): 0.04547920911845695,
        (39, 243): 0.0130086851985202,
    },
}


@pytest.mark.parametrize("name", FROM_LIBROSA)
def test_filters_are_those_of_librosa(name):
    bank = filter_bank(FEATURES[name].mel)
    for place, weight in FROM_LIBROSA[name].items():
        assert bank[place] == pytest.approx(weight, rel=1e-9, abs=1e-12), place


def test_librosa_filters_have_area_one_in_hertz():
    mel = FEATURES["dcase2020"].mel
    areas = filter_bank(mel).sum(axis=1) * mel.rate_hz / mel.fft
    assert areas[60:] == pytest.approx(1, abs=0.03)  # below, a triangle is but a few bins wide


@pytest.mark.parametrize("name", FILTER_BANKS)
def test_each_band_rises_to_one_tip_and_falls(name):
    rows = filter_bank(LogMel(filters=name))
    for row in rows:
        inside = np.flatnonzero(row)
        steps = np.sign(np.diff(row[inside]))
        assert (np.diff(inside) == 1).all()
        assert (np.diff(steps) <= 0).all()
    tips = rows.argmax(axis=1)
    assert (np.diff(tips) > 0).all()


def test_tensorflow_draws_straight_over_mel_and_torchaudio_over_hertz():
    edges = np.linspace(htk_mel(np.float64(20)), htk_mel(np.float64(7600)), 42)
    straight = {name: filter_bank(LogMel(filters=name)) for name in ("tensorflow", "torchaudio")}
    hz = np.arange(257) * 31.25
    low, tip = edges[30], edges[31]
    [k] = [int(b) for b in np.flatnonzero((htk_mel(hz) > low) & (htk_mel(hz) < tip))[:1]]
    assert straight["tensorflow"][30, k] == pytest.approx((htk_mel(hz[k]) - low) / (tip - low))
    low, tip = htk_hz(low), htk_hz(tip)
    assert straight["torchaudio"][30, k] == pytest.approx((hz[k] - low) / (tip - low))


def test_one_second_gives_49_frames_of_30_or_40_ms():
    assert LogMel().rows(16000) == 49
    assert LogMel(frame=640, fft=1024).rows(16000) == 49
    assert FEATURES["mlperf_keywords"].values == 10
    assert FEATURES["dcase2020"].values == 640
    assert FEATURES["dcase2020"].rows(160000) == 309  # the baseline's, of a clip of ten seconds


WRONG = {
    "rate_hz=0": (lambda: LogMel(rate_hz=0), "rate_hz=0"),
    "hop=1.5": (lambda: LogMel(hop=1.5), "hop=1.5"),
    "fft": (lambda: LogMel(fft=500), "power of two"),
    "frame beyond fft": (lambda: LogMel(frame=513), "no smaller than a frame"),
    "frame of one": (lambda: LogMel(frame=1), "2 or more"),
    "filters": (lambda: LogMel(filters="librosas"), "did you mean 'librosa'"),
    "beyond half the rate": (lambda: LogMel(high_hz=8001.0), "half the 16,000"),
    "descending": (lambda: LogMel(low_hz=500.0, high_hz=100.0), "ascend"),
    "nan": (lambda: LogMel(low_hz=math.nan), "ascend"),
    "power": (lambda: LogMel(power=3), "magnitudes"),
    "floor": (lambda: LogMel(floor=0.0), "above 0"),
    "scale": (lambda: LogMel(scale=0.0), "scale=0.0"),
    "empty bands": (lambda: LogMel(bands=200), "fewer bands"),
    "coefficients": (lambda: Mfcc(LogMel(), 41), "no 41 coefficients"),
    "dct": (lambda: Mfcc(LogMel(), dct="htc"), "did you mean 'htk'"),
    "frames": (lambda: Stacked(LogMel(), 0), "frames=0"),
    "name": (lambda: named_features("mel_log"), "did you mean 'log_mel'"),
    "floats": (lambda: extract(LogMel(), np.zeros(16000)), "float64.*int16 samples"),
    "cube": (lambda: extract(LogMel(), np.zeros((1, 1, 16000), np.int16)), "shape"),
    "short": (lambda: extract(LogMel(), np.zeros(479, np.int16)), "479 samples.*need 480"),
    "short stack": (lambda: reference(Stacked(LogMel(), 3), np.zeros(1119, np.int16)), "1,119 samples.*need 1,120"),
    "short centred": (lambda: reference(LogMel(centred=True), np.zeros(256, np.int16)), "need 257"),
    "name in C": (lambda: sound_sources(LogMel(), "my-ear"), "'my-ear'"),
    "kernels": (lambda: sound_sources(LogMel(), kernels="sizes"), "did you mean 'size'"),
}


@pytest.mark.parametrize("case", WRONG)
def test_what_cannot_be_is_one_sentence(case):
    make, words = WRONG[case]
    with pytest.raises(UserError, match=words):
        make()


def test_the_shortest_clips_are_taken():
    assert extract(LogMel(), np.zeros(480, np.int16)).shape == (1, 40)
    assert extract(Stacked(LogMel(), 3), np.zeros(1120, np.int16)).shape == (1, 120)
    assert extract(LogMel(centred=True), np.zeros(257, np.int16)).shape == (1, 40)


def test_silence_is_the_floor():
    assert extract(LogMel(), np.zeros(480, np.int16)) == pytest.approx(math.log(1e-6), rel=1e-6)


def test_tables_are_float32_and_exact_where_numbers_are():
    tables = tables_of(Mfcc(LogMel()))
    assert {a.dtype for a in (tables.window, tables.twiddles, tables.weights, tables.dct)} == {np.dtype(np.float32)}
    assert tables.window[0] == 0
    assert tables.window[240] == 2.0**-15
    first_of_32, second_of_32 = tables.twiddles[6 * 15 : 6 * 16], tables.twiddles[6 * 31 : 6 * 32]
    assert second_of_32[2:4].tolist() == [0.0, -1.0]  # a quarter of the circle
    assert first_of_32[0] == np.float32(math.cos(2 * math.pi * 16 / 256))


def test_generated_text_depends_on_the_settings_alone():
    code = (
        "import hashlib; from tinyprop.codegen.sound import sound_sources; from tinyprop.features import FEATURES\n"
        "for f in FEATURES.values():\n"
        "    print(hashlib.sha256(repr(sorted(sound_sources(f).files.items())).encode()).hexdigest())"
    )
    printed = {
        subprocess.run(
            [sys.executable, "-c", code],
            env={**os.environ, "PYTHONHASHSEED": seed, "PYTHONPATH": os.pathsep.join(sys.path)},
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for seed in ("0", "5")
    }
    assert len(printed) == 1
    assert len(set(printed.pop().splitlines())) == len(FEATURES)


def test_generated_files_name_no_place_and_no_decimal_constant():
    tree = sound_sources(FEATURES["mfcc"], "ear")
    assert tree.files["ear.c"].count("0x1.") > 500
    assert "e-" not in tree.files["ear.c"].split("static const")[1]
    assert "#define EAR_FRAME 480U" in tree.files["ear.h"]
    assert "ear_slide" in sound_sources(FEATURES["dcase2020"], "ear").files["ear.h"]


@pytest.mark.skipif(
    not (SPEECH / "speech_features.npz").is_file(),
    reason="no real features: let TINYPROP_DATA name a folder with speech_commands/speech_features.npz",
)
@pytest.mark.parametrize("part", ["train", "test"])
def test_real_clips_have_the_features_that_were_computed_elsewhere(part):
    """The arrays are rounded, MFCC to float16 and log-mel to 256 steps: no clip differs by more than half of a step and
    a thousandth, and every other clip differs by far more, so that the right ones were compared."""
    with np.load(SPEECH / "speech_audio16k.npz") as audio, np.load(SPEECH / "speech_features.npz") as stored:
        clips, classes, all_classes = audio[f"x_{part}"], audio[f"y_{part}"], stored[f"y_{part}"]
        step = float(stored["logmel_step"])
        log_mel = stored[f"logmel_{part}"] * step + float(stored["logmel_min"])
        mfcc = stored[f"mfcc_{part}"]
    heard_mel, heard = extract(LogMel(), clips), extract(Mfcc(LogMel()), clips)
    half_steps = np.spacing(np.abs(mfcc)).astype(np.float64) / 2 + 1e-3
    for i in range(len(clips)):
        same_class = np.flatnonzero(all_classes == classes[i])
        off = np.abs(mfcc[same_class].astype(np.float64) - heard[i]).max(axis=(1, 2))
        nearest = same_class[off.argmin()]
        assert np.sort(off)[1] > 1.0
        assert (np.abs(mfcc[nearest].astype(np.float64) - heard[i]) <= half_steps[nearest]).all()
        assert np.abs(log_mel[nearest] - heard_mel[i]).max() <= step / 2 + 1e-3
