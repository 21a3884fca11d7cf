"""The benchmark's samples: MNIST where TINYPROP_DATA has it, digits elsewhere, and which it was."""

import numpy as np
import pytest

from tinyprop.bench.benchmark.config import NETWORKS, BenchConfig
from tinyprop.bench.benchmark.data import bench_data, find_mnist
from tinyprop.data import First
from tinyprop.errors import UserError

CONFIG = BenchConfig(mnist_pretrain=20, field_samples=10, mnist_validation=7, test_samples=5)


@pytest.fixture(autouse=True)
def no_mnist(tmp_path, monkeypatch):
    monkeypatch.delenv("TINYPROP_DATA", raising=False)
    monkeypatch.setenv("TINYPROP_CACHE", str(tmp_path / "cache"))


@pytest.fixture
def mnist(tmp_path, monkeypatch, no_mnist):
    """A file as the real one, of 40 images with a lit square in the middle."""
    images = np.zeros((40, 28, 28), np.uint8)
    images[:, 10:18, 10:18] = 255
    labels = (np.arange(40) % 10).astype(np.uint8)
    path = tmp_path / "mnist" / "mnist.npz"
    path.parent.mkdir()
    np.savez(path, x_train=images, y_train=labels, x_test=images[:10], y_test=labels[:10])
    monkeypatch.setenv("TINYPROP_DATA", str(tmp_path))
    return path


@pytest.mark.parametrize("name", NETWORKS)
def test_digits_are_scaled_to_the_network(name):
    data = bench_data(NETWORKS[name], CONFIG)
    side = NETWORKS[name].side
    assert data.name == "digits"
    assert len(data.field) == 10
    assert {part.x.shape[1:] for part in (data.pretrain, data.field, data.test)} == {(1, side, side)}
    assert (f"to {side}×{side}" in data.summary) == (side != 8)


@pytest.mark.parametrize("name", ["MLP-L", "CNN-S"])
def test_mnist_is_used_where_it_is(name, mnist):
    data = bench_data(NETWORKS[name], CONFIG)
    side = NETWORKS[name].side
    assert data.name == "mnist"
    assert data.summary.startswith("MNIST")
    assert [len(part) for part in (data.pretrain, data.field, data.validation, data.test)] == [20, 10, 7, 5]
    assert data.field.x.shape[1:] == (1, side, side)
    assert data.field.x.dtype == np.float32
    assert data.field.y.tolist() == list(range(10))  # those behind the pretrained ones


def test_the_small_network_stays_with_digits(mnist):
    assert bench_data(NETWORKS["MLP-S"], CONFIG).name == "digits"


def test_field_and_test_are_turned_and_black_stays_exactly_zero(mnist):
    data = bench_data(NETWORKS["MLP-L"], CONFIG)
    assert not np.allclose(data.pretrain.x[0], data.field.x[0])
    assert not np.allclose(data.pretrain.x[0], data.test.x[0])
    assert data.pretrain.x.max() == 1.0
    assert np.count_nonzero(data.field.x[0]) < 150


def test_a_folder_without_mnist_is_no_error(tmp_path, monkeypatch):
    monkeypatch.setenv("TINYPROP_DATA", str(tmp_path))
    assert find_mnist() is None


@pytest.mark.parametrize(
    "damage",
    [
        lambda path: path.write_bytes(b"nothing"),
        lambda path: path.write_bytes(path.read_bytes()[:-300]),
        lambda path: np.savez(path, x_train=np.zeros((2, 28, 28), np.uint8)),
        lambda path: np.savez(
            path, **{n: np.zeros((2, 8, 8), np.uint8) for n in ("x_train", "y_train", "x_test", "y_test")}
        ),
    ],
    ids=["no archive", "cut off", "an array is missing", "wrong shape"],
)
def test_a_damaged_file_is_one_sentence(mnist, damage):
    damage(mnist)
    with pytest.raises(UserError, match=r"cannot be read as MNIST .* unset TINYPROP_DATA"):
        find_mnist().parts(First(2, 2))
