"""Oxford 102 Flowers: 8,189 photos of 102 species (Nilsback and Zisserman, ICVGIP 2008).

Addresses: the authors'. Sizes and hashes are those that TensorFlow Datasets checks against
(url_checksums/oxford_flowers102.txt); the names of the species stand on the authors' page, in no file.
"""

from dataclasses import dataclass
from functools import partial
from io import BytesIO
from pathlib import Path
from typing import Any, ClassVar

import numpy as np

from tinyprop.data.archive import files_in
from tinyprop.data.compact import read_jpegs
from tinyprop.data.damage import named
from tinyprop.data.extra import required
from tinyprop.data.images import channels_first, decoded, require_side, signed
from tinyprop.data.loader import COMPACT, OFFICIAL, DataFile, Edition, First, Loader, Parts
from tinyprop.data.samples import LISTED, Samples

PAGE = "https://www.robots.ox.ac.uk/~vgg/data/flowers/102/"
FILES = tuple(
    DataFile(name, PAGE + name, sha256, size)
    for name, sha256, size in (
        ("102flowers.tgz", "2d01ecc807db462958cfe3d92f57a8c252b4abd240eb955770201e45f783b246", 344_862_509),
        ("imagelabels.mat", "4903e94206bac23bf772aadf06451916df56b58fc483a62db32a97b82656651d", 502),
        ("setid.mat", "46b8678f91fd95d3c8f4feab80d271a6c834a1dd896fe29fd3e6ad9ce5c8dccd", 14_989),
    )
)
COMPACT_SIDE = 64
# Label 1 first.
SPECIES = """
    pink primrose, hard-leaved pocket orchid, canterbury bells, sweet pea, english marigold, tiger lily, moon
    orchid, bird of paradise, monkshood, globe thistle, snapdragon, colt's foot, king protea, spear thistle,
    yellow iris, globe-flower, purple coneflower, peruvian lily, balloon flower, giant white arum lily, fire
    lily, pincushion flower, fritillary, red ginger, grape hyacinth, corn poppy, prince of wales feathers,
    stemless gentian, artichoke, sweet william, carnation, garden phlox, love in the mist, mexican aster, alpine
    sea holly, ruby-lipped cattleya, cape flower, great masterwort, siam tulip, lenten rose, barbeton daisy,
    daffodil, sword lily, poinsettia, bolero deep blue, wallflower, marigold, buttercup, oxeye daisy, common
    dandelion, petunia, wild pansy, primula, sunflower, pelargonium, bishop of llandaff, gaura, geranium, orange
    dahlia, pink-yellow dahlia, cautleya spicata, japanese anemone, black-eyed susan, silverbush, californian
    poppy, osteospermum, spring crocus, bearded iris, windflower, tree poppy, gazania, azalea, water lily, rose,
    thorn apple, morning glory, passion flower, lotus, toad lily, anthurium, frangipani, clematis, hibiscus,
    columbine, desert-rose, tree mallow, magnolia, cyclamen, watercress, canna lily, hippeastrum, bee balm, ball
    moss, foxglove, bougainvillea, camellia, mallow, mexican petunia, bromelia, blanket flower, trumpet creeper,
    blackberry lily
"""
CLASSES = tuple(" ".join(name.split()) for name in SPECIES.split(","))


@dataclass(frozen=True)
class Flowers102(Loader):
    """x (N, 3, side, side) in −1 … 1.

    side: pixels; the shorter side of each photo is brought to it (Lanczos) and the middle cut out.
    """

    name: ClassVar[str] = "flowers102"
    title: ClassVar[str] = "Oxford Flowers"
    summary: ClassVar[str] = "8,189 photos of flowers, 102 classes; the compact arrays hold 89 of them"

    side: int = COMPACT_SIDE

    def __post_init__(self) -> None:
        require_side(self.side)

    def editions(self) -> tuple[Edition, ...]:
        """The authors' three files; part of the photos at 64×64."""
        size = f"{self.side}×{self.side}"
        official = (self.name, "Oxford Flowers 102", f"flowers, {size}, official split", self.name)
        archive = "photos jpg/image_NNNNN.jpg, their labels and the lists trnid, valid and tstid"
        whole = Edition(OFFICIAL, *official, FILES, archive, partial(read_official, side=self.side), kept_as=repr(self))
        if self.side != COMPACT_SIDE:
            return (whole,)
        part = f"flowers, {size}, 89 of 102 classes, two thirds of the photos, in a split that is not the official one"
        compact = ("flowers89", "Oxford Flowers, 89 of 102 classes", part, "oxford_flowers")
        files = (DataFile("oxford89_64_jpeg.npz"),)
        arrays = "jpeg_train, offsets_train, y_train and the same for test, and classes, images 64×64"
        return (whole, Edition(COMPACT, *compact, files, arrays, read_compact, kept_as=repr(self)))


def read_official(paths: tuple[Path, ...], first: First, *, side: int) -> Parts:
    """The archive of photos, the labels, the lists; each part in the order of its list."""
    (labels,) = _matlab(paths[1], "labels")
    lists = dict(zip(("train", "validation", "test"), _matlab(paths[2], "trnid", "valid", "tstid"), strict=True))
    lists["train"], lists["test"] = lists["train"][: first.train], lists["test"][: first.test]
    wanted = set(np.concatenate(list(lists.values())).tolist())
    if wanted and (min(wanted) < 1 or max(wanted) > len(labels)):
        raise ValueError(f"{paths[2].name}: names a photo that {paths[1].name} has no label for")
    photos: dict[int, np.ndarray] = {}
    files = {f"jpg/image_{one:05d}.jpg": one for one in wanted}
    for member, content in files_in(paths[0], files.__contains__):
        with named(f"{paths[0].name}: {member}"):
            photos[files[member]] = decoded(content, side)
    missing = sorted(wanted - set(photos))
    if missing:
        raise ValueError(f"{paths[0].name}: {len(missing):,} photos are missing, such as {missing[:LISTED]}")

    def part(ids: np.ndarray) -> Samples:
        images = [photos[one] for one in ids.tolist()] or np.empty((0, side, side, 3), np.uint8)
        return Samples(signed(channels_first(images)), labels[ids - 1].astype(np.int64) - 1)

    return Parts(part(lists["train"]), part(lists["test"]), CLASSES, part(lists["validation"]))


def read_compact(paths: tuple[Path, ...], first: First) -> Parts:
    """JPEG files, joined."""
    return read_jpegs(paths[0], first, COMPACT_SIDE)


def _matlab(path: Path, *names: str) -> list[np.ndarray]:
    """Rows of whole numbers of a .mat file, each (N,) int64."""
    reader: Any = required("scipy.io", "SciPy", "reading MATLAB files")
    with named(path.name):
        # SciPy's own exception for damaged files derives from Exception only.
        try:
            content = reader.loadmat(BytesIO(path.read_bytes()))
        except reader.matlab.MatReadError as error:
            raise ValueError(str(error)) from error
        rows = [np.ravel(content[name]) for name in names]
        if any(row.dtype.kind not in "iu" for row in rows):
            raise ValueError("holds no whole numbers")
        return [row.astype(np.int64) for row in rows]
