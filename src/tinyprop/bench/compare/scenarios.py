"""What may happen to a device in the field: one table, name → data and the networks that can take it."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType

from torch import nn

from tinyprop.bench.digits import OLD_CLASSES, Scenario, new_classes, rotated
from tinyprop.bench.networks import DEMO_NETWORKS
from tinyprop.data import Samples


@dataclass(frozen=True)
class Task:
    """data: what is learned, where and from what; old: test samples of what the network could do before."""

    data: Scenario
    old: Samples


@dataclass(frozen=True)
class ScenarioCard:
    """dataset: its name in tables, with the word stand-in where it is one. networks: name → fresh weights."""

    dataset: str
    summary: str
    make: Callable[[], Task]
    networks: Mapping[str, Callable[[], nn.Module]]


def _digits_rotated() -> Task:
    return Task(rotated(), old=new_classes().test)


def _digits_new_classes() -> Task:
    data = new_classes()
    return Task(data, old=data.test.of(data.test.y < OLD_CLASSES))


SCENARIOS: Mapping[str, ScenarioCard] = MappingProxyType(
    {
        "digits_rotated": ScenarioCard(
            "digits 8×8 (scikit-learn)", "the sensor is turned and noisy", _digits_rotated, DEMO_NETWORKS
        ),
        "digits_new_classes": ScenarioCard(
            "digits 8×8 (scikit-learn)", "three classes that were never seen", _digits_new_classes, DEMO_NETWORKS
        ),
    }
)
