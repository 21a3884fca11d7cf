"""What may happen to a device in the field: one table, name → data and the networks that can take it."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType

from torch import nn

from tinyprop.bench.compare.task import Task
from tinyprop.bench.compare.volunteer import new_volunteer
from tinyprop.bench.digits import OLD_CLASSES, new_classes, rotated
from tinyprop.bench.networks import DEMO_NETWORKS, HarCnn
from tinyprop.data import load


@dataclass(frozen=True)
class ScenarioCard:
    """dataset: its name in `tinyprop data`. make: the task, which may depend on the seed of the run.

    networks: name → fresh weights.
    """

    dataset: str
    summary: str
    make: Callable[[int], Task]
    networks: Mapping[str, Callable[[], nn.Module]]


def _digits_rotated(seed: int) -> Task:
    data = rotated()
    return Task(data.pretrain, data.field, data.validation, data.test, old=new_classes().test)


def _digits_new_classes(seed: int) -> Task:
    data = new_classes()
    return Task(data.pretrain, data.field, data.validation, data.test, old=data.test.of(data.test.y < OLD_CLASSES))


def _har_new_volunteer(seed: int) -> Task:
    return new_volunteer(load("har_windows"), seed)


SCENARIOS: Mapping[str, ScenarioCard] = MappingProxyType(
    {
        "digits_rotated": ScenarioCard("digits", "the sensor is turned and noisy", _digits_rotated, DEMO_NETWORKS),
        "digits_new_classes": ScenarioCard(
            "digits", "three classes that were never seen", _digits_new_classes, DEMO_NETWORKS
        ),
        "har_new_volunteer": ScenarioCard(
            "har_windows", "somebody else wears the device", _har_new_volunteer, {"har_cnn": HarCnn}
        ),
    }
)
