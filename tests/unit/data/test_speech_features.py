"""Speech Commands as features: who speaks, the same numbers as the device, and what is no such data."""

import numpy as np
import pytest

import official_files
from tinyprop.data import First, SpeechFeatures, find, load, loader_named
from tinyprop.data.audio.heard import heard
from tinyprop.errors import UserError
from tinyprop.features import FEATURES, extract


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
        ("mfcc", {"mfcc_test": np.zeros((6, 49, 9), np.float16)}, r"mfcc_test is \(6, 49, 9\) float16, not clips of"),
        (
            "mfcc",
            {"mfcc_test": np.zeros((6, 48, 10), np.float16)},
            r"is \(6, 48, 10\) float16, not clips of \(49, 10\)",
        ),
        ("mfcc", {"mfcc_test": np.zeros((6, 490), np.float16)}, r"mfcc_test is \(6, 490\)"),
        ("mfcc", {"mfcc_test": np.full((6, 49, 10), np.nan, np.float16)}, "not all of mfcc_test is finite"),
        ("logmel", {"logmel_test": np.zeros((6, 49, 40), np.float32)}, r"float32, not clips of \(49, 40\) uint8"),
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


def test_official_clips_are_what_the_device_hears(tmp_path):
    official_files.write_speech(tmp_path)
    parts = official_files.found("speech_commands", tmp_path).parts()
    assert parts.classes == ("silence", "unknown", *official_files.WORDS)
    members = official_files.speech_members()
    at = parts.train.y.tolist().index(parts.classes.index("stop"))
    (name,) = (one for one in members if one.startswith("stop/") and int(one[5:13], 16) == parts.train.group[at].item())
    samples = np.frombuffer(members[name][44:], "<i2")
    np.testing.assert_array_equal(parts.train.x[at, 0], extract(FEATURES["mfcc"], samples))


def test_official_parts_are_those_of_the_lists_by_speaker(tmp_path, monkeypatch):
    official_files.write_speech(tmp_path)
    here = official_files.found("speech_commands", tmp_path)
    monkeypatch.setenv("TINYPROP_CACHE", str(tmp_path / "cache"))
    data = here.data_set()
    for part, samples in data.parts.items():
        spoken = samples.group[samples.group >= 0]
        assert set(spoken.tolist()) == {int(one, 16) for one in official_files.SPEAKERS_OF[part]}
        np.testing.assert_array_equal(samples.group < 0, samples.y == 0)
        assert len(set(samples.group[samples.y == 0].tolist())) == np.count_nonzero(samples.y == 0)
        assert np.bincount(samples.y, minlength=12)[1:].tolist() == [len(spoken) // 11] * 11
    monkeypatch.setattr("tinyprop.data.speech_commands.heard", lambda *_: pytest.fail("computed again"))
    np.testing.assert_array_equal(here.data_set().test.x, data.test.x)


def test_all_words_and_other_features(tmp_path, monkeypatch):
    official_files.write_speech(tmp_path)
    monkeypatch.setitem(
        official_files.LOADERS, "speech_commands", lambda: SpeechFeatures(features="log_mel", words=None)
    )
    here = official_files.found("speech_commands", tmp_path)
    parts = here.parts()
    assert here.edition.name == "speech_commands_35_log_mel"
    assert parts.classes == tuple(sorted((*official_files.WORDS, "bed")))
    assert (parts.train.x.shape, parts.train.group.min() > 0) == ((33, 1, 49, 40), True)
    names = {SpeechFeatures(features=f, words=w).editions()[0].name for f in FEATURES for w in (("yes",), ("no",))}
    assert len(names) == 2 * len(FEATURES)
    assert [e.source for e in SpeechFeatures(features="mlperf_keywords").editions()] == ["official files"]


def test_a_speaker_whose_id_is_no_number_of_64_bits_is_named(tmp_path):
    members = official_files.speech_members()
    members["yes/" + "f" * 20 + "_nohash_0.wav"] = members.pop("yes/0a7c2a8d_nohash_0.wav")
    (tmp_path / "speech_commands_v0.02.tar.gz").write_bytes(official_files.tar_gz(members))
    with pytest.raises(UserError, match=r"tar\.gz: .*too large.*delete what is damaged"):
        official_files.found("speech_commands", tmp_path).parts()


@pytest.mark.parametrize(
    ("words", "said"), [(("yess",), "unknown word 'yess': did you mean 'yes'"), (("silence",), "no word but a class")]
)
def test_words_that_nobody_says_are_named(tmp_path, monkeypatch, words, said):
    official_files.write_speech(tmp_path)
    monkeypatch.setitem(official_files.LOADERS, "speech_commands", lambda: SpeechFeatures(words=words))
    with pytest.raises(UserError, match=said):
        official_files.found("speech_commands", tmp_path).parts()


def test_clips_of_different_lengths_are_refused():
    clips = [np.zeros(800, np.int16)] * 64
    with pytest.raises(ValueError, match="different lengths"):
        heard(FEATURES["log_mel"], [*clips, np.zeros(1600, np.int16)])
    with pytest.raises(ValueError, match="different lengths"):
        heard(FEATURES["log_mel"], [np.zeros(1600, np.int16), *clips])
    assert heard(FEATURES["log_mel"], clips * 2).shape == (128, 2, 40)
    assert heard(FEATURES["log_mel"], []).shape == (0, 0, 40)
