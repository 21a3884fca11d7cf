"""TinyTrain's choice: layers by Fisher information over cost, under budgets of RAM and computing."""

from dataclasses import dataclass
from typing import Any

from tinyprop.choosing.fisher import fisher_information
from tinyprop.choosing.places import Places, names_at, places_of, require_budget
from tinyprop.errors import UserError
from tinyprop.ir.differentiate import layer_infos
from tinyprop.ir.train_program import BackwardStep
from tinyprop.methods import Full, Method, TinyTrain
from tinyprop.methods.chosen_layers import number_of, places_in
from tinyprop.methods.rules.number_check import require_fraction
from tinyprop.surface import Network, Trainer
from tinyprop.targets.progress import Report, progress_report


@dataclass(frozen=True)
class ChosenTinyTrain:
    """method: with the chosen layers. names: p → layers there; fisher, score: p → P and s (docstring of TinyTrain).

    ram: bytes of a training step; compute: its backward multiply-adds beside those of training everything.
    """

    method: TinyTrain
    names: dict[int, str]
    fisher: dict[int, float]
    score: dict[int, float]
    ram: int
    compute: float

    def __str__(self) -> str:
        rows = [f"{'p':>3}  {'layer':<24} {'Fisher':>11} {'score':>11}  trains"]
        for p, name in self.names.items():
            trains = "yes" if p in places_in(self.method.layers) else "no"
            rows.append(f"{p:>3}  {name:<24} {self.fisher[p]:>11.3g} {self.score[p]:>11.3g}  {trains}")
        cost = f"{self.ram:,} bytes of RAM, {100 * self.compute:.1f} % of full training's backward multiply-adds"
        return "\n".join([*rows, f"{self.method}: {cost}"])


def choose_tiny_train(
    network: Network,
    x: Any,
    y: Any,
    *,
    ram: int,
    compute: float = 1.0,
    loss: str = "cross_entropy",
    progress: bool | Report = True,
    planning: bool | Report | None = None,
) -> ChosenTinyTrain:
    """Chooses the layers of `network` that matter to the samples, for what they cost, within two budgets.

    x (N, *input_shape), y: a few labelled samples of the task, none of them of a test set. ram: bytes of a training
    step as `trainer.memory.training` counts it. compute: its backward multiply-adds, every value computed, as a share
    of those of training everything, 0 … 1. A layer that no longer fits is passed over, and the next is tried. MACs of
    the score: of a layer's weight gradient, as many as of its forward pass. progress: as in `Engine.fit`, told samples;
    planning: the same of what is planned behind that, told layers; None: as `progress` where that is no function.

    Source, and what differs from it: `TinyTrain`. Raises UserError, with the least possible where a budget is below it.
    """
    require_fraction("choose_tiny_train", "compute", compute)
    places = places_of(network, loss)
    everything = _backward_macs(network.train(Full(), loss))

    def cost(method: Method) -> tuple[int, float]:
        trainer = network.train(method, loss)
        return trainer.memory.training, _backward_macs(trainer) / everything

    spent = cost(TinyTrain(0))
    require_budget(ram, spent[0])
    if spent[1] > compute:
        raise UserError(
            f"compute={compute!r} is too small: the output layer alone takes {spent[1]:.4f} of full training's "
            f"multiply-adds. Give at least that, rounded up."
        )
    information = fisher_information(network, x, y, loss, progress)
    fisher = {p: float(sum(information[one.name].sum() for one in places[p])) for p in places}
    score = _scores(places, fisher)
    chosen: list[int] = []
    by_score = sorted((p for p in places if score[p] > 0), key=lambda p: (-score[p], p))
    wanted = progress is True if planning is None else planning
    with progress_report(wanted, "planning", len(by_score)) as report:
        for done, p in enumerate(by_score, start=1):
            needed = cost(TinyTrain(number_of([*chosen, p])))
            if needed[0] <= ram and needed[1] <= compute:
                chosen, spent = [*chosen, p], needed
            report(done, len(by_score))
    names = {p: names_at(places, p) for p in places}
    return ChosenTinyTrain(TinyTrain(number_of(chosen)), names, fisher, score, *spent)


def _scores(places: Places, fisher: dict[int, float]) -> dict[int, float]:
    parameters = {p: sum(one.parameters for one in places[p]) for p in places}
    macs = {p: sum(one.macs[0] for one in places[p]) for p in places}
    most = max(parameters.values()) * max(macs.values())
    return {p: fisher[p] * most / (parameters[p] * macs[p]) for p in places}


def _backward_macs(trainer: Trainer) -> int:
    """Multiply-adds of one backward pass, every value computed: gradients of weights that learn, errors sent down."""
    macs = {info.name: info.macs for info in layer_infos(trainer.train_program.program)}
    return sum(
        macs[step.node.name][0] * step.learns_weight + macs[step.node.name][1] * step.propagate
        for step in trainer.train_program.steps
        if isinstance(step, BackwardStep)
    )
