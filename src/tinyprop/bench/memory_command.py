"""`tinyprop memory`: the bytes of each choice of what trains, as a table and as JSON."""

from collections.abc import Callable, Mapping
from dataclasses import asdict
from pathlib import Path
from types import MappingProxyType

import msgspec
from rich.console import Console
from rich.table import Table

from tinyprop.bench.atomic_file import write_whole
from tinyprop.cost.memory import MemoryCost
from tinyprop.cost.wear import StoreWear
from tinyprop.ir.choices import CHOICES
from tinyprop.store import StoreSettings

# Each line of the table: what it is, and the number of it.
LINES: Mapping[str, Callable[[MemoryCost], str]] = MappingProxyType(
    {
        "parameters that learn": lambda cost: f"{cost.parameters:,}",
        "RAM: weights that learn": lambda cost: f"{cost.weights:,}",
        "RAM: optimizer": lambda cost: f"{cost.optimizer:,}",
        "RAM: activations, errors": lambda cost: f"{cost.arena:,}",
        "RAM: state and sample": lambda cost: f"{cost.state + cost.input:,}",
        "RAM to train": lambda cost: f"{cost.training:,}",
        "RAM to infer only": lambda cost: f"{cost.inference:,}",
        "train / infer": lambda cost: f"{cost.over_inference:.2f}",
        "flash: frozen weights": lambda cost: f"{cost.frozen:,}",
    }
)


def memory_command(
    console: Console,
    costs: Mapping[str, MemoryCost],
    *,
    store: StoreSettings | None = None,
    wear: StoreWear | None = None,
    json_path: Path | None,
) -> int:
    """Prints `costs`, choice → bytes, and of a store of samples, and writes them where asked. Exit status 0. wear: of
    the flash that keeps its values.

    Raises UserError as writing does.
    """
    console.print(table(costs, store))
    for word in costs:
        console.print(f"{word}: {CHOICES[word].summary}", highlight=False)
    if store is not None:
        console.print(str(store), highlight=False)
    if wear is not None:
        console.print(wear_line(wear), highlight=False)
    if json_path is not None:
        write_whole(json_path, json_of(costs, store, wear))
        console.print(f"bytes: {json_path}", highlight=False)
    return 0


def table(costs: Mapping[str, MemoryCost], store: StoreSettings | None = None) -> Table:
    """One column per choice, one line per purpose."""
    made = Table(title="Bytes of each choice of what trains", title_justify="left")
    made.add_column("trainable")
    for word in costs:
        made.add_column(word, justify="right", no_wrap=True)
    for title, text in LINES.items():
        made.add_row(title, *(text(cost) for cost in costs.values()))
    if store is not None:
        made.add_row("RAM: store of samples", *(f"{store.bytes:,}" for _ in costs))
        made.add_row("RAM to train with it", *(f"{cost.training + store.bytes:,}" for cost in costs.values()))
        made.add_row("RAM: store of latents", *(_number(_latent_bytes(store, cost)) for cost in costs.values()))
        made.add_row("RAM to train with that", *(_number(_with_latents(store, cost)) for cost in costs.values()))
        made.add_row("forward pass it leaves out", *(f"{cost.prefix_share:.1%}" for cost in costs.values()))
        if store.flash is not None:
            made.add_row("flash: store of samples", *(f"{store.flash_bytes:,}" for _ in costs))
            kept = [_latent_store(store, cost) for cost in costs.values()]
            made.add_row("flash: store of latents", *map(_number, map(_flash_bytes, kept)))
    return made


def wear_line(wear: StoreWear) -> str:
    """What so many samples do to the flash."""
    return (
        f"Of {wear.offered:,} samples offered about {wear.replaced:,.0f} take another's place: about "
        f"{wear.erased:,.0f} shelves are erased, each block about {wear.of_a_block:,.1f} times of the "
        f"{wear.promised:,} that its maker promises."
    )


def _latent_store(store: StoreSettings, cost: MemoryCost) -> StoreSettings | None:
    """Of as many latents as `store` has samples; None where there is no frozen prefix."""
    return store.of_latents(cost.latent // 4) if cost.latent else None


def _flash_bytes(store: StoreSettings | None) -> int | None:
    return None if store is None else store.flash_bytes


def _latent_bytes(store: StoreSettings, cost: MemoryCost) -> int | None:
    """Its bytes of RAM."""
    kept = _latent_store(store, cost)
    return None if kept is None else kept.bytes


def _with_latents(store: StoreSettings, cost: MemoryCost) -> int | None:
    """RAM to train from them, with one latent on its way into the store."""
    kept = _latent_bytes(store, cost)
    return None if kept is None else cost.training + cost.latent + kept


def _number(count: int | None) -> str:
    return "–" if count is None else f"{count:,}"


def json_of(
    costs: Mapping[str, MemoryCost], store: StoreSettings | None = None, wear: StoreWear | None = None
) -> bytes:
    """choice → every field of `MemoryCost`, in bytes, and "parameters", "model", "training", "over_inference"; and
    "store", which no other counts, where there is one, with "latent_store", null where no prefix is frozen; and
    "store_wear", every field of `StoreWear`, where its values lie in flash."""
    content = {
        word: asdict(cost)
        | {name: getattr(cost, name) for name in ("parameters", "model", "training", "over_inference")}
        | ({} if store is None else {"store": store.bytes, "latent_store": _latent_bytes(store, cost)})
        | ({} if wear is None else {"store_wear": asdict(wear)})
        for word, cost in costs.items()
    }
    return msgspec.json.format(msgspec.json.encode(content)) + b"\n"
