"""The user's own data: what is given arrives, what is wrong is one sentence."""

import sys

import numpy as np
import pytest
import torch
from torch.utils.data import Dataset, IterableDataset, TensorDataset

import official_files
from tinyprop.data import from_arrays, from_image_folder, from_npz, from_torch_dataset, from_window_csv
from tinyprop.errors import UserError

X = np.arange(60, dtype=np.float32).reshape(20, 3)
Y = np.arange(20) % 2


def test_arrays_with_parts_drawn():
    data = from_arrays((X, Y))
    assert (data.source, data.classes, data.shape) == ("own", ("0", "1"), (3,))
    assert [len(part) for part in data.parts.values()] == [14, 2, 4]
    assert "test and validation drawn from train" in data.summary
    every = np.concatenate([part.x for part in data.parts.values()])
    np.testing.assert_array_equal(every[np.argsort(every[:, 0])], X)


def test_arrays_given_whole_are_not_touched():
    data = from_arrays(
        (X, Y), validation=(X[:2] + 100, [1, 0]), test=(X[:4] + 200, [0, 1, 0, 1]), classes=["off", "on"]
    )
    np.testing.assert_array_equal(data.train.x, X)
    np.testing.assert_array_equal(data.validation.x, X[:2] + 100)
    assert data.test.y.tolist() == [0, 1, 0, 1]
    assert data.classes == ("off", "on")


def test_groups_are_kept_apart_and_may_be_names():
    group = np.repeat(["anna", "ben", "cleo", "dan", "eve"], 4)
    data = from_arrays((X, Y, group))
    sets = [set(part.group.tolist()) for part in data.parts.values()]
    assert sum(map(len, sets)) == len(set.union(*sets)) == 5


def test_labels_as_text_and_targets():
    data = from_arrays((X, np.array(["walk", "sit"])[Y]))
    assert data.classes == ("sit", "walk")
    assert sorted(data.train.y.tolist()).count(1) == 7
    targets = from_arrays((X, X * 2), targets=True)
    assert targets.classes == ()
    np.testing.assert_array_equal(targets.test.y, targets.test.x * 2)


@pytest.mark.parametrize(
    ("given", "words"),
    [
        (((np.where(X == 7, np.nan, X), Y),), r"own: train: x: sample 2 holds NaN or infinity \(1 such in all\)"),
        (((X, Y[:-1]),), r"own: train: x holds 20 samples and y 19"),
        (((X[:0], Y[:0]),), r"own: train is empty: give it samples"),
        (((X[:, 0], Y),), r"x is of shape \(20,\): a sample needs at least one axis"),
        (((X, Y + 0.5),), r"y holds float64: labels are whole numbers from 0 on, or text; .* targets=True"),
        (((X, Y * 2),), r"train has no sample of '1'"),
        (((X, Y - 1),), r"in train sample 0 has label -1"),
        (((X, np.stack([Y, Y], 1)),), r"y is \(20, 2\), labels are one a sample"),
        ((([["a"]], [0]),), r"own: train: x holds no array of numbers"),
        ((([[1], [1, 2]], [0, 1]),), r"own: train: x holds no array of numbers"),
        (((X, np.array([0] * 19 + [1])),), r"label 1 has a single sample"),
        (((X, Y, np.zeros(20)),), r"all samples are of one group"),
    ],
)
def test_arrays_that_are_no_data(given, words):
    with pytest.raises(UserError, match=words):
        from_arrays(*given)


def test_parts_that_do_not_fit_each_other():
    with pytest.raises(UserError, match=r"different shapes: train \(3,\)"):
        from_arrays((X, Y), test=(X[:, :2], Y))
    with pytest.raises(UserError, match=r"own: test: label 'run' is none of the classes sit, walk"):
        from_arrays((X, np.array(["walk", "sit"])[Y]), test=(X, ["run"] * 20), classes=["sit", "walk"])
    with pytest.raises(UserError, match=r"in test sample 0 has label 3"):
        from_arrays((X, Y), test=(X, Y + 3), classes=["a", "b"])
    with pytest.raises(UserError, match=r"train has groups, other parts have not"):
        from_arrays((X, Y, Y), test=(X, Y))


def test_npz(tmp_path):
    path, people = tmp_path / "mine.npz", np.arange(20) // 4
    np.savez(
        path, x_train=X, y_train=Y, group_train=people, x_test=X, y_test=Y, group_test=people + 9, classes=["a", "b"]
    )
    data = from_npz(path)
    assert (data.name, data.classes) == ("mine", ("a", "b"))
    assert data.test.group.tolist() == (people + 5).tolist()  # numbered on, in all parts
    np.savez(path, x_train=X, y_train=np.array([{}] * 20))
    with pytest.raises(UserError, match=r"'.*mine.npz' cannot be read as arrays .*allow_pickle"):
        from_npz(path)
    for arrays in ({"x": X, "y": Y}, {"x_train": X}, {"x_train": X, "y_train": Y, "x_test": X}, {}):
        np.savez(path, **arrays)
        with pytest.raises(UserError, match=r"holds .*: name the arrays x_train and y_train"):
            from_npz(path)
    path.write_bytes(b"junk")
    with pytest.raises(UserError, match=r"write it with numpy\.savez"):
        from_npz(path)
    with pytest.raises(UserError, match="No such file"):
        from_npz(tmp_path / "absent.npz")


@pytest.fixture
def pictures(tmp_path):
    for name, grey in (("cat", 30), ("dog", 220)):
        (tmp_path / "mine" / name).mkdir(parents=True)
        for index in range(5):
            (tmp_path / "mine" / name / f"{index}.jpg").write_bytes(official_files.jpeg(grey))
    return tmp_path / "mine"


def test_a_folder_of_images(pictures):
    (pictures / ".DS_Store").write_text("")
    (pictures / "cat" / ".hidden").write_text("")
    data = from_image_folder(pictures, side=16)
    assert (data.name, data.classes, data.shape) == ("mine", ("cat", "dog"), (3, 16, 16))
    assert sum(map(len, data.parts.values())) == 10
    for part in data.parts.values():
        np.testing.assert_allclose(part.x.mean(axis=(1, 2, 3)), np.array([30, 220])[part.y] / 127.5 - 1, atol=0.02)
    assert from_image_folder(pictures, side=8, grey=True).shape == (1, 8, 8)


def test_a_folder_with_parts(pictures, tmp_path):
    (tmp_path / "split").mkdir()
    pictures.rename(tmp_path / "split" / "train")
    for name in ("cat", "dog"):
        (tmp_path / "split" / "test" / name).mkdir(parents=True)
        (tmp_path / "split" / "test" / name / "a.jpg").write_bytes(official_files.jpeg(9))
    data = from_image_folder(tmp_path / "split", side=8)
    assert [len(part) for part in data.parts.values()] == [8, 2, 2]
    (tmp_path / "split" / "test" / "dog" / "a.jpg").unlink()
    with pytest.raises(UserError, match=r"split/test/dog' has no image of class 'dog'"):
        from_image_folder(tmp_path / "split", side=8)
    (tmp_path / "split" / "notes.txt").write_text("")
    with pytest.raises(UserError, match=r"holds train and also 'notes\.txt'"):
        from_image_folder(tmp_path / "split", side=8)


def test_folders_that_are_no_data(pictures, tmp_path):
    for index in range(3):
        (pictures / "dog" / f"broken{index}.png").write_bytes(official_files.jpeg(3)[: 100 + index])
    for index in range(5):
        (pictures / "cat" / f"notes{index}.txt").write_text("no picture")
    with pytest.raises(UserError, match=r"'cat/notes0\.txt': cannot be decoded.* and 3 more: replace or remove"):
        from_image_folder(pictures, side=8)
    for path in (*pictures.glob("*/broken*"), *pictures.glob("*/notes*")):
        path.unlink()
    (pictures / "bird").mkdir()
    with pytest.raises(UserError, match=r"mine/bird' has no image of class 'bird': add some, or remove the class"):
        from_image_folder(pictures, side=8)
    (pictures / "bird").rmdir()
    (pictures / "cat" / "more").mkdir()
    with pytest.raises(UserError, match=r"'cat/more': Is a directory"):
        from_image_folder(pictures, side=8)
    (pictures / "cat" / "more").rmdir()
    (pictures / "stray.jpg").write_bytes(official_files.jpeg(3))
    with pytest.raises(UserError, match=r"mine/stray\.jpg' is in no class"):
        from_image_folder(pictures, side=8)
    (tmp_path / "empty").mkdir()
    with pytest.raises(UserError, match=r"empty' holds no folder: put the images of each class"):
        from_image_folder(tmp_path / "empty", side=8)
    with pytest.raises(UserError, match=r"absent' is no folder"):
        from_image_folder(tmp_path / "absent", side=8)


def csv_file(tmp_path, header, rows):
    path = tmp_path / "windows.csv"
    path.write_text("\n".join([header, *rows]) + "\n")
    return path


def test_a_table_of_windows(tmp_path):
    header = "ay_0,label,ax_1,ax_0,ay_1,group"
    rows = [f"{i}.5,{'ab'[i % 2]},{i},{-i},1e2,{'uvwxyz'[i % 6]}" for i in range(24)]
    data = from_window_csv(csv_file(tmp_path, header, rows))
    assert (data.name, data.classes, data.shape) == ("windows", ("a", "b"), (2, 2))
    every = np.concatenate([part.x for part in data.parts.values()])
    by_number = every[np.argsort(every[:, 0, 0])]
    np.testing.assert_array_equal(by_number, [[[i + 0.5, 100], [-i, i]] for i in range(24)])  # ay came first


def test_a_table_of_features_with_its_own_parts(tmp_path):
    rows = [f"{part},{label},{i},2" for i, (part, label) in enumerate(
        (part, label) for part in ("train", "test", "validation") for label in "ab"
    )]  # fmt: skip
    data = from_window_csv(csv_file(tmp_path, "part,label,mean,deviation", rows))
    assert data.shape == (2,)
    assert [part.x[:, 0].tolist() for part in data.parts.values()] == [[0, 1], [4, 5], [2, 3]]


@pytest.mark.parametrize(
    ("header", "rows", "words"),
    [
        ("label,a", ["x,1", "y,1,2"], r"line 3: 3 fields, the first row names 2"),
        ("label,a", ["x,1", "y,"], r"line 3: 'a' is '', which is no number"),
        ("label,a", ["x,1", "y,north"], r"line 3: 'a' is 'north', which is no number"),
        ("label,a", ["x,1", "y,nan"] * 5, r"train: x: sample 1 holds NaN"),
        ("a,b", ["1,2"], r"has no 'label': name each column once"),
        ("label,a,a", ["x,1,2"], r"has 'a' twice"),
        ("label,group", ["x,1"], r"has no column of numbers beside label, group"),
        ("label,a_0,a_1,b", ["x,1,2,3"], r"column 'b' has no index, others have one, such as 'a_0'"),
        (
            "label,a_0,a_1,b_0",
            ["x,1,2,3"],
            r"channel 'b' has 1 columns, with indices 0 to 0: .* b_0 to b_1",
        ),
        ("label,a_1,a_2", ["x,1,2"], r"channel 'a' has 2 columns, with indices 1 to 2"),
        ("label,part,a", ["x,training,1"], r"column 'part' holds 'training': write train, validation, test"),
        ("label,part,a", ["x,test,1"], r"column 'part' holds 'no train'"),
        ("label,a", [], r"holds no sample"),
    ],
)
def test_tables_that_are_no_data(tmp_path, header, rows, words):
    with pytest.raises(UserError, match=words):
        from_window_csv(csv_file(tmp_path, header, rows))


def test_a_table_that_cannot_be_read(tmp_path):
    with pytest.raises(UserError, match="cannot be read as a CSV file"):
        from_window_csv(tmp_path / "absent.csv")
    (tmp_path / "binary.csv").write_bytes(b"\xff\xfe\x00label")
    with pytest.raises(UserError, match="cannot be read as a CSV file"):
        from_window_csv(tmp_path / "binary.csv")


def test_a_torch_dataset():
    x = torch.arange(120.0).reshape(20, 2, 3)
    data = from_torch_dataset(
        TensorDataset(x, torch.arange(20) % 2), test=TensorDataset(x[:4], torch.tensor([0, 1, 0, 1]))
    )
    np.testing.assert_array_equal(data.test.x, x[:4].numpy())
    assert data.train.y.dtype == np.int64
    assert [len(part) for part in data.parts.values()] == [18, 2, 4]


class Listed:
    """No torch in it; one item is at fault."""

    classes = ("off", "on")

    def __init__(self, items):
        self.items = items

    def __len__(self):
        return len(self.items)

    def __getitem__(self, index):
        item = self.items[index]
        if isinstance(item, Exception):
            raise item
        return item


def test_anything_with_a_length_and_an_index(monkeypatch):
    monkeypatch.setitem(sys.modules, "torch", None)
    data = from_torch_dataset(
        Listed([(x, int(y), f"person {i // 4}") for i, (x, y) in enumerate(zip(X, Y, strict=True))])
    )
    assert data.classes == ("off", "on")
    assert len(set(data.train.group.tolist())) == 3
    targets = from_torch_dataset(Listed([(x, x) for x in X]), targets=True)
    assert targets.classes == ()


class Endless(IterableDataset):
    def __iter__(self):
        return iter(())


@pytest.mark.parametrize(
    ("dataset", "words"),
    [
        (Endless(), "train is a Endless, without length or index: give a map-style Dataset"),
        (Listed([]), "train is empty"),
        (Listed([(X[0], 0), (X[0, :2], 1)]), r"item 1 has x of \(2,\) and y of \(\), item 0 \(3,\) and \(\)"),
        (Listed([(X[0], 0), X[0]]), r"item 1 cannot be read \(is ndarray, not \(x, y\) or \(x, y, group\)\)"),
        (Listed([(X[0], 0), KeyError("lost")]), r"item 1 cannot be read \('lost'\)"),
        (Listed([(X[0], 0), (X[0], 2)] * 5), r"labels are 0 to 1"),
    ],
)
def test_datasets_that_are_no_data(dataset, words):
    with pytest.raises(UserError, match=words):
        from_torch_dataset(dataset)


def test_a_dataset_that_needs_its_gradient_switched_off():
    class Learned(Dataset):
        def __len__(self):
            return 4

        def __getitem__(self, index):
            return torch.ones(3, requires_grad=True), index % 2

    with pytest.raises(UserError, match=r"item 0 cannot be read \(Can't call numpy"):
        from_torch_dataset(Learned())
