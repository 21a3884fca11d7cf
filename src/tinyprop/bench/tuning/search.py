"""What is searched, for what, and with what everything is tried."""

import hashlib
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import product

import msgspec

from tinyprop.bench.compare.cell import Cell, Replay, Variant
from tinyprop.bench.compare.config import CompareConfig, require_variant
from tinyprop.bench.compare.scenarios import SCENARIOS
from tinyprop.bench.tuning.objectives import DEFAULT, OBJECTIVES
from tinyprop.errors import UserError, unknown_name
from tinyprop.ir.choices import CHOICES
from tinyprop.methods import METHODS, method_named
from tinyprop.methods.search_range import Range

FIRST_SEED = 100  # seeds from here on: not those of any comparison, which count from 0
RATE_FACTOR = 10.0  # the rate is looked for between a tenth and ten times the configuration's
RATE, TRAINABLE = "rate", "trainable"


@dataclass(frozen=True)
class Search:
    """ranges: settings, and RATE, that are searched; rate: where it is not. trainable: what may train, searched where
    there are several; None: everything. store: samples come from it; None: the stream. Every candidate learns all
    scenarios with all seeds."""

    method: str
    network: str
    scenarios: tuple[str, ...]
    seeds: tuple[int, ...]
    ranges: Mapping[str, Range]
    rate: float
    pretrain_epochs: int
    field_epochs: int
    trainable: tuple[str | None, ...] = (None,)
    store: Replay | None = None
    objectives: tuple[str, ...] = field(default=DEFAULT)

    @property
    def name(self) -> str:
        """Of its study: equal names mean equal searches, so that a changed one begins anew in the same journal."""
        content = msgspec.json.encode(self, order="sorted")
        return f"{self.method} · {self.network} · {hashlib.sha256(content).hexdigest()[:16]}"

    def cells(self, settings: Mapping[str, float], rate: float, trainable: str | None) -> tuple[Cell, ...]:
        """The runs of one candidate."""
        return tuple(
            Cell(
                scenario=scenario,
                model=self.network,
                variant=self.method,
                trains=Variant(self.method, settings, trainable, self.store),
                rate=rate,
                seed=seed,
                pretrain_epochs=self.pretrain_epochs,
                field_epochs=self.field_epochs,
                checkpoints=1,
            )
            for seed in self.seeds
            for scenario in self.scenarios
        )


def search(
    config: CompareConfig,
    method: str,
    network: str,
    *,
    scenarios: Sequence[str] = (),
    objectives: Sequence[str] = (),
    trainable: Sequence[str] = (),
    store: int | None = None,
    keep_rate: bool = False,
    keep_settings: bool = False,
    given_ranges: Sequence[str] = (),
) -> Search:
    """The search that a command line asks for, in the scenarios of `config` that have the network where none is named.

    store: how many samples a device keeps and learns from, shipped with it and in 8 bits; None: it learns from the
    stream. given_ranges: "NAME=LOW:HIGH" each, in place of where the method says that setting, or the rate, is looked
    for; it is then searched whatever is kept. Raises UserError for names that are not known, ranges that cannot be, and
    where nothing is left to search.
    """
    _require_known(method, scenarios, objectives, trainable)
    networks = {name for scenario in scenarios or config.scenarios for name in SCENARIOS[scenario].networks}
    if network not in networks:
        raise unknown_name("network", network, networks)
    chosen = tuple(scenarios) or tuple(name for name, models in config.scenarios.items() if network in models)
    if lacking := [name for name in chosen if network not in SCENARIOS[name].networks]:
        raise unknown_name(f"network of scenario '{lacking[0]}'", network, SCENARIOS[lacking[0]].networks)
    if not chosen or network not in config.rates:
        raise UserError(f"the configuration has no scenario or no rate for network '{network}': add it there.")
    rate = config.rates_of.get(method, {}).get(network, config.rates[network])
    space = {**METHODS[method].space, RATE: Range(rate / RATE_FACTOR, rate * RATE_FACTOR, log=True)}
    kept = {RATE} if keep_rate else set()
    kept |= space.keys() - {RATE} if keep_settings else set()
    ranges = {name: where for name, where in space.items() if name not in kept}
    ranges |= dict(_range(text, space) for text in given_ranges)
    _require_meaning(method, {name: where for name, where in ranges.items() if name != RATE})
    if not ranges and len(trainable) < 2:
        raise UserError(
            f"nothing is left to search: '{method}' "
            + ("keeps its settings" if METHODS[method].space else "has no settings")
            + " and the rate is kept; leave out --keep-rate or --keep-settings."
        )
    replay = None if store is None else Replay(store)
    require_variant(Variant(method, store=replay), chosen)
    return Search(
        method=method,
        network=network,
        scenarios=chosen,
        seeds=tuple(range(FIRST_SEED, FIRST_SEED + config.seeds)),
        ranges=ranges,
        rate=rate,
        pretrain_epochs=config.pretrain_epochs,
        field_epochs=config.field_epochs,
        trainable=tuple(trainable) or (None,),
        store=replay,
        objectives=tuple(objectives) or DEFAULT,
    )


def _require_known(method: str, scenarios: Sequence[str], objectives: Sequence[str], trainable: Sequence[str]) -> None:
    """Raises UserError for a name that is not known, or that is given twice."""
    if method not in METHODS:
        raise unknown_name("method", method, METHODS)
    for given, kind, known in (
        (scenarios, "scenario", SCENARIOS),
        (objectives, "objective", OBJECTIVES),
        (trainable, "word for what trains", CHOICES),
    ):
        for name in given:
            if name not in known:
                raise unknown_name(kind, name, known)
        if len(set(given)) < len(given):
            raise UserError(f"the same {kind} is named twice: name each once.")


def _range(text: str, known: Mapping[str, Range]) -> tuple[str, Range]:
    """From NAME=LOW:HIGH; factors matter where they did. Raises UserError."""
    name, _, ends = text.partition("=")
    if name not in known:
        raise unknown_name("setting that is searched", name, known)
    try:
        low, high = (float(end) for end in ends.split(":"))
    except ValueError as error:
        raise UserError(f"the range '{text}' cannot be read: write it as {name}=0.1:0.5.") from error
    log = known[name].log
    if known[name].whole and math.ceil(low) > math.floor(high):
        raise UserError(f"the range '{text}' holds no whole number: give ends such as 1:4.")
    if not -math.inf < low < high < math.inf or (log and low <= 0):
        raise UserError(
            f"the range '{text}' holds nothing: give a lower end{' above 0' if log else ''}, then a higher."
        )
    return name, replace(known[name], low=low, high=high)


def _require_meaning(method: str, ranges: Mapping[str, Range]) -> None:
    """Raises UserError, as the method does, where its settings cannot all be at the ends of their ranges."""
    for ends in product(*((where.low, where.high) for where in ranges.values())):
        method_named(method, **dict(zip(ranges, ends, strict=True)))
