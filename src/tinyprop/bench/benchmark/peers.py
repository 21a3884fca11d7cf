"""The figures of other trainers: recorded once, printed beside ours, never re-run."""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

import msgspec


@dataclass(frozen=True)
class Peer:
    """A trainer. instructions: network → per full training step; ram_bytes: network → while training.

    differs: what it does otherwise than ours, "" for nothing. dense_bar: among those to beat with full training.
    """

    name: str
    differs: str
    dense_bar: bool
    instructions: Mapping[str, int]
    ram_bytes: Mapping[str, int]


@dataclass(frozen=True)
class Peers:
    """recorded: when, year and month; conditions: how the figures were measured."""

    recorded: str
    conditions: str
    peer: tuple[Peer, ...]

    def named(self, name: str) -> Peer:
        """The one of that name; KeyError when there is none."""
        return {peer.name: peer for peer in self.peer}[name]

    def best_dense(self, network: str) -> Peer:
        """The one of dense_bar with the fewest instructions on `network`."""
        able = [peer for peer in self.peer if peer.dense_bar and network in peer.instructions]
        return min(able, key=lambda peer: peer.instructions[network])


@cache
def load_peers() -> Peers:
    """peers.toml."""
    text = files(__package__).joinpath("peers.toml").read_text(encoding="utf-8")
    return msgspec.convert(tomllib.loads(text), Peers)
