"""What may happen to a device in the field: one table, name → data and the networks that can take it."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache

from torch import nn

from tinyprop.bench.compare.from_scratch import from_scratch
from tinyprop.bench.compare.machine import new_machine
from tinyprop.bench.compare.own_scenario import own_scenario
from tinyprop.bench.compare.shifted_sensor import Shift, blurred, in_poor_light, shifted_sensor, turned
from tinyprop.bench.compare.strangers import new_speakers
from tinyprop.bench.compare.task import Task
from tinyprop.bench.compare.unseen_classes import new_classes
from tinyprop.bench.compare.volunteer import new_volunteer
from tinyprop.bench.digits import OLD_CLASSES, rotated
from tinyprop.bench.digits import new_classes as new_digits
from tinyprop.bench.networks import DEMO_NETWORKS, HarCnn
from tinyprop.data import DataSet, load
from tinyprop.data.loader import COMPACT
from tinyprop.features import FEATURES, Stacked
from tinyprop.models import Autoencoder, Cnn1d, DsCnn, LeNet5, ResNet8

Networks = Mapping[str, Callable[[], nn.Module]]


@dataclass(frozen=True)
class ScenarioCard:
    """dataset: its name in `tinyprop data`. make: the task, which may depend on the seed of the run.

    networks: name → fresh weights. recipe: a name of RECIPES, by which they are pretrained; None: a few epochs of Adam.
    loss: "cross_entropy", or "mse" where samples are to be reproduced; what is judged by: JUDGES. stand_in: the set
    that is always used in place of `dataset`, by its own name.
    """

    dataset: str
    summary: str
    make: Callable[[int], Task]
    networks: Networks
    recipe: str | None = None
    loss: str = "cross_entropy"
    stand_in: str | None = None

    @property
    def filed_as(self) -> str:
        """What results bear in place of the data set's name, where a stand-in is used."""
        return self.stand_in or self.dataset


class Scenarios(Mapping[str, ScenarioCard]):
    """The table; and the path of a .py file names the scenario that it calls SCENARIO, in whatever process asks."""

    def __init__(self, cards: Mapping[str, ScenarioCard]) -> None:
        self._cards = dict(cards)

    def __getitem__(self, name: str) -> ScenarioCard:
        return own_scenario(name, ScenarioCard) if name.endswith(".py") else self._cards[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._cards)

    def __len__(self) -> int:
        return len(self._cards)


@lru_cache(maxsize=1)
def _loaded(name: str, source: str | None = None) -> DataSet:
    """Decoding images takes longer than learning from them: once in each process."""
    return load(name, source=source)


def _digits_rotated(seed: int) -> Task:
    data = rotated()
    return Task(data.pretrain, data.field, data.validation, data.test, old=new_digits().test)


def _digits_new_classes(seed: int) -> Task:
    data = new_digits()
    return Task(data.pretrain, data.field, data.validation, data.test, old=data.test.of(data.test.y < OLD_CLASSES))


def _har_new_volunteer(seed: int) -> Task:
    return new_volunteer(_loaded("har_windows"), seed)


def _har_worn_aslant(seed: int) -> Task:
    return new_volunteer(_loaded("har_windows"), seed, aslant=45.0)


def _speech_new_words(seed: int) -> Task:
    return new_classes(_loaded("speech_commands"), known=4, field=1500, judged=1000).scaled((0, 1, 2))


def _speech_new_speakers(seed: int) -> Task:
    return new_speakers(_loaded("speech_commands"), known=20).scaled((0, 1, 2))


def _new_classes(dataset: str, known: int, field: int, judged: int = 1000) -> Callable[[int], Task]:
    return lambda _seed: new_classes(_loaded(dataset), known, field, judged)


def _shifted(
    dataset: str, shift: Shift, field: int, judged: int = 1000, *, of_train: bool = False
) -> Callable[[int], Task]:
    return lambda _seed: shifted_sensor(_loaded(dataset), shift, field, judged, of_train=of_train)


def _mnist_from_scratch(seed: int) -> Task:
    return from_scratch(_loaded("mnist"), field=10_000, judged=2000)


def _dcase2020_new_machine(seed: int) -> Task:
    features = FEATURES["dcase2020"]
    assert isinstance(features, Stacked)
    return new_machine(_loaded("dcase2020"), features, seed)


def _tinyimagenet32_new_classes(seed: int) -> Task:
    return new_classes(_loaded("cifar100", COMPACT), known=50, field=5000, judged=1000)


def _tinyimagenet32_blurred(seed: int) -> Task:
    return shifted_sensor(_loaded("cifar100", COMPACT), blurred(1.0), field=3500, judged=1000)


HAR_CNNS: Networks = {"cnn1d": Cnn1d, "har_cnn": HarCnn}
LENET5: Networks = {"lenet5": LeNet5}
DS_CNN: Networks = {"ds_cnn": DsCnn}
RESNET8: Networks = {"resnet8": ResNet8}
RESNET8_100: Networks = {"resnet8": lambda: ResNet8(100)}
RESNET8_OF_64: Networks = {"resnet8": lambda: ResNet8(stem_stride=2)}
RESNET8_FLOWERS: Networks = {"resnet8": lambda: ResNet8(102, stem_stride=2)}

SCENARIOS: Mapping[str, ScenarioCard] = Scenarios(
    {
        "digits_rotated": ScenarioCard("digits", "the sensor is turned and noisy", _digits_rotated, DEMO_NETWORKS),
        "digits_new_classes": ScenarioCard(
            "digits", "three classes that were never seen", _digits_new_classes, DEMO_NETWORKS
        ),
        "har_new_volunteer": ScenarioCard(
            "har_windows", "somebody else wears the device", _har_new_volunteer, HAR_CNNS, "har_windows"
        ),
        "har_worn_aslant": ScenarioCard(
            "har_windows", "somebody else wears the device, turned by 45°", _har_worn_aslant, HAR_CNNS, "har_windows"
        ),
        "speech_new_words": ScenarioCard(
            "speech_commands", "eight words that were never heard", _speech_new_words, DS_CNN, "speech_commands"
        ),
        "speech_new_speakers": ScenarioCard(
            "speech_commands",
            "49 people who were never heard, through another microphone",
            _speech_new_speakers,
            DS_CNN,
            "speech_commands",
        ),
        "dcase2020_new_machine": ScenarioCard(
            "dcase2020",
            "a machine that was never heard, another one for each seed; its anomalies are to be found (AUC)",
            _dcase2020_new_machine,
            {"autoencoder": Autoencoder},
            loss="mse",
        ),
        "mnist_rotated": ScenarioCard(
            "mnist", "the sensor is turned by 40°", _shifted("mnist", turned(40), 4000), LENET5, "mnist"
        ),
        "mnist_blurred": ScenarioCard(
            "mnist", "the lens is out of focus", _shifted("mnist", blurred(2.5), 4000), LENET5, "mnist"
        ),
        "mnist_in_poor_light": ScenarioCard(
            "mnist", "dark, low contrast, noise", _shifted("mnist", in_poor_light(0.15), 4000), LENET5, "mnist"
        ),
        "mnist_from_scratch": ScenarioCard("mnist", "random weights", _mnist_from_scratch, LENET5, "mnist"),
        "cifar10_new_classes": ScenarioCard(
            "cifar10", "three classes that were never seen", _new_classes("cifar10", 7, 3000), RESNET8, "cifar10"
        ),
        "cifar10_blurred": ScenarioCard(
            "cifar10", "the lens is out of focus", _shifted("cifar10", blurred(1.5), 3500), RESNET8, "cifar10"
        ),
        "cifar10_in_poor_light": ScenarioCard(
            "cifar10", "dark, low contrast, noise", _shifted("cifar10", in_poor_light(0.05), 3500), RESNET8, "cifar10"
        ),
        "tinyimagenet32_new_classes": ScenarioCard(
            "cifar100",
            "50 classes that were never seen",
            _tinyimagenet32_new_classes,
            RESNET8_100,
            "cifar100",
            stand_in="tinyimagenet32",
        ),
        "tinyimagenet32_blurred": ScenarioCard(
            "cifar100",
            "the lens is out of focus",
            _tinyimagenet32_blurred,
            RESNET8_100,
            "cifar100",
            stand_in="tinyimagenet32",
        ),
        "food101_new_classes": ScenarioCard(
            "food101", "three dishes that were never seen", _new_classes("food101", 7, 2000), RESNET8_OF_64, "food101"
        ),
        "food101_blurred": ScenarioCard(
            "food101",
            "the lens is out of focus",
            _shifted("food101", blurred(3.0), 2000, of_train=True),
            RESNET8_OF_64,
            "food101",
        ),
        "flowers102_new_classes": ScenarioCard(
            "flowers102",
            "classes after the 60th were never seen",
            _new_classes("flowers102", 60, 2000),
            RESNET8_FLOWERS,
            "flowers102",
        ),
        "flowers102_blurred": ScenarioCard(
            "flowers102",
            "the lens is out of focus",
            _shifted("flowers102", blurred(3.0), 1500, of_train=True),
            RESNET8_FLOWERS,
            "flowers102",
        ),
    }
)
