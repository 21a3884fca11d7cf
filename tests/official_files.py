"""Tiny files in the format of each official distribution, and of the compact arrays, written with nothing of ours."""

import gzip
import io
import pickle
import struct
import tarfile
import wave
import zipfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import ClassVar

import numpy as np
from PIL import Image
from scipy import io as matlab

from tinyprop.data import DATA_SETS, Loader
from tinyprop.data.finding import Found
from tinyprop.data.food101 import Food101
from tinyprop.data.loader import COMPACT, OFFICIAL

RNG = np.random.default_rng(0)


@dataclass(frozen=True)
class Tiny:
    """How many samples were written to each part, and the shape one of them is to have."""

    counts: Mapping[str, int]
    shape: tuple[int, ...]
    classes: int


def found(name: str, folder: Path, source: str = OFFICIAL) -> Found:
    """The tiny files of a set, its hash taken at first use: they are not the official ones."""
    loader = LOADERS.get(name, DATA_SETS[name])()
    edition = next(edition for edition in loader.editions() if edition.source == source)
    files = tuple(replace(file, sha256=None, md5=None) for file in edition.files)
    return Found(replace(edition, files=files), tuple(folder / file.name for file in files))


def idx(array: np.ndarray) -> bytes:
    header = bytes([0, 0, 8, array.ndim]) + struct.pack(f">{array.ndim}I", *array.shape)
    return gzip.compress(header + array.tobytes(), mtime=0)


def write_mnist(folder: Path, labels: np.ndarray | None = None) -> Tiny:
    y_train = np.arange(40, dtype=np.uint8) % 10 if labels is None else labels
    y_test = np.arange(10, dtype=np.uint8)
    for prefix, y in (("train", y_train), ("t10k", y_test)):
        images = np.zeros((len(y), 28, 28), np.uint8)
        images[:, 0, 0], images[:, 27, 27] = y, 255
        (folder / f"{prefix}-images-idx3-ubyte.gz").write_bytes(idx(images))
        (folder / f"{prefix}-labels-idx1-ubyte.gz").write_bytes(idx(y))
    return Tiny({"train": 30, "validation": 10, "test": 10}, (1, 28, 28), 10)


class Python2Pickler(pickle._Pickler):  # the pure Python one: its dispatch can be changed
    """As Python 2 and NumPy 1 wrote the batches: text is a byte string, and NumPy's function has its old address."""

    dispatch: ClassVar[dict] = dict(pickle._Pickler.dispatch)

    def save_bytes(self, value: bytes) -> None:
        head = b"U" + bytes([len(value)]) if len(value) < 256 else b"T" + struct.pack("<i", len(value))
        self.write(head + value)
        self.memoize(value)

    dispatch[bytes] = save_bytes


def python2_pickle(value: object) -> bytes:
    stream = io.BytesIO()
    Python2Pickler(stream, protocol=2).dump(value)
    return stream.getvalue().replace(b"cnumpy._core.multiarray\n", b"cnumpy.core.multiarray\n")


def tar_gz(members: Mapping[str, bytes]) -> bytes:
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w:gz") as tar:
        for name, content in members.items():
            member = tarfile.TarInfo(name)
            member.size = len(content)
            tar.addfile(member, io.BytesIO(content))
    return stream.getvalue()


def cifar10_members(fault: Callable[[dict], None] | None = None) -> dict[str, bytes]:
    members = {}
    for number, name in enumerate((*(f"data_batch_{i}" for i in range(1, 6)), "test_batch")):
        data = np.full((10, 3072), number, np.uint8)
        data[:, 0], data[:, 1024], data[:, 3071] = 255, 100, np.arange(10)
        batch = {
            b"batch_label": name.encode(),
            b"labels": list(range(10)),
            b"data": data,
            b"filenames": [b"x"] * 10,
        }
        if fault is not None and name == "data_batch_3":
            fault(batch)
        members[f"cifar-10-batches-py/{name}"] = python2_pickle(batch)
    names = [f"class {i}".encode() for i in range(10)]
    members["cifar-10-batches-py/batches.meta"] = python2_pickle({b"num_cases_per_batch": 10, b"label_names": names})
    members["cifar-10-batches-py/readme.html"] = b"<html></html>"
    return members


def write_cifar10(folder: Path) -> Tiny:
    (folder / "cifar-10-python.tar.gz").write_bytes(tar_gz(cifar10_members()))
    return Tiny({"train": 40, "validation": 10, "test": 10}, (3, 32, 32), 10)


def write_cifar100(folder: Path) -> Tiny:
    members = {}
    for name, copies in (("train", 3), ("test", 1)):
        fine = list(range(100)) * copies
        data = RNG.integers(0, 256, (len(fine), 3072)).astype(np.uint8)
        batch = {b"fine_labels": fine, b"coarse_labels": [f // 5 for f in fine], b"data": data, b"batch_label": b"all"}
        members[f"cifar-100-python/{name}"] = python2_pickle(batch)
    fine_names = [f"fine {i}".encode() for i in range(100)]
    members["cifar-100-python/meta"] = python2_pickle({b"fine_label_names": fine_names, b"coarse_label_names": [b"c"]})
    (folder / "cifar-100-python.tar.gz").write_bytes(tar_gz(members))
    return Tiny({"train": 200, "validation": 100, "test": 100}, (3, 32, 32), 100)


def jpeg(grey: int, size: tuple[int, int] = (80, 70)) -> bytes:
    stream = io.BytesIO()
    Image.new("RGB", size, (grey, grey, grey)).save(stream, "JPEG")
    return stream.getvalue()


def write_flowers(folder: Path) -> Tiny:
    labels = np.tile(np.arange(1, 103), 3).astype(np.uint8)[None]
    members = {f"jpg/image_{i:05d}.jpg": jpeg(int(labels[0, i - 1])) for i in range(1, 307)}
    (folder / "102flowers.tgz").write_bytes(tar_gz({"jpg": b"", **members}))
    matlab.savemat(folder / "imagelabels.mat", {"labels": labels})
    ids = np.arange(1, 307, dtype=np.uint16).reshape(3, 102)
    matlab.savemat(folder / "setid.mat", {"trnid": ids[:1], "valid": ids[1:2], "tstid": ids[2:]})
    return Tiny({"train": 102, "validation": 102, "test": 102}, (3, 64, 64), 102)


DISHES = ("pizza", "edamame")


def food_members() -> dict[str, bytes]:
    ids = {part: [f"{dish}/{start + i}" for dish in ("edamame", "pizza", "ramen") for i in range(count)]
           for part, start, count in (("train", 100, 5), ("test", 200, 2))}  # fmt: skip
    members = {f"food-101/images/{one}.jpg": jpeg(9, (70, 90)) for part in ids.values() for one in part}
    members["food-101/README.txt"] = b"Food-101"
    members |= {f"food-101/meta/{part}.txt": "\n".join(listed).encode() + b"\n" for part, listed in ids.items()}
    return members | {"food-101/meta/classes.txt": b"edamame\npizza\nramen\n"}


def write_food(folder: Path) -> Tiny:
    (folder / "food-101.tar.gz").write_bytes(tar_gz(food_members()))
    return Tiny({"train": 8, "validation": 2, "test": 4}, (3, 64, 64), 2)


def har_texts() -> dict[str, bytes]:
    texts = {"activity_labels.txt": b"1 WALKING\n2 SITTING\n", "features.txt": b"1 tBodyAcc-mean()-X\n"}
    kinds = [f"{kind}_{axis}" for kind in ("body_acc", "body_gyro", "total_acc") for axis in "xyz"]
    for part, volunteers in (("train", (1, 1, 3, 3, 5, 5)), ("test", (2, 2))):
        rows = len(volunteers)

        def table(first: float, columns: int, rows: int = rows) -> bytes:
            values = [[first + row + column / 1000 for column in range(columns)] for row in range(rows)]
            return "".join("".join(f" {value: .7e}" for value in line) + "\n" for line in values).encode()

        texts[f"{part}/X_{part}.txt"] = table(0, 561)
        texts[f"{part}/y_{part}.txt"] = b"1\n2\n" * (rows // 2)
        texts[f"{part}/subject_{part}.txt"] = "".join(f"{one}\n" for one in volunteers).encode()
        for number, kind in enumerate(kinds):
            texts[f"{part}/Inertial Signals/{kind}_{part}.txt"] = table(10 * number, 128)
    return texts


def har_zip(texts: Mapping[str, bytes], *, wrapped: bool = True) -> bytes:
    def zipped(files: Mapping[str, bytes]) -> bytes:
        stream = io.BytesIO()
        with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as archive:
            for name, content in files.items():
                archive.writestr(name, content)
        return stream.getvalue()

    inner = zipped({f"UCI HAR Dataset/{name}": content for name, content in texts.items()})
    return zipped({"UCI HAR Dataset.names": b"x", "UCI HAR Dataset.zip": inner}) if wrapped else inner


def write_har(folder: Path, shape: tuple[int, ...]) -> Tiny:
    (folder / "human+activity+recognition+using+smartphones.zip").write_bytes(har_zip(har_texts()))
    return Tiny({"train": 4, "validation": 2, "test": 2}, shape, 2)


def wav(samples: np.ndarray, rate: int = 16000, channels: int = 1, width: int = 2) -> bytes:
    stream = io.BytesIO()
    with wave.open(stream, "wb") as file:
        file.setnchannels(channels)
        file.setsampwidth(width)
        file.setframerate(rate)
        file.writeframes(samples.astype("<i2").tobytes())
    return stream.getvalue()


WORDS = ("yes", "no", "up", "down", "left", "right", "on", "off", "stop", "go")
SPEAKERS_OF = {"train": ("0a7c2a8d", "1b88bf70", "2c6d3924"), "validation": ("3d86b69a",), "test": ("fe979690",)}


def speech_members() -> dict[str, bytes]:
    """Everybody says the ten words and 'bed'; each clip is noise of its own."""
    members, lists = {}, {"validation": [], "test": []}
    for part, speakers in SPEAKERS_OF.items():
        for word in (*WORDS, "bed"):
            for speaker in speakers:
                name = f"{word}/{speaker}_nohash_0.wav"
                noise = np.random.default_rng(len(members)).normal(0, 500, 16000)
                members[name] = wav(noise)
                lists.get(part, []).append(name)
    members["_background_noise_/hum.wav"] = wav(np.random.default_rng(9).normal(0, 50, 200_000))
    members["validation_list.txt"] = "\n".join(lists["validation"]).encode() + b"\n"
    members["testing_list.txt"] = "\n".join(lists["test"]).encode() + b"\n"
    return members | {"LICENSE": b"CC BY 4.0"}


def write_speech(folder: Path) -> Tiny:
    members = {f"./{name}": content for name, content in speech_members().items()}
    (folder / "speech_commands_v0.02.tar.gz").write_bytes(tar_gz(members))
    return Tiny({"train": 36, "validation": 12, "test": 12}, (1, 49, 10), 12)


def machine_members(machine: str = "ToyCar") -> dict[str, bytes]:
    """Two machines, three clips each to learn from, two normal ones and two anomalies to test; all noise."""
    members = {}
    kinds = (("train", "normal", 3), ("test", "normal", 2), ("test", "anomaly", 2))
    for number in (1, 4):
        for part, state, count in kinds:
            for take in range(count):
                noise = np.random.default_rng(len(members)).normal(0, 900, 3000)
                members[f"{machine}/{part}/{state}_id_{number:02}_{take:08}.wav"] = wav(noise)
    return members


def write_machines(folder: Path) -> Tiny:
    with zipfile.ZipFile(folder / "dev_data_ToyCar.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in machine_members().items():
            archive.writestr(name, content)
    return Tiny({"train": 4, "validation": 2, "test": 8}, (6, 128), 2)


# Every set that has official files is written here; a test fails for one that is not.
WRITERS: Mapping[str, Callable[[Path], Tiny]] = {
    "mnist": write_mnist,
    "cifar10": write_cifar10,
    "cifar100": write_cifar100,
    "flowers102": write_flowers,
    "food101": write_food,
    "har_windows": lambda folder: write_har(folder, (9, 128)),
    "har_features": lambda folder: write_har(folder, (561,)),
    "speech_commands": write_speech,
    "dcase2020": write_machines,
}
LOADERS: Mapping[str, Callable[[], Loader]] = {"food101": lambda: Food101(classes=DISHES)}


def compact_jpegs(classes: int, side: int, copies: int = 3) -> dict[str, np.ndarray]:
    arrays = {"classes": np.array([f"class {i}" for i in range(classes)])}
    for part, times in (("train", copies), ("test", 1)):
        files = [jpeg(i, (side, side)) for i in range(classes)] * times
        arrays[f"jpeg_{part}"] = np.frombuffer(b"".join(files), np.uint8)
        arrays[f"offsets_{part}"] = np.cumsum([0, *map(len, files)])
        arrays[f"y_{part}"] = np.tile(np.arange(classes, dtype=np.uint8), times)
    return arrays


def compact_har(x: Callable[[int], np.ndarray], **others: np.ndarray) -> dict[str, np.ndarray]:
    arrays = {"classes": np.array(["WALKING", "SITTING"]), **others}
    for part, volunteers in (("train", (1, 1, 3, 3, 5, 5)), ("test", (2, 2))):
        arrays[f"x_{part}"] = x(len(volunteers))
        arrays[f"y_{part}"] = np.arange(len(volunteers), dtype=np.uint8) % 2
        arrays[f"subject_{part}"] = np.array(volunteers, np.uint8)
    return arrays


SPEAKERS = {"train": ("0a7c2a8d", "1b88bf70", "2c6d3924"), "test": ("fe979690",)}


def compact_speech(kind: str) -> dict[str, np.ndarray]:
    """Everybody says yes and no twice, and keeps silent twice; each clip holds its own number."""
    arrays = {"classes": np.array(["_silence_", "yes", "no"])}
    scale = {"logmel_min": np.float32(-13.8), "logmel_step": np.float32(0.5)}
    for part, speakers in SPEAKERS.items():
        silent = [f"sil_{len(part)}{i}.wav" for i in range(2 * len(speakers))]
        who = [*silent, *(one for one in speakers for _ in range(4))]
        arrays[f"speaker_{part}"] = np.array(who)
        arrays[f"y_{part}"] = np.array([0] * len(silent) + [1, 1, 2, 2] * len(speakers), np.uint8)
        numbers, shape = np.arange(len(who)), (len(who), 49, {"mfcc": 10, "logmel": 40}[kind])
        x = np.broadcast_to(numbers[:, None, None], shape)
        arrays[f"{kind}_{part}"] = x.astype(np.float16 if kind == "mfcc" else np.uint8)
    return arrays | (scale if kind == "logmel" else {})


def compact_mnist() -> dict[str, np.ndarray]:
    y = np.arange(40, dtype=np.uint8) % 10
    images = np.zeros((40, 28, 28), np.uint8) + y[:, None, None]
    return {"x_train": images, "y_train": y, "x_test": images[:10], "y_test": y[:10]}


COMPACT_ARRAYS: Mapping[str, Callable[[], dict[str, np.ndarray]]] = {
    "mnist": compact_mnist,
    "cifar10": lambda: compact_jpegs(10, 32),
    "cifar100": lambda: compact_jpegs(100, 32),
    "flowers102": lambda: compact_jpegs(89, 64),
    "food101": lambda: compact_jpegs(10, 64),
    "har_windows": lambda: compact_har(
        lambda rows: RNG.integers(-9000, 9000, (rows, 128, 9)).astype(np.int16), scale=np.full(9, 4096, np.float32)
    ),
    "har_features": lambda: compact_har(lambda rows: np.zeros((rows, 265), np.float32)),
    "speech_commands": lambda: compact_speech("mfcc"),
}


def write_compact(name: str, folder: Path, arrays: dict[str, np.ndarray] | None = None) -> Path:
    """The compact file of a set below `folder`, as TINYPROP_DATA would name it."""
    edition = next(edition for edition in DATA_SETS[name]().editions() if edition.source == COMPACT)
    path = folder / edition.folder / edition.files[0].name
    path.parent.mkdir(parents=True, exist_ok=True)
    np.savez(path, **(COMPACT_ARRAYS[name]() if arrays is None else arrays))
    return path
