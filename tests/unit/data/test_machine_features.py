"""DCASE 2020 task 2 as features: nothing but normal sound to learn from, each machine validated, anomalies in test."""

import zipfile

import numpy as np
import pytest

import official_files
from tinyprop.data import DataSet, MachineFeatures, Samples, find, load
from tinyprop.data.audio import detection_by_machine
from tinyprop.errors import UserError
from tinyprop.features import FEATURES, extract, stacked


@pytest.fixture
def here(tmp_path, monkeypatch):
    monkeypatch.setenv("TINYPROP_CACHE", str(tmp_path / "cache"))
    official_files.write_machines(tmp_path)
    return official_files.found("dcase2020", tmp_path)


def rewritten(path, members):
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    path.with_name(f"{path.name}.seen.json").unlink(missing_ok=True)


def test_normal_clips_are_learned_and_anomalies_are_in_test_only(here):
    data = here.data_set()
    assert (data.name, data.classes, data.to_find) == ("dcase2020_ToyCar", ("normal", "anomaly"), ("anomaly",))
    assert [samples.y.sum() for samples in data.parts.values()] == [0, 0, 4]
    assert data.train.group.tolist() == [1, 1, 4, 4]
    assert data.validation.group.tolist() == [1, 4]
    assert sorted(zip(data.test.group.tolist(), data.test.y.tolist(), strict=True)) == [
        *((1, 0), (1, 0), (1, 1), (1, 1), (4, 0), (4, 0), (4, 1), (4, 1))
    ]


def test_clips_are_what_the_device_hears(here):
    members = official_files.machine_members()
    name = "ToyCar/test/anomaly_id_04_00000001.wav"
    samples = np.frombuffer(members[name][44:], "<i2")
    test = here.parts().test
    last = np.flatnonzero((test.group == 4) & (test.y == 1))[-1]
    rows = stacked(FEATURES["dcase2020"], test.x)
    np.testing.assert_array_equal(test.x[last], extract(FEATURES["dcase2020"].of, samples))
    np.testing.assert_array_equal(rows[last], extract(FEATURES["dcase2020"], samples))
    assert rows.shape == (8, 2, 640)


def test_the_challenge_counts_by_machine(here):
    test = here.data_set().test
    mean, each = detection_by_machine(test.group, test.y, test.y + 0.1 * test.group)
    assert (mean.auc, set(each)) == (1.0, {"1", "4"})


def test_the_second_load_computes_nothing(here, monkeypatch):
    first = here.data_set()
    monkeypatch.setattr("tinyprop.data.machine_sound.heard", lambda *_: pytest.fail("computed again"))
    again = here.data_set()
    assert again.to_find == first.to_find
    np.testing.assert_array_equal(again.test.x, first.test.x)
    np.testing.assert_array_equal(again.validation.group, first.validation.group)


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({"ToyCar/train/normal_id_01_00000001.wav": official_files.wav(np.ones(4000))}, "dev_.*zip: .*different leng"),
        ({"ToyCar/train/normal_id_01_00000001.wav": official_files.wav(np.ones(99))}, "different lengths|too short"),
        ({"ToyCar/train/anomaly_id_01_00000009.wav": b""}, "is an anomaly to train on"),
        ({"fan/train/normal_id_01_00000009.wav": b"RIFF"}, None),
    ],
)
def test_wrong_clips_are_named(here, changed, words):
    rewritten(here.paths[0], official_files.machine_members() | changed)
    if words is None:  # another machine beside it is not looked at
        assert len(here.parts().train) == 4
        return
    with pytest.raises(UserError, match=words):
        here.parts()


def test_a_test_part_without_anomalies_and_a_zip_of_another_machine_are_refused(here):
    members = official_files.machine_members()
    rewritten(here.paths[0], {name: content for name, content in members.items() if "anomaly" not in name})
    with pytest.raises(UserError, match="test has no sample of 'anomaly'"):
        here.data_set()
    rewritten(here.paths[0], official_files.machine_members("fan"))
    with pytest.raises(UserError, match="unknown machine 'ToyCar'"):
        here.data_set()


def test_what_is_to_be_found_is_not_learned():
    normal, both = (Samples(np.zeros((2, 1), np.float32), np.array(y)) for y in ([0, 0], [0, 1]))
    about = ("own", "own", "own", "own", ("normal", "anomaly"))
    for parts in ((both, normal, both), (normal, both, both)):
        with pytest.raises(UserError, match="holds 'anomaly', which is to be found, not learned"):
            DataSet(*about, *parts, None, ("anomaly",))
    assert DataSet(*about, normal, normal, both, None, ("anomaly",)).to_find == ("anomaly",)
    with pytest.raises(UserError, match="train has no sample of 'anomaly'"):
        DataSet(*about, normal, normal, both)


def test_each_machine_has_its_name_and_its_file(tmp_path, monkeypatch):
    monkeypatch.setenv("TINYPROP_CACHE", str(tmp_path / "cache"))
    fan = MachineFeatures("fan", features="log_mel")
    (edition,) = fan.editions()
    assert (edition.name, edition.files[0].name) == ("dcase2020_fan_log_mel", "dev_data_fan.zip")
    assert find(fan) is None
    with pytest.raises(UserError, match=r"tinyprop data fetch dcase2020 machine=valve`; or without"):
        load("dcase2020", machine="valve")
    with pytest.raises(UserError, match="unknown features 'dcase'"):
        load("dcase2020", features="dcase")
