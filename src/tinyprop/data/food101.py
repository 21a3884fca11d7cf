"""Food-101: 101,000 photos of 101 dishes (Bossard, Guillaumin, Van Gool, ECCV 2014).

Address: the authors'. Size and hash: those that TensorFlow Datasets checks against (url_checksums/food101.txt). The
training part is noisy by design, as its authors say.
"""

import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import ClassVar

import numpy as np

from tinyprop.data.archive import files_in
from tinyprop.data.compact import read_jpegs
from tinyprop.data.damage import named
from tinyprop.data.images import channels_first, decoded, require_side, signed
from tinyprop.data.loader import COMPACT, OFFICIAL, DataFile, Edition, First, Loader, Parts
from tinyprop.data.samples import LISTED, Samples
from tinyprop.errors import UserError

ARCHIVE = DataFile(
    "food-101.tar.gz",
    "http://data.vision.ee.ethz.ch/cvl/food-101.tar.gz",
    "d97d15e438b7f4498f96086a4f7e2fa42a32f2712e87d3295441b2b6314053a4",
    4_996_278_331,
)
TEN = (
    *("apple_pie", "caesar_salad", "donuts", "edamame", "french_fries"),
    *("hamburger", "ice_cream", "pizza", "steak", "sushi"),
)
COMPACT_SIDE = 64


@dataclass(frozen=True)
class Food101(Loader):
    """x (N, 3, side, side) in −1 … 1.

    classes: which dishes, in the order of their labels; None: all 101, in the order of the official list (5 GB as
    float32 at 64 × 64). side: pixels; the shorter side is brought to it (Lanczos) and the middle cut out.
    """

    name: ClassVar[str] = "food101"
    title: ClassVar[str] = "Food-101"
    summary: ClassVar[str] = "1,000 photos of each of 101 dishes; ten of them unless `classes` names others"

    classes: tuple[str, ...] | None = TEN
    side: int = COMPACT_SIDE

    def __post_init__(self) -> None:
        require_side(self.side)
        if self.classes is None:
            return
        object.__setattr__(self, "classes", tuple(self.classes))
        if len(set(self.classes)) != len(self.classes) or len(self.classes) < 2:
            raise UserError(f"classes are {list(self.classes)}: name at least two dishes, each once.")

    def editions(self) -> tuple[Edition, ...]:
        """The archive; ten dishes at 64×64."""
        which = "101 dishes" if self.classes is None else f"{len(self.classes)} of 101 dishes"
        summary = f"photos of food, {which}, {self.side}×{self.side}, official split"
        name = self._filed_as()
        title = f"{self.title}, {which}"
        read = partial(read_official, classes=self.classes, side=self.side)
        holds = "images/<class>/<id>.jpg, meta/classes.txt, meta/train.txt and meta/test.txt, below food-101/"
        whole = Edition(OFFICIAL, name, title, summary, self.name, (ARCHIVE,), holds, read, kept_as=repr(self))
        if (self.classes, self.side) != (TEN, COMPACT_SIDE):
            return (whole,)
        arrays = "jpeg_train, offsets_train, y_train and the same for test, and classes, images 64×64"
        shrunk = f"{summary}; a few photos missing, shrunk by an unknown method"
        files = (DataFile("food10_64_full_jpeg.npz"),)
        return (
            whole,
            Edition(
                COMPACT, name, f"{title}, JPEG copies", shrunk, "food", files, arrays, read_compact, kept_as=repr(self)
            ),
        )

    def _filed_as(self) -> str:
        """Results on other dishes are other results."""
        if self.classes is None:
            return self.name
        chosen = "" if self.classes == TEN else f"_{zlib.crc32(','.join(self.classes).encode()):08x}"
        return f"food{len(self.classes)}{chosen}"


def read_official(paths: tuple[Path, ...], first: First, *, classes: tuple[str, ...] | None, side: int) -> Parts:
    """One pass over the archive: its lists come after its photos, so all are decoded before the parts are known."""
    archive = paths[0]
    photos, lists = _members(archive, classes, side)
    known = _list(archive, lists, "classes")
    if classes is not None and not set(classes) <= set(known):
        raise UserError(f"Food-101 has no class {sorted(set(classes) - set(known))}: it has {', '.join(known)}.")
    chosen = tuple(known) if classes is None else classes
    label = {name: index for index, name in enumerate(chosen)}

    def part(name: str, count: int | None) -> Samples:
        ids = [one for one in _list(archive, lists, name) if one.partition("/")[0] in label][:count]
        missing = [one for one in ids if one not in photos]
        if missing:
            raise ValueError(
                f"{archive.name}: {len(missing):,} photos of {name} are missing, such as {missing[:LISTED]}"
            )
        images = [photos[one] for one in ids] or np.empty((0, side, side, 3), np.uint8)
        y = np.array([label[one.partition("/")[0]] for one in ids], np.int64)
        return Samples(signed(channels_first(images)), y)

    return Parts(part("train", first.train), part("test", first.test), chosen)


def read_compact(paths: tuple[Path, ...], first: First) -> Parts:
    """JPEG files, joined."""
    return read_jpegs(paths[0], first, COMPACT_SIDE)


def _members(
    archive: Path, classes: tuple[str, ...] | None, side: int
) -> tuple[Mapping[str, np.ndarray], Mapping[str, bytes]]:
    """Photos by "<class>/<id>", lists by name."""
    photos, lists = {}, {}
    for member, content in files_in(archive, lambda name: name.endswith((".txt", ".jpg"))):
        _, kind, name = (*member.split("/", 2), "", "")[:3]
        if kind == "meta" and name.endswith(".txt"):
            lists[name.removesuffix(".txt")] = content
        elif kind == "images" and name.endswith(".jpg") and (classes is None or name.partition("/")[0] in classes):
            with named(f"{archive.name}: {member}"):
                photos[name.removesuffix(".jpg")] = decoded(content, side)
    return photos, lists


def _list(archive: Path, lists: Mapping[str, bytes], name: str) -> list[str]:
    with named(f"{archive.name}: meta/{name}.txt"):
        return lists[name].decode("utf-8").split()
