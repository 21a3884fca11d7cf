"""DCASE 2020 task 2: the official layout as a ZIP and as folders, its labels, and its two figures."""

import io
import zipfile

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tinyprop.data.audio import MachineSound, detection, detection_by_machine
from tinyprop.data.audio.wav import wav_samples
from tinyprop.errors import UserError


@pytest.mark.parametrize("form", ["zipped", "unpacked"])
def test_names_say_part_machine_and_anomaly(request, machine_files, form):
    sound = MachineSound(request.getfixturevalue(form)(machine_files()))
    assert sound.machines == ("fan",)
    assert sound.machine_ids("fan") == ("id_00", "id_02")
    train, test = (list(sound.clips("fan", part)) for part in ("train", "test"))
    assert [clip.anomaly for clip in train] == [False] * 6
    assert [(c.machine_id, c.anomaly, int(c.samples[0])) for c in test] == [
        *(("id_00", True, -100), ("id_00", True, -101), ("id_02", True, -100), ("id_02", True, -101)),
        *(("id_00", False, 100), ("id_00", False, 101), ("id_02", False, 100), ("id_02", False, 101)),
    ]
    (last,) = (clip for clip in sound.clips("fan", "train", "id_02") if clip.name.endswith("00000002.wav"))
    assert (last.samples.dtype, last.samples.tolist()) == (np.int16, [22] * 2002)


def test_a_folder_may_be_of_one_machine_or_of_several_below_others(machine_files, unpacked):
    several = unpacked(machine_files("dev_data/fan") | machine_files("dev_data/ToyCar"))
    assert MachineSound(several).machines == ("ToyCar", "fan")
    assert len(list(MachineSound(several).clips("ToyCar", "test"))) == 8
    assert MachineSound(several / "dev_data" / "fan").machines == ("fan",)


WRONG_FILES = {
    "nothing": ({"fan/readme.txt": b""}, "holds no WAV file"),
    "evaluation data": ({"fan/test/id_01_00000000.wav": b""}, "does not say whether.*use its development data"),
    "anomaly to train on": ({"fan/train/anomaly_id_01_00000000.wav": b""}, "is an anomaly to train on"),
    "another name": ({"fan/train/normal_00000000.wav": b""}, "no clip of DCASE 2020"),
    "another part": ({"fan/source_test/normal_id_01_00000000.wav": b""}, "no clip of DCASE 2020"),
}


@pytest.mark.parametrize("case", WRONG_FILES)
def test_another_layout_is_named(zipped, case):
    files, words = WRONG_FILES[case]
    with pytest.raises(UserError, match=words):
        MachineSound(zipped(files))


@pytest.mark.parametrize(
    ("ask", "words"),
    [
        (lambda s: list(s.clips("fam", "train")), "unknown machine 'fam': did you mean 'fan'"),
        (lambda s: list(s.clips("fan", "validation")), "unknown part 'validation'"),
        (lambda s: list(s.clips("fan", "train", "id_01")), "unknown fan 'id_01': did you mean"),
        (lambda s: s.machine_ids("pump"), "unknown machine 'pump'"),
    ],
)
def test_what_is_not_there_is_named(machine_files, zipped, ask, words):
    with pytest.raises(UserError, match=words):
        ask(MachineSound(zipped(machine_files())))


def test_a_part_without_clips_is_named(machine_files, zipped):
    files = {name: content for name, content in machine_files().items() if "/train/" not in name}
    with pytest.raises(UserError, match="no clip of fan to train"):
        list(MachineSound(zipped(files)).clips("fan", "train"))


def test_a_clip_of_another_rate_is_refused(machine_files, zipped, wav):
    sound = MachineSound(zipped(machine_files() | {"fan/test/normal_id_00_00000000.wav": wav(np.zeros(9), rate=44100)}))
    with pytest.raises(UserError, match=r"'fan/test/normal_id_00_00000000.wav' has 44,100 samples per second"):
        list(sound.clips("fan", "test"))


@pytest.mark.parametrize("share", [0.1, 0.5, 0.99])
def test_a_zip_that_is_cut_off_is_named(machine_files, zipped, share):
    path = zipped(machine_files())
    whole = path.read_bytes()
    path.write_bytes(whole[: int(share * len(whole))])
    with pytest.raises(UserError, match="get it anew"):
        MachineSound(path)


def test_a_flipped_bit_in_a_zip_is_found(machine_files, zipped):
    path = zipped(machine_files())
    sound = MachineSound(path)
    with zipfile.ZipFile(path) as archive:
        info = archive.getinfo("fan/train/normal_id_00_00000000.wav")
    whole = bytearray(path.read_bytes())
    whole[info.header_offset + 30 + len(info.filename) + 20] ^= 0xFF
    path.write_bytes(bytes(whole))
    with pytest.raises(UserError, match="damaged, get it anew"):
        list(sound.clips("fan", "train"))


def test_a_damaged_name_in_the_directory_of_a_zip_hides_no_clip(machine_files, zipped):
    path = zipped(machine_files())
    whole = bytearray(path.read_bytes())
    at = whole.rindex(b"fan/test/normal_id_02_00000001.wav")
    whole[at + len("fan/test/normal_id_02_00000001.")] ^= 0x55  # no '.wav' any more
    path.write_bytes(bytes(whole))
    with pytest.raises(UserError, match=r"differ.*damaged, get it anew"):
        MachineSound(path)


def outcome(ask):
    """(what came of it, "") or (None, the sentence)."""
    try:
        return ask(), ""
    except UserError as error:
        return None, str(error)


@settings(max_examples=300, deadline=None, derandomize=True)
@given(data=st.data())
def test_whatever_bytes_a_wav_holds_it_is_samples_or_one_sentence(data, wav, wav_header):
    content = bytearray(wav(np.arange(50)))
    start = data.draw(st.sampled_from(["mutated", "cut", "random", "promises"]))
    if start == "mutated":
        for _ in range(data.draw(st.integers(1, 4))):
            content[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))
    elif start == "cut":
        content = content[: data.draw(st.integers(0, len(content)))]
    elif start == "random":
        content = bytearray(data.draw(st.binary(max_size=80)))
    else:
        content = bytearray(wav_header(data.draw(st.integers(0, 2**32 - 37))) + data.draw(st.binary(max_size=20)))
    samples, said = outcome(lambda: wav_samples(bytes(content), "a.wav"))
    if samples is None:
        assert said.startswith("'a.wav' ")
        assert said.count("\n") == 0
    else:
        assert samples.dtype == np.int16
        assert 0 < samples.size <= len(content) // 2


@settings(max_examples=150, deadline=None, derandomize=True)
@given(data=st.data())
def test_whatever_bytes_an_archive_holds_it_is_clips_or_one_sentence(data, tmp_path_factory, wav):
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        archive.writestr("fan/train/normal_id_00_00000000.wav", wav(np.arange(20)))
    content = bytearray(out.getvalue())
    for _ in range(data.draw(st.integers(1, 5))):
        content[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))
    path = tmp_path_factory.mktemp("zip") / "fan.zip"
    path.write_bytes(bytes(content))

    def read():
        sound = MachineSound(path)
        return [clip for machine in sound.machines for clip in sound.clips(machine, "train")]

    clips, said = outcome(read)
    assert said.count("\n") == 0
    assert all(clip.samples.size for clip in clips or ())


def by_pairs(anomalies, scores):
    """The chance itself, over all pairs."""
    pairs = [
        (a, n)
        for a, x in zip(scores, anomalies, strict=True)
        if x
        for n, y in zip(scores, anomalies, strict=True)
        if not y
    ]
    return sum(1.0 if a > n else 0.5 if a == n else 0.0 for a, n in pairs) / len(pairs)


def test_auc_is_the_chance_that_an_anomaly_scores_higher():
    rng = np.random.default_rng(0)
    truth = rng.integers(0, 2, 60)
    scores = np.round(rng.normal(size=60) + truth, 1)  # ties too
    assert detection(truth, scores).auc == pytest.approx(by_pairs(truth, scores))


def test_pauc_is_the_area_below_few_false_alarms():
    """Of 100 normal clips p = 0.1 looks at the ten highest. McClish: 0.5 (1 + (area - low) / (high - low))."""
    normal, anomalies = np.arange(100.0), np.array([89.5, 95.5, 99.5, 50.5])
    truth = np.r_[np.zeros(100), np.ones(4)]
    found = detection(truth, np.r_[normal, anomalies])
    above = [np.sum(anomalies > level) for level in np.arange(99.0, 89.0, -1.0)]  # at 0 … 9 false alarms
    area = np.sum(above) / 4 * 0.01
    assert found.pauc == pytest.approx(0.5 * (1 + (area - 0.005) / (0.1 - 0.005)))
    assert detection(truth, np.r_[normal, anomalies + 100]) == detection([0, 1], [0.0, 1.0])
    assert detection([0, 1], [0.0, 1.0]).pauc == 1.0


def test_the_mean_is_over_machines_not_clips():
    mean, each = detection_by_machine(["id_00"] * 4 + ["id_02"] * 2, [0, 0, 0, 1, 0, 1], [1.0, 2.0, 3.0, 4.0, 2.0, 1.0])
    assert (each["id_00"].auc, each["id_02"].auc) == (1.0, 0.0)
    assert mean.auc == 0.5


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (([0, 1], [0.0]), "one of each"),
        (([0, 2], [0.0, 1.0]), "neither normal"),
        (([0, 1], [0.0, np.nan]), "score 1 is NaN"),
        (([0, 0], [0.0, 1.0]), "all of one kind"),
        (([0, 1], [0.0, 1.0], 0.0), "no rate of false alarms"),
    ],
)
def test_what_cannot_be_counted_is_one_sentence(arguments, words):
    with pytest.raises(UserError, match=words):
        detection(*arguments)


def test_no_clip_of_no_machine_is_one_sentence():
    with pytest.raises(UserError, match="no clip"):
        detection_by_machine([], [], [])
