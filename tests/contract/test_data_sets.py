"""What holds for every row of DATA_SETS; a new data set is tested by being in the table."""

import dataclasses
import inspect
import re
from pathlib import Path

import numpy as np
import pytest

import official_files
import tinyprop.data
from tinyprop.data import DATA_SETS, DataSet, First, find, load, loader_named
from tinyprop.data.finding import Found, official
from tinyprop.data.loader import BUNDLED, COMPACT, OFFICIAL, OWN
from tinyprop.errors import UserError

DOCUMENT = Path(__file__).parents[2] / "docs" / "data.md"
WITH_FILES = [name for name in DATA_SETS if official(loader_named(name)) is not None]
WITH_COMPACT = [name for name in DATA_SETS if COMPACT in {e.source for e in loader_named(name).editions()}]
CUTS = [0.0, 0.02, 0.3, 0.5, 0.9, 0.99]


@pytest.fixture(autouse=True)
def nothing_here(tmp_path, monkeypatch):
    monkeypatch.setenv("TINYPROP_CACHE", str(tmp_path / "cache"))
    monkeypatch.delenv("TINYPROP_DATA", raising=False)


def require_sound(data: DataSet, tiny: official_files.Tiny) -> None:
    assert {part: len(samples) for part, samples in data.parts.items()} == tiny.counts
    assert data.shape == tiny.shape
    assert len(data.classes) == tiny.classes
    for samples in data.parts.values():
        assert samples.x.dtype == np.float32
        assert samples.y.dtype == np.int64
        assert samples.x.flags["C_CONTIGUOUS"]
        assert np.isfinite(samples.x).all()


@pytest.mark.parametrize("name", DATA_SETS)
def test_is_a_final_frozen_record_that_describes_itself(name):
    kind, loader = DATA_SETS[name], loader_named(name)
    assert kind.name == name
    assert getattr(tinyprop.data, kind.__name__) is kind
    assert not kind.__subclasses__()
    assert loader == kind()
    with pytest.raises(dataclasses.FrozenInstanceError):
        loader.name = "other"
    text = inspect.getdoc(kind)
    assert text.startswith("x (N, ")
    assert not [field.name for field in dataclasses.fields(kind) if f"{field.name}:" not in text]
    assert "\n" not in kind.title + kind.summary


@pytest.mark.parametrize("name", DATA_SETS)
def test_has_its_line_in_the_document(name):
    assert f"| `{name}` |" in DOCUMENT.read_text(encoding="utf-8")


@pytest.mark.parametrize("name", DATA_SETS)
def test_every_edition_says_what_it_is(name):
    editions = loader_named(name).editions()
    assert editions
    for edition in editions:
        assert edition.source in (OFFICIAL, COMPACT, BUNDLED)
        assert ("stand-in" in edition.title + edition.summary) == (edition.stands_in_for is not None)
        # What stands in for a set bears another name, so that nothing files its results under the set's own.
        assert (edition.name == name) or edition.source != OFFICIAL or name in ("food101", "dcase2020")
        assert edition.stands_in_for is None or edition.name != edition.stands_in_for
        for file in edition.files:
            if edition.source == OFFICIAL:
                assert file.url.startswith(("https://", "http://data.vision.ee.ethz.ch/"))
                assert file.sha256 is None or re.fullmatch(r"[0-9a-f]{64}", file.sha256)
                assert file.md5 is None or re.fullmatch(r"[0-9a-f]{32}", file.md5)
                assert file.size > 0


def test_every_set_with_files_is_written_by_the_tests():
    assert list(official_files.WRITERS) == WITH_FILES
    assert list(official_files.COMPACT_ARRAYS) == WITH_COMPACT


@pytest.mark.parametrize("name", WITH_FILES)
def test_reads_the_official_format(name, tmp_path):
    tiny = official_files.WRITERS[name](tmp_path)
    here = official_files.found(name, tmp_path)
    data = here.data_set()
    assert data.source == OFFICIAL
    require_sound(data, tiny)
    again = here.data_set()
    for part, samples in data.parts.items():
        np.testing.assert_array_equal(samples.x, again.parts[part].x)
        np.testing.assert_array_equal(samples.y, again.parts[part].y)
    if data.train.group is not None and not data.to_find:  # what is to be found is in machines that are known
        groups = [set(samples.group.tolist()) for samples in data.parts.values()]
        assert sum(map(len, groups)) == len(set.union(*groups))  # no group is in two parts


@pytest.mark.parametrize("name", WITH_FILES)
def test_the_start_of_a_part_is_the_start(name, tmp_path):
    official_files.WRITERS[name](tmp_path)
    here = official_files.found(name, tmp_path)
    whole, start = here.parts(), here.parts(First(3, 2))
    assert (len(start.train), len(start.test)) == (3, 2)
    np.testing.assert_array_equal(start.train.x, whole.train.x[:3])
    np.testing.assert_array_equal(start.test.y, whole.test.y[:2])
    assert whole.train.group is None or start.train.group.tolist() == whole.train.group[:3].tolist()


@pytest.mark.parametrize("name", WITH_FILES)
def test_a_truncated_file_is_named_wherever_it_ends(name, tmp_path):
    """Every file of the set, cut at several places: an error, never a part of the set."""
    official_files.WRITERS[name](tmp_path)
    here = official_files.found(name, tmp_path)
    for path in here.paths:
        # The last bytes of a .mat file are padding, which nothing depends on.
        whole = path.read_bytes().rstrip(b"\0") if path.suffix == ".mat" else path.read_bytes()
        for cut in CUTS:
            path.write_bytes(whole[: int(cut * len(whole))])
            path.with_name(f"{path.name}.seen.json").unlink(missing_ok=True)
            with pytest.raises(UserError, match=re.escape(path.name)) as refused:
                here.parts()
            # Readers of sound, which take any path, say so themselves.
            assert re.search("delete what is damaged and fetch it again|get it anew", str(refused.value))
        path.write_bytes(whole)
        path.with_name(f"{path.name}.seen.json").unlink()


@pytest.mark.parametrize("name", WITH_FILES)
def test_a_changed_byte_is_seen_or_changes_nothing(name, tmp_path):
    """Whatever the hash would say: the checksums inside the archives are looked at."""
    official_files.WRITERS[name](tmp_path)
    here = official_files.found(name, tmp_path)
    expected = here.parts()
    path = max(here.paths, key=lambda one: one.stat().st_size)
    whole, rng = path.read_bytes(), np.random.default_rng(1)
    for place in rng.integers(0, len(whole), 12).tolist():
        damaged = bytearray(whole)
        damaged[place] ^= 0x55
        path.write_bytes(damaged)
        path.with_name(f"{path.name}.seen.json").unlink(missing_ok=True)
        try:
            parts = here.parts()
        except UserError:
            continue
        np.testing.assert_array_equal(parts.train.x, expected.train.x)
        np.testing.assert_array_equal(parts.test.y, expected.test.y)


@pytest.mark.parametrize("name", WITH_FILES)
def test_other_files_than_the_official_ones_are_refused(name, tmp_path, monkeypatch):
    """The tiny files are such: their hashes are not those of the table."""
    edition = official(loader_named(name))
    folder = tmp_path / "cache" / "data" / edition.folder
    folder.mkdir(parents=True)
    official_files.WRITERS[name](folder)
    with pytest.raises(
        UserError, match=r"is not the file it should be: its (SHA-256|MD5) is [0-9a-f]{32,64}, the official"
    ):
        load(name)


@pytest.mark.parametrize("name", WITH_FILES)
def test_says_how_to_get_what_is_not_here(name, tmp_path):
    assert find(loader_named(name)) is None
    with pytest.raises(UserError) as refused:
        load(name)
    text = str(refused.value)
    assert f"`tinyprop data fetch {name}`" in text
    assert str(tmp_path / "cache" / "data") in text
    for file in official(loader_named(name)).files:
        assert f"'{file.name}' from {file.url}" in text
    assert ("TINYPROP_DATA" in text) == (name in WITH_COMPACT)
    assert not (tmp_path / "cache").exists()


@pytest.mark.parametrize("name", WITH_COMPACT)
def test_reads_the_compact_arrays(name, tmp_path, monkeypatch):
    official_files.write_compact(name, tmp_path)
    monkeypatch.setenv("TINYPROP_DATA", str(tmp_path))
    data = load(name)
    assert data.source == COMPACT
    assert load(name, source=COMPACT).name == data.name
    assert len(data.train) > len(data.validation) > 0 < len(data.test)
    assert data.train.x.dtype == np.float32
    assert data.train.y.dtype == np.int64
    found = find(loader_named(name), OFFICIAL)
    assert found is None


@pytest.mark.parametrize("name", WITH_COMPACT)
def test_a_damaged_compact_file_is_one_sentence(name, tmp_path, monkeypatch):
    monkeypatch.setenv("TINYPROP_DATA", str(tmp_path))
    path = official_files.write_compact(name, tmp_path)
    whole = path.read_bytes()
    for cut in CUTS:
        path.write_bytes(whole[: int(cut * len(whole))])
        with pytest.raises(UserError, match=r"cannot be read as .* unset TINYPROP_DATA"):
            load(name)
    arrays = official_files.COMPACT_ARRAYS[name]()
    for missing in arrays:
        official_files.write_compact(name, tmp_path, {key: a for key, a in arrays.items() if key != missing})
        with pytest.raises(UserError, match=f"'?{missing}.* unset TINYPROP_DATA"):
            load(name)
    labels = arrays["y_test"].copy()
    labels[1] = 200
    official_files.write_compact(name, tmp_path, arrays | {"y_test": labels})
    with pytest.raises(UserError, match=r"in test sample 1 has label 200 \(1 such in all\), labels are 0 to"):
        load(name)
    objects = np.array([{}] * len(labels), object)
    official_files.write_compact(name, tmp_path, arrays | {"y_test": objects})
    with pytest.raises(UserError, match=r"allow_pickle"):
        load(name)


def test_images_in_compact_arrays_that_do_not_fit(tmp_path, monkeypatch):
    monkeypatch.setenv("TINYPROP_DATA", str(tmp_path))
    arrays = official_files.COMPACT_ARRAYS["cifar10"]()
    offsets, joined = arrays["offsets_test"], arrays["jpeg_test"].copy()
    swapped = offsets.copy()
    swapped[[2, 3]] = offsets[[3, 2]]
    joined[offsets[4] : offsets[4] + 20] = 0
    large = official_files.compact_jpegs(10, 40)
    for changed, words in (
        ({"offsets_test": swapped}, "offsets_test do not divide jpeg_test into files"),
        ({"offsets_test": offsets[:-1], "y_test": arrays["y_test"][:-1]}, "do not divide"),
        ({"jpeg_test": joined}, "image 4 of test: cannot be decoded"),
        ({key: large[key] for key in ("jpeg_train", "offsets_train")}, r"image 0 of train: is \(40, 40, 3\), not"),
        ({"y_train": arrays["y_train"].astype(np.float32)}, r"y_train are \(30,\) float32, not 30 whole numbers"),
    ):
        official_files.write_compact("cifar10", tmp_path, arrays | changed)
        with pytest.raises(UserError, match=words):
            load("cifar10")


def test_unknown_names_and_settings():
    with pytest.raises(UserError, match=r"unknown data set 'minst': did you mean 'mnist'\?"):
        load("minst")
    with pytest.raises(UserError, match=r"data set 'mnist' was given 'side', which is not .* it has none"):
        load("mnist", side=3)
    with pytest.raises(UserError, match=r"unknown source of data 'official': did you mean 'official files'"):
        load("mnist", source="official")
    assert OWN not in tinyprop.data.finding.SOURCES


def test_found_is_what_find_finds(tmp_path, monkeypatch):
    monkeypatch.setenv("TINYPROP_DATA", str(tmp_path))
    path = official_files.write_compact("mnist", tmp_path)
    found = find(loader_named("mnist"))
    assert isinstance(found, Found)
    assert found.paths == (path,)
