"""What is in the official files arrives as it is, and what is wrong with them is named."""

import gzip
import io
import os
import pickle
import re
import tarfile

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as drawn
from PIL import Image

import official_files
from tinyprop.data.archive import files_in
from tinyprop.data.flowers102 import CLASSES, Flowers102
from tinyprop.data.food101 import Food101
from tinyprop.data.har import BARE, HarWindows
from tinyprop.data.images import decoded
from tinyprop.data.loader import First
from tinyprop.data.mnist import read_idx
from tinyprop.data.safe_pickle import unpickled
from tinyprop.errors import UserError

unhurried = settings(deadline=None, derandomize=True, max_examples=60)


def test_mnist_pixels_and_labels(tmp_path):
    official_files.write_mnist(tmp_path)
    parts = official_files.found("mnist", tmp_path).parts()
    assert parts.train.y.tolist() == [i % 10 for i in range(40)]
    np.testing.assert_array_equal(parts.train.x[:, 0, 0, 0], (parts.train.y / 255).astype(np.float32))
    assert parts.train.x[0, 0, 27, 27] == 1.0
    assert not parts.train.x[:, :, 1:27].any()


@unhurried
@given(drawn.arrays(np.uint8, drawn.array_shapes(min_dims=1, max_dims=3, min_side=0, max_side=6)), st.data())
def test_idx_files_of_any_shape(tmp_path_factory, array, data):
    path = tmp_path_factory.mktemp("idx") / "a.gz"
    path.write_bytes(official_files.idx(array))
    np.testing.assert_array_equal(read_idx(path), array)
    plain = gzip.decompress(path.read_bytes())
    cut = data.draw(st.integers(0, len(plain) - 1))
    for wrong in (plain[:cut], plain + b"\0", b"\1" + plain[1:], plain[:2] + b"\x0d" + plain[3:]):
        path.write_bytes(gzip.compress(wrong))
        with pytest.raises(ValueError, match=r"a\.gz: "):
            read_idx(path)


def test_mnist_with_a_label_out_of_range_or_too_few(tmp_path):
    labels = np.arange(40, dtype=np.uint8) % 10
    labels[[7, 9]] = 10
    official_files.write_mnist(tmp_path, labels)
    with pytest.raises(UserError, match=r"in train sample 7 has label 10 \(2 such in all\), labels are 0 to 9"):
        official_files.found("mnist", tmp_path).parts()
    (tmp_path / "train-labels-idx1-ubyte.gz").write_bytes(official_files.idx(labels[:39]))
    (tmp_path / "train-labels-idx1-ubyte.gz.seen.json").unlink()
    with pytest.raises(UserError, match=r"labels of train-images-\S+ are \(39,\) uint8, not 40 whole"):
        official_files.found("mnist", tmp_path).parts()


def test_a_class_without_samples_and_an_empty_part(tmp_path):
    official_files.write_mnist(tmp_path, np.tile([0, 1, 2, 3, 5, 6, 7, 8, 9, 9], 4).astype(np.uint8))
    with pytest.raises(UserError, match=r"mnist \(official files\) cannot be used: train has no sample of '4': add"):
        official_files.found("mnist", tmp_path).data_set()
    official_files.write_mnist(tmp_path)
    for name, shape in (("t10k-images-idx3-ubyte.gz", (0, 28, 28)), ("t10k-labels-idx1-ubyte.gz", (0,))):
        (tmp_path / name).write_bytes(official_files.idx(np.zeros(shape, np.uint8)))
    for record in tmp_path.glob("*.seen.json"):
        record.unlink()
    with pytest.raises(UserError, match="test is empty: give it at least one sample"):
        official_files.found("mnist", tmp_path).data_set()


def test_cifar_is_red_green_blue_row_by_row(tmp_path):
    official_files.write_cifar10(tmp_path)
    parts = official_files.found("cifar10", tmp_path).parts()
    assert parts.classes[3] == "class 3"
    assert parts.train.y.tolist() == list(range(10)) * 5
    first = parts.train.x[0]
    assert first[0, 0, 0] == 1.0
    assert first[1, 0, 0] == np.float32(100) / np.float32(127.5) - np.float32(1)
    np.testing.assert_array_equal(parts.train.x[:10, 2, 31, 31], (np.arange(10) / 127.5 - 1).astype(np.float32))
    np.testing.assert_allclose(parts.train.x[::10, 0, 1, 1], np.arange(5) / 127.5 - 1, rtol=1e-6)  # batches in order


def test_cifar100_learns_the_fine_labels(tmp_path):
    official_files.write_cifar100(tmp_path)
    parts = official_files.found("cifar100", tmp_path).parts()
    assert parts.classes[99] == "fine 99"
    assert parts.test.y.tolist() == list(range(100))


@pytest.mark.parametrize(
    ("fault", "words"),
    [
        (lambda batch: batch.pop(b"data"), r"data_batch_3: b'data' is missing"),
        (
            lambda batch: batch.update({b"data": np.zeros((10, 3072), np.float32)}),
            r"data_batch_3: its images are no",
        ),
        (
            lambda batch: batch.update({b"data": np.zeros((9, 3072), np.uint8)}),
            r"labels are \(10,\) int64, not 9",
        ),
        (lambda batch: batch.update({b"labels": ["a"] * 10}), r"labels are \(10,\) <U1, not 10 whole numbers"),
        (lambda batch: batch[b"labels"].__setitem__(2, 10), r"in train sample 22 has label 10"),
    ],
)
def test_a_wrong_batch_is_named(tmp_path, fault, words):
    members = official_files.cifar10_members(fault=fault)
    (tmp_path / "cifar-10-python.tar.gz").write_bytes(official_files.tar_gz(members))
    with pytest.raises(UserError, match=words):
        official_files.found("cifar10", tmp_path).parts()


def test_a_missing_batch_is_named(tmp_path):
    members = official_files.cifar10_members()
    del members["cifar-10-batches-py/data_batch_4"]
    (tmp_path / "cifar-10-python.tar.gz").write_bytes(official_files.tar_gz(members))
    with pytest.raises(UserError, match=r"cifar-10-batches-py/data_batch_4 is missing"):
        official_files.found("cifar10", tmp_path).parts()


class Hostile:
    """What a pickle can do to whoever loads it."""

    def __init__(self, function, *arguments):
        self.call = (function, arguments)

    def __reduce__(self):
        return self.call


@pytest.mark.parametrize("protocol", [0, 2, 4])
@pytest.mark.parametrize(
    "call", [(os.mkdir, "made"), (eval, "__import__('os').mkdir('made')"), (np.load, "x"), (getattr, 1, "real")]
)
def test_a_pickle_that_runs_something_is_refused(tmp_path, monkeypatch, call, protocol):
    monkeypatch.chdir(tmp_path)
    content = pickle.dumps({b"data": Hostile(*call)}, protocol)
    with pytest.raises(pickle.UnpicklingError, match="which no file of arrays needs"):
        unpickled(content)
    members = official_files.cifar10_members() | {"cifar-10-batches-py/data_batch_2": content}
    (tmp_path / "cifar-10-python.tar.gz").write_bytes(official_files.tar_gz(members))
    with pytest.raises(UserError, match=r"data_batch_2: it asks for \w+\.\w+, which no file of arrays needs"):
        official_files.found("cifar10", tmp_path).parts()
    assert not (tmp_path / "made").exists()


@unhurried
@given(drawn.arrays(st.sampled_from([np.uint8, np.int64, np.float32]), drawn.array_shapes(max_side=4)))
def test_arrays_come_out_of_pickles_of_both_ages(array):
    for content in (official_files.python2_pickle({b"a": array, b"b": [b"c", 3]}), pickle.dumps({b"a": array}, 2)):
        if b"_codecs" in content:  # as Python 3 writes protocol 2, which no official file is
            continue
        np.testing.assert_array_equal(unpickled(content)[b"a"], array)
    assert b"cnumpy.core.multiarray\n" in official_files.python2_pickle(array)


@unhurried
@given(st.binary(max_size=60))
def test_no_bytes_make_the_unpickler_do_anything_but_refuse(content):
    try:
        value = unpickled(content)
    except Exception:  # whatever it says: `damage.named` turns it into a sentence
        return
    assert isinstance(value, int | float | str | bytes | bytearray | tuple | list | dict | set | frozenset | None)


def test_flowers_keep_their_own_split(tmp_path):
    official_files.write_flowers(tmp_path)
    parts = official_files.found("flowers102", tmp_path).parts()
    assert (len(CLASSES), len(set(CLASSES))) == (102, 102)
    assert (CLASSES[0], CLASSES[101]) == ("pink primrose", "blackberry lily")
    for part in (parts.train, parts.validation, parts.test):
        assert part.y.tolist() == list(range(102))
        np.testing.assert_allclose(part.x.mean(axis=(1, 2, 3)), np.arange(1, 103) / 127.5 - 1, atol=0.02)


def test_a_plain_tar_under_the_same_name_is_read_too(tmp_path):
    official_files.write_flowers(tmp_path)
    path = tmp_path / "102flowers.tgz"
    path.write_bytes(gzip.decompress(path.read_bytes()))
    assert len(official_files.found("flowers102", tmp_path).parts().train) == 102
    # Between two members a plain tar ends like a whole one: the photos that are missing are missed.
    with tarfile.open(path) as tar:
        middle = tar.getmembers()[200].offset
    path.write_bytes(path.read_bytes()[:middle])
    (tmp_path / "102flowers.tgz.seen.json").unlink()
    with pytest.raises(UserError, match=r"102flowers\.tgz: 107 photos are missing, such as \[200, 201"):
        official_files.found("flowers102", tmp_path).parts()


def test_a_corrupt_photo_is_named(tmp_path):
    members = official_files.food_members()
    members["food-101/images/pizza/203.jpg"] = b"no photo"
    members["food-101/images/pizza/101.jpg"] = members["food-101/images/pizza/101.jpg"][:200]
    (tmp_path / "food-101.tar.gz").write_bytes(official_files.tar_gz(members))
    with pytest.raises(UserError, match=r"food-101/images/pizza/101\.jpg: cannot be decoded"):
        official_files.found("food101", tmp_path).parts()


def test_food_takes_the_chosen_dishes_in_their_order(tmp_path):
    official_files.write_food(tmp_path)
    parts = official_files.found("food101", tmp_path).parts()
    assert parts.classes == ("pizza", "edamame")
    assert parts.train.y.tolist() == [1] * 5 + [0] * 5  # the order of the list, the labels of the choice
    every = Food101(classes=None).editions()[0]
    whole = every.read((tmp_path / "food-101.tar.gz",), First())
    assert whole.classes == ("edamame", "pizza", "ramen")
    assert len(whole.train) == 15
    with pytest.raises(UserError, match=r"Food-101 has no class \['piza'\]: it has edamame, pizza, ramen"):
        Food101(classes=("piza", "ramen")).editions()[0].read((tmp_path / "food-101.tar.gz",), First())
    names = {Food101(classes=c).editions()[0].name for c in (("a", "b"), ("a", "c"), None)} | {
        Food101().editions()[0].name
    }
    assert {"food101", "food10"} < names
    assert len(names) == 4  # results on other dishes are filed elsewhere
    for wrong in ((), ("pizza",), ("pizza", "pizza")):
        with pytest.raises(UserError, match="name at least two dishes, each once"):
            Food101(classes=wrong)


def test_food_misses_a_photo_that_its_list_names(tmp_path):
    members = official_files.food_members()
    del members["food-101/images/edamame/200.jpg"]
    (tmp_path / "food-101.tar.gz").write_bytes(official_files.tar_gz(members))
    with pytest.raises(UserError, match=r"1 photos of test are missing, such as \['edamame/200'\]"):
        official_files.found("food101", tmp_path).parts()


def test_har_channels_units_and_volunteers(tmp_path):
    official_files.write_har(tmp_path, (9, 128))
    parts = official_files.found("har_windows", tmp_path).parts()
    assert parts.classes == ("WALKING", "SITTING")
    assert parts.train.group.tolist() == [1, 1, 3, 3, 5, 5]
    assert parts.train.y.tolist() == [0, 1, 0, 1, 0, 1]
    row, channel, time = np.meshgrid(range(6), range(9), range(128), indexing="ij")
    np.testing.assert_allclose(parts.train.x, 10 * channel + row + time / 1000, rtol=1e-6)
    features = official_files.found("har_features", tmp_path).parts()
    np.testing.assert_allclose(features.test.x[1], 1 + np.arange(561) / 1000, rtol=1e-6)
    bare = tmp_path / BARE.name
    bare.write_bytes(official_files.har_zip(official_files.har_texts(), wrapped=False))
    alone = HarWindows().editions()[1].read((bare,), First())
    np.testing.assert_array_equal(alone.train.x, parts.train.x)


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        ("train/y_train.txt", b"1\n2\n1\n2\n1\n7\n", r"in train sample 5 has label 6"),
        ("train/y_train.txt", b"1\n2\n", r"labels of train are \(2,\) int64, not 6 whole numbers"),
        ("test/subject_test.txt", b"2\nx\n", r"UCI HAR Dataset/test/subject_test.txt: invalid literal"),
        ("train/Inertial Signals/body_acc_y_train.txt", b" 1.0 2.0\n", r"body_acc_y_train.txt: has 2 columns, not 128"),
        ("train/Inertial Signals/total_acc_z_train.txt", b" 1.0" * 128 + b"\n", r"different numbers of windows"),
        ("test/Inertial Signals/body_gyro_x_test.txt", (b" nan" * 128 + b"\n") * 2, r"a number that is not finite"),
        ("activity_labels.txt", b"1 WALKING\n3 SITTING\n", r"numbers its activities \[1, 3\], not from 1 on"),
    ],
)
def test_a_wrong_text_is_named(tmp_path, name, content, words):
    texts = official_files.har_texts() | {name: content}
    (tmp_path / "human+activity+recognition+using+smartphones.zip").write_bytes(official_files.har_zip(texts))
    with pytest.raises(UserError, match=words):
        official_files.found("har_windows", tmp_path).parts()


def test_a_missing_text_is_named(tmp_path):
    texts = official_files.har_texts()
    del texts["test/Inertial Signals/total_acc_x_test.txt"]
    (tmp_path / "human+activity+recognition+using+smartphones.zip").write_bytes(official_files.har_zip(texts))
    with pytest.raises(UserError, match=r"total_acc_x_test\.txt.* is missing"):
        official_files.found("har_windows", tmp_path).parts()


@pytest.mark.parametrize("size", [(64, 64), (200, 64), (64, 200), (333, 129), (20, 31), (1, 900)])
def test_photos_of_any_shape_become_squares(size):
    pixels = decoded(official_files.jpeg(77, size), 64)
    assert pixels.shape == (64, 64, 3)
    assert np.abs(pixels.astype(int) - 77).max() <= 2
    assert decoded(official_files.jpeg(77, size), 64, grey=True).shape == (64, 64, 1)


def test_the_middle_is_cut_out():
    picture = np.zeros((40, 120, 3), np.uint8)
    picture[:, 40:80] = 255
    stream = io.BytesIO()
    Image.fromarray(picture).save(stream, "PNG")
    assert decoded(stream.getvalue(), 40).min() == 255


@pytest.mark.parametrize("side", [0, -3, 3, 1025, 2.5, "64"])
def test_sides_out_of_range(side):
    with pytest.raises(UserError, match=re.escape(f"side is {side!r}: images have 4 to 1024 pixels a side")):
        Flowers102(side=side)


def test_another_side_has_no_compact_edition():
    assert [edition.source for edition in Flowers102(side=32).editions()] == ["official files"]


def test_members_of_an_archive_that_is_not_there(tmp_path):
    with pytest.raises(ValueError, match=r"x\.tar: No such file"):
        list(files_in(tmp_path / "x.tar", lambda _: True))
