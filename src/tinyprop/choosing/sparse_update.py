"""Sparse Update's choice: the configuration of the largest contribution under a RAM budget."""

from dataclasses import dataclass
from typing import Any

from tinyprop.choosing.contributions import Contributions, Trial, measured_contributions, parted
from tinyprop.choosing.places import Places, checked_samples, names_at, places_of, require_budget
from tinyprop.choosing.search import MOST_TRIED, Found, best_within
from tinyprop.methods import SparseUpdate
from tinyprop.methods.chosen_layers import number_of
from tinyprop.surface import Network
from tinyprop.targets.progress import Report, progress_report


@dataclass(frozen=True)
class ChosenSparseUpdate:
    """method: with the chosen settings; contributions: as measured, in points of accuracy; names: p → layers there.

    found: what the search says of it: the sum of contributions, bytes of RAM, whether it is proven to be the best.
    """

    method: SparseUpdate
    contributions: Contributions
    names: dict[int, str]
    found: Found

    def __str__(self) -> str:
        rows = [f"{'p':>3}  {'layer':<24} {'its weights':>12} {'biases to here':>15}  trains"]
        for p, name in self.names.items():
            trains = ["weights"] * (p in self.found.places) + ["bias"] * (p <= self.found.biases)
            bias = f"{self.contributions.biases[p]:+.2f}" if p in self.contributions.biases else "–"
            rows.append(f"{p:>3}  {name:<24} {self.contributions.weights[p]:>+12.2f} {bias:>15}  {', '.join(trains)}")
        proven = "the best there is" if self.found.proven else "the best found: the search was cut short"
        return "\n".join(
            [
                *rows,
                f"points of accuracy; the output layer alone reaches {self.contributions.output_layer:.2f} %",
                f"{self.method}: {self.found.ram:,} bytes of RAM, contributions {self.found.gain:+.2f}, {proven}",
            ]
        )


def choose_sparse_update(
    network: Network,
    x: Any,
    y: Any,
    *,
    ram: int,
    epochs: int = 1,
    lr: float = 0.01,
    held_out: float = 0.5,
    seed: int = 0,
    toolchain: str = "zig",
    progress: bool | Report = True,
    planning: bool | Report | None = None,
) -> ChosenSparseUpdate:
    """Measures what each part of `network` contributes and chooses what trains within `ram` bytes.

    x (N, *input_shape), y (N,): labelled samples of the task, none of them of a test set; a part of them, held_out, is
    drawn to judge by. ram: of a training step as `trainer.memory.training` counts it, weights that learn, activations,
    errors, state and a sample. epochs, lr, seed: of each short training, all of which start from the network's weights.
    progress: as in `Engine.fit`, told trainings; planning: the same of the search behind them, told plans; None: as
    `progress` where that is no function. Compiles and trains two configurations per layer on this computer.

    A sum of contributions is a forecast, not a measurement: that they add up is the paper's assumption. Small
    validation parts measure them coarsely: of 50 samples one is two points.

    Source: Lin et al., NeurIPS 2022, arXiv 2206.15472; the problem as in IEEE CAS Magazine, Q3 2023, eq. 5. Differs
    from it: ratios are 1 or 0; solved by branch and bound, there by evolutionary search; a layer that contributes
    nothing or less is never chosen. Raises UserError, with the least possible budget where `ram` is below it.
    """
    samples, labels = checked_samples(x, y)
    places = places_of(network, "cross_entropy")
    parts = parted(samples, labels, held_out, seed)

    def memory(chosen: frozenset[int], biases: int) -> int:
        return network.train(SparseUpdate(number_of(chosen), biases)).memory.training

    require_budget(ram, memory(frozenset(), 0))
    trial = Trial(*parts, epochs, lr, seed, toolchain)
    contributions = measured_contributions(network, places, trial, progress)
    sizes = _weight_bytes(network, places)
    wanted = progress is True if planning is None else planning
    with progress_report(wanted, "searching within the budget", MOST_TRIED) as report:
        found = best_within(ram, contributions.weights, sizes, contributions.biases, memory, report)
    names = {p: names_at(places, p) for p in places}
    return ChosenSparseUpdate(SparseUpdate(number_of(found.places), found.biases), contributions, names, found)


def _weight_bytes(network: Network, places: Places) -> dict[int, int]:
    """p → bytes of the weights there, biases not counted."""
    parameters = network.program.parameters
    return {p: 4 * sum(parameters[one.weight].size for one in places[p] if one.weight) for p in places}
