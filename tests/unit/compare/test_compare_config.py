"""A configuration is checked whole before anything runs."""

from pathlib import Path

import pytest

from tinyprop.bench.compare.config import load_config
from tinyprop.bench.compare_command import DEFAULT
from tinyprop.errors import UserError
from tinyprop.methods import METHODS, SparseUpdate, method_named

GOOD = """
seeds = 2
[scenarios]
digits_rotated = ["mlp"]
[rates]
mlp = 0.05
[variants.full]
method = "full"
[variants.last]
method = "full"
trainable = "last_layer"
"""


def written(folder: Path, text: str) -> Path:
    path = folder / "compare.toml"
    path.write_text(text)
    return path


def test_cells_come_seed_by_seed(tmp_path):
    cells = load_config(written(tmp_path, GOOD + "[rates_of.last]\nmlp = 0.1\n")).cells()
    assert [(cell.seed, cell.variant, cell.rate) for cell in cells] == [
        (0, "full", 0.05),
        (0, "last", 0.1),
        (1, "full", 0.05),
        (1, "last", 0.1),
    ]
    assert len({cell.key for cell in cells}) == 4
    assert len({cell.pretraining for cell in cells}) == 2


def test_layers_that_were_chosen_are_settings_like_others(tmp_path):
    chosen = '[variants.chosen]\nmethod = "sparse_update"\nsettings = { weights = 5, biases = 2 }\n'
    variant = load_config(written(tmp_path, GOOD + chosen)).variants["chosen"]
    assert method_named(variant.method, **variant.settings) == SparseUpdate(weights=5, biases=2)


def test_the_one_that_is_shipped_compares_what_the_report_needs():
    config = load_config(DEFAULT)
    not_yet = {"memorised_top_k", "sparse_update", "tiny_train"}
    assert {*METHODS, "last_layer"} - not_yet == set(config.variants)
    assert config.seeds == 10


@pytest.mark.parametrize(
    ("old", "new", "sentence"),
    [
        ("digits_rotated", "digits_rotatet", "unknown scenario 'digits_rotatet': did you mean 'digits_rotated'"),
        ('["mlp"]', '["mpl"]', "unknown network of scenario 'digits_rotated' 'mpl': did you mean 'mlp'"),
        ("mlp = 0.05", "cnn = 0.05", "network 'mlp' has no learning rate: add it to .rates."),
        ('method = "full"\n[', 'method = "fall"\n[', "unknown method 'fall': did you mean 'full'"),
        ('"last_layer"', '"last_lair"', "unknown word for what trains 'last_lair'"),
        ("seeds = 2\n", "seeds = 2\nrates_of = { lest = { mlp = 1.0 } }\n", "unknown variant in rates_of 'lest'"),
        (
            'method = "full"\n[',
            'method = "full"\nstore = { capacity = 9, latent = true }\n[',
            "latents need layers that are frozen: name what trains",
        ),
        ("seeds = 2", "seeds = 0", "seeds is 0: choose 1 or more"),
        ("seeds = 2", "sedes = 2", "unknown field `sedes`"),
        ("seeds = 2", 'seeds = "two"', "Expected `int`, got `str`"),
        ("seeds = 2", "seeds = ", "is no configuration of a comparison"),
    ],
)
def test_what_it_cannot_be_is_said(tmp_path, old, new, sentence):
    assert old in GOOD
    with pytest.raises(UserError, match=sentence):
        load_config(written(tmp_path, GOOD.replace(old, new, 1)))


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(UserError, match="cannot be read"):
        load_config(tmp_path / "none.toml")


def fragment(folder: Path, name: str, text: str) -> Path:
    path = folder / name
    path.write_text(text)
    return path


def test_what_was_tuned_takes_the_place_of_what_the_file_says(tmp_path):
    path = written(tmp_path, GOOD + "[rates_of.last]\nmlp = 0.1\n")
    ours = fragment(tmp_path, "a.toml", "[variants.full]\nmethod = 'ours'\n[rates_of.full]\nmlp = 0.3\ncnn = 0.4\n")
    config = load_config(path, [ours])
    assert config.variants["full"].method == "ours"
    assert {(cell.variant, cell.rate) for cell in config.cells()} == {("full", 0.3), ("last", 0.1)}


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("[variants.full]\nmethod = 'full_zero_skip'\n", "gives variant 'full' other settings than a file before it"),
        ("[rates_of.full]\nmlp = 0.2\n", "gives 'mlp' another rate of 'full' than a file before it"),
        ("[rates_of.fill]\nmlp = 0.2\n", "unknown variant in rates_of 'fill': did you mean 'full'"),
        ("seeds = 3\n", "is no file of `tinyprop tune`: Object contains unknown field `seeds`"),
    ],
)
def test_files_of_tune_that_do_not_fit_are_named(tmp_path, text, sentence):
    first = fragment(tmp_path, "a.toml", "[variants.full]\nmethod = 'ours'\n[rates_of.full]\nmlp = 0.3\n")
    with pytest.raises(UserError, match=sentence):
        load_config(written(tmp_path, GOOD), [first, fragment(tmp_path, "b.toml", text)])
