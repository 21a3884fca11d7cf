"""What a training method is: a frozen record of its settings that, shown the layers, answers with a TrainSpec."""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

from tinyprop.methods.search_range import Range
from tinyprop.methods.spec import LayerInfo, TrainSpec


@dataclass(frozen=True)
class Method(ABC):
    """A training method. Subclasses are final, frozen dataclasses of their settings; one file each.

    name: as typed by a user and written in results; title: as printed in tables; summary: one line.
    space: setting → where `tinyprop tune` looks for it, for every one of them; any values of it go together.
    Settings are checked when the method is constructed; a wrong one raises UserError.
    """

    name: ClassVar[str]
    title: ClassVar[str]
    summary: ClassVar[str]
    space: ClassVar[Mapping[str, Range]] = {}

    @abstractmethod
    def spec(self, layers: tuple[LayerInfo, ...]) -> TrainSpec:
        """What may train and how, for the trainable `layers` in forward order (the last one is the output layer)."""
