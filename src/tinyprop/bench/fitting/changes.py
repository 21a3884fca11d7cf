"""What to change so that a network fits a board: found by building it, what costs the learning least first."""

from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import replace

from tinyprop.bench.fitting.records import Change, Setup
from tinyprop.codegen.generate import SIZE
from tinyprop.errors import UserError
from tinyprop.ir.choices import CHOICES
from tinyprop.ir.passes import fuse
from tinyprop.surface import Network, Trainer
from tinyprop.targets.fit import Fit


def changes_that_help(
    network: Network, asked: Setup, fit: Fit, trainer_of: Callable[[Setup], Trainer], try_out: Callable[[Setup], Fit]
) -> tuple[Change, ...]:
    """Every single change that makes `asked` fit; where none does, the first combination that does, or the nearest.

    fit: of what was asked. try_out: builds and says what is needed.
    """
    choices = fewer_layers(network, asked, trainer_of)
    alone = [Change(words(asked, setup), try_out(setup)) for setup in single_changes(asked, fit, choices)]
    if enough := tuple(change for change in alone if change.fit.fits):
        return enough
    tried = list(alone)
    for setup in combinations(asked, choices):
        change = Change(words(asked, setup), try_out(setup))
        if change.fit.fits:
            return (change,)
        tried.append(change)
    return (min(tried, key=lambda change: change.fit.missing_bytes),) if tried else ()


def single_changes(asked: Setup, fit: Fit, choices: tuple[str, ...]) -> Iterator[Setup]:
    """Kernels cost time only, momentum speed of learning, layers what can be learned. Kernels need no RAM."""
    if fit.flash_left < 0 and asked.kernels != SIZE:
        yield replace(asked, kernels=SIZE)
    if asked.momentum:
        yield replace(asked, momentum=0.0)
    for choice in choices:
        yield replace(asked, trainable=(choice,))


def combinations(asked: Setup, choices: tuple[str, ...]) -> Iterator[Setup]:
    """Small kernels and no momentum together, then with fewer and fewer layers."""
    small = replace(asked, kernels=SIZE, momentum=0.0)
    if small != replace(asked, kernels=SIZE) and small != replace(asked, momentum=0.0):
        yield small
    for choice in choices:
        if replace(small, trainable=asked.trainable) != asked:
            yield replace(small, trainable=(choice,))


def fewer_layers(network: Network, asked: Setup, trainer_of: Callable[[Setup], Trainer]) -> tuple[str, ...]:
    """Words of `CHOICES` that train in less RAM than `asked`, what learns most of them first."""
    program = fuse(network.program)
    before = trainer_of(asked).memory
    found = {}
    for word, choice in CHOICES.items():
        if choice.parameters(program):
            with suppress(UserError):  # latents were asked for, and with this choice nothing is frozen before the rest
                memory = trainer_of(replace(asked, trainable=(word,))).memory
                if memory.training < before.training and memory.parameters < before.parameters:
                    found[word] = memory.parameters
    return tuple(sorted(found, key=lambda word: (-found[word], word)))


def words(asked: Setup, setup: Setup) -> str:
    """What to pass, as Python users write it: `kernels="size", momentum=0, trainable="last_layer"`."""
    said = []
    if setup.kernels != asked.kernels:
        said.append(f'kernels="{setup.kernels}"')
    if setup.momentum != asked.momentum:
        said.append("momentum=0")
    if setup.trainable != asked.trainable and setup.trainable is not None:
        said.append(f'trainable="{setup.trainable[0]}"')
    return ", ".join(said)
