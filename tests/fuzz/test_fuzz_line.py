"""Whatever comes over the line, a device reads and writes its own memory only, and answers the next host."""

import re

import pytest

from tinyprop.ir.chain import chain
from tinyprop.ir.ops import Dense, ReLU
from tinyprop.surface import Network

NETWORK = Network(chain("fuzzed", (6,), (Dense(6, 5), ReLU(), Dense(5, 3))))
LINK = "engine/src/tp_link.c"


def sources(*changes):
    tree = NETWORK.train("ours").sources
    files = dict(tree.files)
    for path, old, new in (("engine/include/tp_link.h", "#define TP_LINK_PUSH 0", "#define TP_LINK_PUSH 1"), *changes):
        assert old in files[path]
        files[path] = files[path].replace(old, new)
    return type(tree)(tree.name, files, tree.sources, tree.include_dirs)


def test_any_line(fuzz):
    [runs] = re.findall(r"Done (\d+) runs", fuzz(sources(), "line"))
    assert int(runs) > 1000


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("!lies_within(offset / 4U, size / 4U, count)", "offset / 4U > count"),
        ("link->received < TP_LINK_FRAME_BYTES", "link->received < 2U * TP_LINK_FRAME_BYTES"),
        ("return offset <= whole && size <= whole - offset;", "return offset + size <= whole;"),
    ],
)
def test_a_step_outside_is_found(fuzz, old, new):
    with pytest.raises(AssertionError):
        fuzz(sources((LINK, old, new)), "line", searches=False)
