"""The layers of a network as a method counts them: by how many lie above."""

from typing import Any

import numpy as np

from tinyprop.errors import UserError
from tinyprop.ir.differentiate import layer_infos
from tinyprop.methods import Full, LayerInfo
from tinyprop.methods.chosen_layers import MOST_CHOSEN
from tinyprop.methods.spec import depths
from tinyprop.surface import Network
from tinyprop.targets.samples import as_array

Places = dict[int, tuple[LayerInfo, ...]]


def places_of(network: Network, loss: str) -> Places:
    """p → the layers at that place below the output layer, p = 1 first; a layer and the norm that scales it are one.

    Raises UserError where there is none, and as `Network.train` does.
    """
    program = network.train(Full(), loss).train_program.program
    infos = tuple(info for info in layer_infos(program) if info.weight is not None)
    found: dict[int, list[LayerInfo]] = {}
    for info, p in zip(infos, depths(infos), strict=True):
        if 1 <= p <= MOST_CHOSEN:
            found.setdefault(p, []).append(info)
    if not found:
        raise UserError(f"'{network.program.name}' has no layer below its output layer: there is nothing to choose.")
    return {p: tuple(found[p]) for p in sorted(found)}


def names_at(places: Places, p: int) -> str:
    """What stands at place p, for people."""
    return " + ".join(info.name for info in places[p])


def checked_samples(x: Any, y: Any) -> tuple[np.ndarray, np.ndarray]:
    """x (N, …) and y (N, …) as arrays. Raises UserError where there is no sample, or not one truth for each."""
    samples, truths = as_array(x, "x"), np.asarray(y)
    if len(samples) == 0 or truths.shape[:1] != samples.shape[:1]:
        count = truths.shape[0] if truths.ndim else "no"
        raise UserError(f"x holds {len(samples)} samples and y {count} truths: pass one for each, and at least one.")
    return samples, truths


def require_budget(ram: int, least: int) -> None:
    """Raises UserError unless `least`, what the output layer alone takes, is within `ram` bytes."""
    if not ram >= least:
        raise UserError(
            f"a budget of {ram:,} bytes of RAM is too small: to train the output layer alone takes {least:,} bytes. "
            f"Give at least that."
        )
