"""The real compact arrays, where TINYPROP_DATA names them: counts and shapes as their source states."""

import os

import numpy as np
import pytest

from tinyprop.data import find, load, loader_named
from tinyprop.data.flowers102 import CLASSES, Flowers102
from tinyprop.data.loader import COMPACT

# filed as, shape, classes, train and validation, test, volunteers of train and test
EXPECTED = {
    "mnist": ("mnist", (1, 28, 28), 10, 60_000, 10_000),
    "cifar10": ("cifar10", (3, 32, 32), 10, 50_000, 10_000),
    "cifar100": ("tinyimagenet32", (3, 32, 32), 100, 50_000, 5_000),
    "flowers102": ("flowers89", (3, 64, 64), 89, 4_433, 1_108),
    "food101": ("food10", (3, 64, 64), 10, 7_493, 2_500),
    "har_windows": ("har_windows", (9, 128), 6, 7_415, 2_996),
    "har_features": ("har_features", (265,), 6, 7_352, 2_947),
    "speech_commands": ("speech_commands_part", (1, 49, 10), 12, 3_832, 937),
}

pytestmark = pytest.mark.skipif(
    not os.environ.get("TINYPROP_DATA"), reason="real data: set TINYPROP_DATA to the folder of the compact arrays"
)


@pytest.mark.parametrize("name", EXPECTED)
def test_counts_and_shapes(name):
    if find(loader_named(name), COMPACT) is None:
        pytest.skip(f"TINYPROP_DATA has no compact arrays of {name}")
    data = load(name, source=COMPACT)
    filed_as, shape, classes, learned, test = EXPECTED[name]
    assert (data.name, data.shape, len(data.classes)) == (filed_as, shape, classes)
    assert len(data.train) + len(data.validation) == learned
    assert len(data.test) == test
    assert 0.09 < len(data.validation) / learned < 0.11
    assert data.stands_in_for == ("cifar100" if name == "cifar100" else None)
    assert ("stand-in for CIFAR-100, not CIFAR-100" in data.summary) == (name == "cifar100")
    if name.startswith("har"):
        volunteers = [set(samples.group.tolist()) for samples in data.parts.values()]
        assert (len(volunteers[0] | volunteers[1]), len(volunteers[2])) == (21, 9)
        assert len(set.union(*volunteers)) == 30


def test_the_names_of_flowers_are_those_of_the_official_labels():
    found = find(Flowers102(), COMPACT)
    if found is None:
        pytest.skip("TINYPROP_DATA has no compact arrays of flowers102")
    with np.load(found.paths[0], allow_pickle=False) as arrays:
        named = zip(arrays["oxford_label"], arrays["classes"], strict=True)
        pairs = [(CLASSES[label - 1], str(name)) for label, name in named]
    assert [pair for pair in pairs if pair[0] != pair[1]] == [("lotus", "lotus lotus")]


def test_speakers_of_speech_commands():
    if find(loader_named("speech_commands"), COMPACT) is None:
        pytest.skip("TINYPROP_DATA has no compact arrays of speech_commands")
    data = load("speech_commands", source=COMPACT)
    speakers = [set(part.group[part.group >= 0].tolist()) for part in data.parts.values()]
    assert sum(map(len, speakers)) == len(set.union(*speakers)) == 239
    for part in data.parts.values():
        np.testing.assert_array_equal(part.group < 0, part.y == data.classes.index("silence"))
    mel = load("speech_commands", features="log_mel")
    assert (mel.name, mel.shape) == ("speech_commands_part_log_mel", (1, 49, 40))
    np.testing.assert_array_equal(mel.train.group, data.train.group)
    # The first coefficient is the mean over the 40 bands, times the root of 40.
    np.testing.assert_allclose(mel.test.x.mean(axis=3) * np.sqrt(40), data.test.x[..., 0], atol=0.15)
