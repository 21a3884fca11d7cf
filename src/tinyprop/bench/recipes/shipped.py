"""Weights that a recipe leads to, kept in the cache by a hash of all that went into them."""

import hashlib
from collections.abc import Callable
from dataclasses import MISSING, fields, replace
from functools import lru_cache
from pathlib import Path

import msgspec
import torch
from torch import nn

from tinyprop.bench.atomic_file import write_whole
from tinyprop.bench.compare.task import scaling
from tinyprop.bench.compare.weights_file import read_weights, weights_file
from tinyprop.bench.pretraining import weights_of
from tinyprop.bench.recipes.recipe import Recipe
from tinyprop.bench.recipes.table import RECIPES
from tinyprop.bench.recipes.training import VERSION, Report, silent, trained
from tinyprop.cache import cache_folder
from tinyprop.data import DataSet, Samples, load

# Left out of the hash, so that a setting that is added later leaves what was trained without it valid.
DEFAULTS = {field.name: field.default for field in fields(Recipe) if field.default is not MISSING}


def shipped(
    recipe: Recipe,
    make: Callable[[], nn.Module],
    samples: Samples,
    *,
    epochs: int,
    seed: int,
    report: Report = silent,
) -> Path:
    """The file of weights of `trained`; made when it is missing. report: told (epochs done, in all)."""
    start = None if recipe.start is None else shipped_by_name(recipe.start, seed=0)
    content = hashlib.sha256(samples.x.tobytes() + samples.y.tobytes())
    settings = {name: value for name, value in recipe.settings.items() if value != DEFAULTS.get(name)}
    made = {
        "epochs": epochs,
        "seed": seed,
        "network": repr(make()),
        "torch": str(torch.__version__),
        "trained_as": VERSION,
    }
    content.update(
        msgspec.json.encode({**settings, **made}, order="sorted") + (b"" if start is None else start.stem.encode())
    )
    path = cache_folder() / "pretrained" / f"{content.hexdigest()}.npz"
    if not path.exists():
        weights = None if start is None else read_weights(start)
        module = trained(recipe, make, samples, epochs=epochs, seed=seed, start=weights, report=report)
        write_whole(path, weights_file(weights_of(module)))
    report(epochs, epochs)
    return path


def shipped_by_name(name: str, *, seed: int, report: Report = silent) -> Path:
    """The same of the recipe called `name` on its own data set's train. Raises UserError where that is not here."""
    recipe, data = RECIPES[name], recipe_data(name)
    return shipped(recipe, network_of(recipe, data), data.train, epochs=recipe.epochs, seed=seed, report=report)


def network_of(recipe: Recipe, data: DataSet) -> Callable[[], nn.Module]:
    """Makes its network for the classes and samples of `data`, with fresh weights."""
    return lambda: recipe.make(len(data.classes), data.shape)


@lru_cache(maxsize=1)
def recipe_data(name: str) -> DataSet:
    """The data set of a recipe, scaled as it says. Raises UserError where it is not here."""
    recipe = RECIPES[name]
    data = load(recipe.dataset)
    if not recipe.scaled_over:
        return data
    change = scaling(data.train, recipe.scaled_over)
    return replace(data, train=change(data.train), validation=change(data.validation), test=change(data.test))
