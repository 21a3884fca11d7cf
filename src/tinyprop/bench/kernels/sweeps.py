"""What a backward kernel costs against k, the kept entries of δ."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from tinyprop.bench.kernels.workbench import Cost, Piece, Shapes, workbench
from tinyprop.targets import Board

FIT_BELOW = 0.375  # of all entries: from here on dense kernels take rows as they are in place of a list of columns


@dataclass(frozen=True)
class Sweep:
    """A kernel and δ, which is its array `delta`. pieces: run one after the other on the same arrays, costs added.

    packed: arrays that hold bytes in place of floats.
    """

    title: str
    size: str
    pieces: tuple[Piece, ...]
    packed: tuple[str, ...] = ()

    @property
    def shapes(self) -> Shapes:
        """The same for all pieces."""
        return self.pieces[0].shapes

    @property
    def entries(self) -> int:
        """How many δ has: n."""
        return int(np.prod(self.shapes["delta"]))


@dataclass(frozen=True)
class Curve:
    """Costs by k, and the straight line through those up to `fitted_up_to`: instructions ≈ intercept + slope · k.

    r_squared: 1 where they lie on it.
    """

    title: str
    size: str
    toolchain: str
    kept: tuple[int, ...]
    instructions: tuple[int, ...]
    cycles: tuple[int | None, ...]
    fitted_up_to: int
    slope: float
    intercept: float
    r_squared: float


def dense_update(inputs: int, outputs: int) -> Sweep:
    shapes = {"x": (inputs,), "delta": (outputs,), "bias": (outputs,), "weight": (inputs, outputs)}
    shapes |= {"scratch": (outputs,)}
    call = f"tp_dense_update_f32(x, delta, weight, bias, (tp_index *)scratch, 0x1p-6f, {inputs}U, {outputs}U, kept, 1);"
    return Sweep("dense update", f"{inputs} × {outputs}", (Piece(shapes, call),))


def dense_backward(inputs: int, outputs: int) -> Sweep:
    shapes = {"x": (inputs,), "delta": (outputs,), "bias": (outputs,), "weight": (inputs, outputs)}
    shapes |= {"scratch": (outputs,)}
    call = f"tp_dense_bwd_f32(x, delta, weight, bias, (tp_index *)scratch, 0x1p-6f, {inputs}U, {outputs}U, kept, 0, 1);"
    return Sweep("dense error + update", f"{inputs} × {outputs}", (Piece(shapes, call),))


def convolution_backward(channels: int, side: int, filters: int) -> Sweep:
    """Three by three, padding 1, with the 2 × 2 pool behind it: as in CNN-S."""
    pooled = side // 2
    shapes = {
        "x": (channels, side, side),
        "delta": (filters, pooled, pooled),
        "argmax": (filters * pooled * -(-pooled // 4) // 4,),
        "weight": (filters, channels, 3, 3),
        "bias": (filters,),
        "error": (channels, side, side),
        "scratch": (max(4 * filters, 2 * pooled * pooled + 2),),
    }
    geometry = f"((tp_conv2d){{{channels}, {side}, {side}, {filters}, {side}, {side}, 3, 3, 1, 1, 1, 1, 1, 1, 1}})"
    calls = (
        f"tp_conv2d_error_f32_k3p1w2(x, delta, (const uint8_t *)argmax, weight, error, (tp_kept *)scratch, {geometry}, "
        "1, 1);",
        f"tp_conv2d_update_f32_k3p1w2(x, delta, (const uint8_t *)argmax, weight, bias, (tp_kept_at *)scratch, 0x1p-6f, "
        f"{geometry}, 1);",
    )
    pieces = tuple(Piece(shapes, call) for call in calls)
    return Sweep("convolution error + update", f"{channels}×{side}×{side} → {filters}, pooled", pieces, ("argmax",))


SWEEPS: tuple[Sweep, ...] = (dense_update(784, 32), dense_backward(64, 256), convolution_backward(8, 8, 16))


def swept(
    sweeps: Sequence[Sweep], board: Board, toolchain: str, points: int = 33, report: Callable[[], None] = lambda: None
) -> tuple[Curve, ...]:
    """One curve each, at about `points` values of k from none to all. report: called after each curve."""
    pieces = [piece for sweep in sweeps for piece in sweep.pieces]
    curves = []
    with workbench(pieces, board, toolchain) as bench:
        first = 0
        for sweep in sweeps:
            numbers = range(first, first + len(sweep.pieces))
            values, order = _values(sweep)
            costs = {}
            for kept in _steps(sweep.entries, points):
                arrays = values | {"delta": _only(values["delta"], order[:kept])}
                costs[kept] = [bench.run(number, arrays, kept)[0] for number in numbers]
            curves.append(curve(sweep, toolchain, {kept: _sum(parts) for kept, parts in costs.items()}))
            first = numbers.stop
            report()
    return tuple(curves)


def curve(sweep: Sweep, toolchain: str, costs: Mapping[int, Cost]) -> Curve:
    """The record of one sweep, k → cost."""
    kept, instructions = np.array(list(costs)), np.array([cost.instructions for cost in costs.values()])
    fitted = kept < FIT_BELOW * sweep.entries
    slope, intercept = np.polyfit(kept[fitted], instructions[fitted], 1)
    off = instructions[fitted] - (intercept + slope * kept[fitted])
    spread = instructions[fitted] - instructions[fitted].mean()
    return Curve(
        title=sweep.title,
        size=sweep.size,
        toolchain=toolchain,
        kept=tuple(kept.tolist()),
        instructions=tuple(instructions.tolist()),
        cycles=tuple(cost.cycles for cost in costs.values()),
        fitted_up_to=int(kept[fitted].max()),
        slope=float(slope),
        intercept=float(intercept),
        r_squared=float(1.0 - (off**2).sum() / (spread**2).sum()),
    )


def _values(sweep: Sweep) -> tuple[dict[str, np.ndarray], np.ndarray]:
    """Numbers for its arrays, the same each time, and the order in which entries of δ are kept."""
    random = np.random.default_rng(0)
    values = {}
    for name, shape in sweep.shapes.items():
        if name in sweep.packed:
            places = random.integers(0, 256, (int(np.prod(shape)), 4), dtype=np.uint8)
            places[:, 3] &= 0x3F  # no NaN when looked at as a float
            values[name] = places.view("<f4").reshape(shape)
        elif name not in ("error", "scratch"):
            values[name] = random.uniform(0.1, 1.0, shape).astype(np.float32)
    return values, random.permutation(sweep.entries)


def _only(delta: np.ndarray, kept: np.ndarray) -> np.ndarray:
    chosen = np.zeros(delta.size, dtype=np.float32)
    chosen[kept] = delta.reshape(-1)[kept]
    return chosen


def _steps(entries: int, points: int) -> list[int]:
    return sorted({round(entries * i / (points - 1)) for i in range(points)})


def _sum(parts: Iterable[Cost]) -> Cost:
    costs = list(parts)
    cycles = [cost.cycles for cost in costs if cost.cycles is not None]
    whole = sum(cycles) if len(cycles) == len(costs) else None
    return Cost(sum(cost.instructions for cost in costs), whole)
