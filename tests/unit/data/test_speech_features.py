"""Speech Commands as features: who speaks, the same numbers as the device, and what is no such data."""

import numpy as np
import pytest

import official_files
from tinyprop.data import First, find, load, loader_named
from tinyprop.errors import UserError


@pytest.fixture
def compact(tmp_path, monkeypatch):
    """compact(kind, **changed arrays) writes the compact file and has TINYPROP_DATA name it."""
    monkeypatch.setenv("TINYPROP_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("TINYPROP_DATA", str(tmp_path))

    def write(kind="mfcc", **changed):
        arrays = official_files.compact_speech(kind) | changed
        return official_files.write_compact("speech_commands", tmp_path, arrays)

    return write


def test_compact_clips_keep_their_speakers_and_nobody_is_below_zero(compact):
    compact()
    parts = find(loader_named("speech_commands")).parts()
    assert parts.classes == ("silence", "yes", "no")
    speakers = [0x0A7C2A8D] * 4 + [0x1B88BF70] * 4 + [0x2C6D3924] * 4
    assert parts.train.group.tolist() == [-1, -2, -3, -4, -5, -6, *speakers]
    assert parts.test.group.tolist() == [-7, -8, *[0xFE979690] * 4]
    assert parts.train.x.shape == (18, 1, 49, 10)
    assert parts.train.x[:, 0, 48, 9].tolist() == list(range(18))
    assert find(loader_named("speech_commands")).parts(First(2, 3)).test.group.tolist() == [-7, -8, 0xFE979690]


def test_compact_log_mel_is_brought_to_its_units(compact):
    compact("logmel")
    data = load("speech_commands", features="log_mel")
    assert (data.name, data.shape) == ("speech_commands_part_log_mel", (1, 49, 40))
    wanted = np.arange(6, dtype=np.float32) * np.float32(0.5) + np.float32(-13.8)
    np.testing.assert_array_equal(data.test.x[:, 0, 0, 0], wanted)
    with pytest.raises(UserError, match="mfcc_train is not a file in the archive"):
        load("speech_commands")


@pytest.mark.parametrize(
    ("kind", "changed", "words"),
    [
        ("mfcc", {"speaker_train": np.array(["anna"] * 18)}, r"speaker_train: invalid literal"),
        ("mfcc", {"speaker_test": np.array(["ff"] * 5)}, r"speaker_test is \(5,\) <U2, not 6 names"),
        ("mfcc", {"speaker_test": np.arange(6)}, r"speaker_test is \(6,\) int64, not 6 names"),
        ("mfcc", {"speaker_test": np.array(["f" * 40] * 6)}, r"speaker_test: .*too large"),
        ("mfcc", {"mfcc_test": np.zeros((6, 49, 9), np.float16)}, r"mfcc_test is \(6, 49, 9\) float16, not \(clips"),
        ("mfcc", {"mfcc_test": np.zeros((6, 490), np.float16)}, r"mfcc_test is \(6, 490\)"),
        ("mfcc", {"mfcc_test": np.full((6, 49, 10), np.nan, np.float16)}, "not all of mfcc_test is finite"),
        ("logmel", {"logmel_test": np.zeros((6, 49, 40), np.float32)}, "float32, not .clips, frames, 40. uint8"),
        ("logmel", {"logmel_step": np.float32(np.inf)}, "logmel_min or logmel_step: is not finite"),
        ("logmel", {"logmel_step": np.zeros(3)}, "logmel_min or logmel_step: "),
        ("logmel", {"logmel_min": np.array("low")}, "logmel_min or logmel_step: "),
    ],
)
def test_wrong_compact_arrays_are_one_sentence(compact, kind, changed, words):
    compact(kind, **changed)
    with pytest.raises(
        UserError, match=f"speech_features.npz' cannot be read as .*{words}.*unset TINYPROP_DATA"
    ) as said:
        load("speech_commands", features="mfcc" if kind == "mfcc" else "log_mel")
    assert "\n" not in str(said.value)


def test_unknown_features_are_named():
    with pytest.raises(UserError, match="unknown features 'mfc': did you mean 'mfcc'"):
        loader_named("speech_commands", features="mfc")
