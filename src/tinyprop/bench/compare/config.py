"""What is compared: a readable TOML file, checked whole before anything runs."""

from collections.abc import Mapping, Sequence
from itertools import product
from pathlib import Path
from typing import TypeVar

import msgspec

from tinyprop.bench.compare.cell import Cell, Variant
from tinyprop.bench.compare.scenarios import SCENARIOS
from tinyprop.errors import UserError, unknown_name
from tinyprop.ir.choices import CHOICES
from tinyprop.methods import method_named
from tinyprop.targets import load_board

Record = TypeVar("Record")


class CompareConfig(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """scenarios: name → networks it is run with. variants: name → method, settings, what trains.

    rates: learning rate by network, in `rates_of` by variant where one was tuned for it. seeds: how many, from 0.
    board: on which a few steps of each are counted, so that costs can be told in instructions; None: nowhere.
    """

    scenarios: Mapping[str, tuple[str, ...]]
    variants: Mapping[str, Variant]
    rates: Mapping[str, float]
    seeds: int = 10
    field_epochs: int = 1
    pretrain_epochs: int = 25
    checkpoints: int = 10
    rates_of: Mapping[str, Mapping[str, float]] = msgspec.field(default_factory=dict)
    board: str | None = None

    def cells(self) -> tuple[Cell, ...]:
        """All runs, seed by seed, so that whatever was done when a campaign ends is complete."""
        pairs = [(scenario, model) for scenario, models in self.scenarios.items() for model in models]
        return tuple(
            Cell(
                scenario=scenario,
                model=model,
                variant=name,
                trains=variant,
                rate=self.rates_of.get(name, {}).get(model, self.rates[model]),
                seed=seed,
                pretrain_epochs=self.pretrain_epochs,
                field_epochs=self.field_epochs,
                checkpoints=self.checkpoints,
            )
            for seed, (scenario, model), (name, variant) in product(range(self.seeds), pairs, self.variants.items())
        )


class Tuned(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What `tinyprop tune --toml` writes: the variants and the rates of a configuration, without the rest."""

    variants: Mapping[str, Variant] = msgspec.field(default_factory=dict)
    rates_of: Mapping[str, Mapping[str, float]] = msgspec.field(default_factory=dict)


def load_config(path: Path, tuned: Sequence[Path] = ()) -> CompareConfig:
    """The configuration in the TOML file `path`, with the variants and rates of `tuned` in place of those of its own.

    Raises UserError for what is unreadable, unknown or out of range, and where two of `tuned` do not agree.
    """
    config = _read(path, CompareConfig, "configuration of a comparison")
    variants, rates_of = dict[str, Variant](), dict[str, dict[str, float]]()
    for one in tuned:
        found = _read(one, Tuned, "file of `tinyprop tune`")
        for name, variant in found.variants.items():
            if variants.setdefault(name, variant) != variant:
                raise UserError(f"'{one}' gives variant '{name}' other settings than a file before it: rename one.")
        for name, rates in found.rates_of.items():
            for network, rate in rates.items():
                if rates_of.setdefault(name, {}).setdefault(network, rate) != rate:
                    raise UserError(
                        f"'{one}' gives '{network}' another rate of '{name}' than a file before it: drop one."
                    )
    own = config.rates_of
    merged = {name: {**own.get(name, {}), **rates_of.get(name, {})} for name in (*own, *rates_of)}
    return checked(
        msgspec.structs.replace(config, variants={**config.variants, **variants}, rates_of=merged),
    )


def _read(path: Path, kind: type[Record], what: str) -> Record:
    try:
        return msgspec.toml.decode(path.read_bytes(), type=kind)
    except OSError as error:
        raise UserError(f"'{path}' cannot be read ({error.strerror}): name a TOML file.") from error
    except msgspec.MsgspecError as error:
        raise UserError(f"'{path}' is no {what}: {error}. See docs/compare.md.") from error


def checked(config: CompareConfig) -> CompareConfig:
    """`config`, if every name in it is known and every number can be used. Raises UserError."""
    for scenario, models in config.scenarios.items():
        if scenario not in SCENARIOS:
            unknown = unknown_name("scenario", scenario, SCENARIOS)
            raise UserError(f"{unknown} One of your own is named by its .py file: docs/adding/scenario.md.")
        for model in models:
            if model not in SCENARIOS[scenario].networks:
                raise unknown_name(f"network of scenario '{scenario}'", model, SCENARIOS[scenario].networks)
            if model not in config.rates:
                raise UserError(f"network '{model}' has no learning rate: add it to [rates].")
    for variant in config.variants.values():
        require_variant(variant, tuple(config.scenarios))
    if config.board is not None:
        load_board(config.board)
    for name in config.rates_of:
        if name not in config.variants:
            raise unknown_name("variant in rates_of", name, config.variants)
    for name in ("seeds", "field_epochs", "pretrain_epochs", "checkpoints"):
        if getattr(config, name) < 1:
            raise UserError(f"{name} is {getattr(config, name)}: choose 1 or more.")
    if not config.scenarios or not config.variants:
        raise UserError("nothing is compared: name a scenario with a network, and a variant.")
    return config


def require_variant(variant: Variant, scenarios: Sequence[str]) -> None:
    """Raises UserError where `variant` names what is not known, or cannot learn in all of `scenarios`."""
    method_named(variant.method, **variant.settings)
    if variant.trainable is not None and variant.trainable not in CHOICES:
        raise unknown_name("word for what trains", variant.trainable, CHOICES)
    if variant.store is not None:
        variant.store.bytes((1,), 1)  # refuses what no store can be
        if variant.store.latent and variant.trainable in (None, "all"):
            raise UserError('latents need layers that are frozen: name what trains, as trainable = "last_layer".')
        if other := [name for name in scenarios if SCENARIOS[name].loss != "cross_entropy"]:
            raise UserError(f"a store keeps samples of classes, and '{other[0]}' has none: compare it without.")
