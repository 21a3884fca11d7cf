"""Selection and skipping: each NumPy rule equals its C twin, decision by decision, and a brute-force double loop."""

import ctypes
import shutil
import subprocess
import sys
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.datasets import load_digits

import tinyprop.errors
from tinyprop.methods.rules.keep_above import KeepAbove
from tinyprop.methods.rules.keep_all import KeepAll
from tinyprop.methods.rules.keep_channels import KeepChannels
from tinyprop.methods.rules.keep_diffused import KeepDiffused
from tinyprop.methods.rules.keep_memorised import KeepMemorised
from tinyprop.methods.rules.keep_moving import FACTS, KeepMoving
from tinyprop.methods.rules.keep_random import KeepRandom
from tinyprop.methods.rules.keep_ratio import KeepRatio
from tinyprop.methods.rules.keep_steered import GAIN, KeepSteered
from tinyprop.methods.rules.magnitude import LEAST, abs_sum, bar_of, bar_over_norm, norm
from tinyprop.methods.rules.rule import LayerState, Selected, SelectionRule
from tinyprop.methods.rules.skip_by_error import SkipByError
from tinyprop.methods.rules.skip_by_loss import SkipByLoss
from tinyprop.methods.rules.top_k_cost import RANKED

ENGINE = Path(tinyprop.errors.__file__).parent / "engine"
KERNELS = (
    "tp_abs_sum_f32",
    "tp_norm_f32",
    "tp_sqrtf",
    *(
        f"tp_keep_{rule}_f32"
        for rule in ("all", "above", "channels", "diffused", "memorised", "moving", "random", "ratio", "steered")
    ),
    "tp_compare_response_f32",
    "tp_judge_responses_f32",
)
SKIPS = ("tp_skip_by_error_f32", "tp_skip_by_loss_f32")
FLAGS = ["-std=c99", "-O2", "-Wall", "-Wextra", "-Wpedantic", "-Wconversion", "-Wdouble-promotion", "-Wvla", "-Werror"]
FLAGS += ["-ffp-contract=off", "-fPIC", "-shared", "-DTP_INSTRUMENT", f"-I{ENGINE / 'include'}"]
TRAPS = ["-fsanitize=undefined", "-fsanitize-undefined-trap-on-error"]  # whatever is undefined ends the tests
COUNTERS = '#include "tp_instrument.h"\ntp_counts tp_counts_now;\n'
FLOATS = [np.float32(v) for v in (0, 0.0, 1e-45, 3e-45, 1e-38, 1e-3, 0.25, 0.25, 0.5, 1, 1, 3, 1e30)]


class CLayerState(ctypes.Union):
    """tp_layer_state."""

    _fields_ = (("y_max", ctypes.c_float), ("drawn", ctypes.c_uint32), ("bar", ctypes.c_float))


class CCounts(ctypes.Structure):
    """tp_counts."""

    _fields_ = tuple((name, ctypes.c_uint64) for name in ("macs_forward", "macs_backward", "looks"))


@dataclass(frozen=True)
class Pooled:
    """A layer fused with a pool: stored rows of `row` entries, and where in its window each maximum was found."""

    argmax: np.ndarray
    row: int
    height: int
    width: int

    def order(self) -> np.ndarray:
        """Un-pooled index of each stored entry."""
        pooled_y, x = np.divmod(np.arange(self.argmax.size), self.row)
        dy, dx = np.divmod(self.argmax.astype(np.int64), self.width)
        return (pooled_y * self.height + dy) * self.row * self.width + x * self.width + dx


class Twins:
    """The C side, called with the arguments a generated program would pass."""

    def __init__(self, library: ctypes.CDLL) -> None:
        self.library = library
        self.counts = CCounts.in_dll(library, "tp_counts_now")

    def select(
        self,
        rule: SelectionRule,
        state: LayerState,
        delta: np.ndarray,
        n: int,
        pooled: Pooled | None = None,
        loss: float = 0.0,
    ) -> tuple[LayerState, np.ndarray, int, int]:
        """(state after, δ after, entries kept, looks)."""
        after, c_state = delta.copy(), CLayerState(state.y_max)
        pointer, size = ctypes.c_void_p(after.ctypes.data), ctypes.c_uint32(delta.size)
        self.counts.looks = 0
        function = getattr(self.library, rule.c_function)
        match rule:
            case KeepAll():
                kept = function(pointer, size)
            case KeepAbove(theta):
                kept = function(pointer, size, ctypes.c_float(bar_over_norm(theta, delta.size)), 1)
            case KeepChannels(low, high):
                channels, sums = len(delta), np.full(len(delta), np.nan, np.float32)
                shares = (ctypes.c_float(v) for v in (low, high, loss))
                working = (ctypes.c_void_p(sums.ctypes.data), ctypes.byref(c_state))
                kept = function(pointer, channels, delta.size // channels, *shares, *working)
            case KeepDiffused(theta):
                channels = len(delta)
                kept = function(
                    pointer, channels, delta.size // channels, ctypes.c_float(bar_over_norm(theta, delta.size))
                )
            case KeepMemorised() if not rule.residuals(delta.size, n):
                return LayerState(), *self.select(rule.of_sum, LayerState(), delta, n, pooled)[1:]
            case KeepMemorised(ratio, share):
                residual = np.frombuffer(state.residual or bytes(4 * delta.size), np.float32).copy()
                settings = (ctypes.c_float(ratio), ctypes.c_float(share), ctypes.c_void_p(residual.ctypes.data))
                argmax = ctypes.c_void_p(pooled.argmax.ctypes.data if pooled else None)
                window = (pooled.row, pooled.height, pooled.width) if pooled else (1, 1, 1)
                kept = function(pointer, size, n, *settings, argmax, *window, 0)
                return LayerState(residual=residual.tobytes()), after, kept, self.counts.looks
            case KeepMoving():
                channels = len(delta)
                facts = np.frombuffer(state.residual or bytes(4 * FACTS * channels), np.float32)[-FACTS * channels :]
                settled = facts[2 * channels :].copy()
                kept = function(pointer, channels, delta.size // channels, ctypes.c_void_p(settled.ctypes.data))
                return state, after, kept, self.counts.looks
            case KeepRandom():
                c_state.drawn = int(state.drawn)
                kept = function(pointer, size, ctypes.c_uint32(rule.bound), rule.key, ctypes.byref(c_state))
                return LayerState(drawn=np.uint32(c_state.drawn)), after, kept, self.counts.looks
            case KeepSteered():
                c_state.bar = float(state.bar)
                channels = len(delta)
                floats = (bar_over_norm(1.0, delta.size), np.float32(1 - GAIN), rule.per_entry(n))
                settings = (ctypes.c_float(v) for v in floats)
                kept = function(pointer, channels, delta.size // channels, *settings, ctypes.byref(c_state))
                return LayerState(bar=np.float32(c_state.bar)), after, kept, self.counts.looks
            case KeepRatio(s_min, s_max, scale, k_min):
                shares = (ctypes.c_float(v) for v in (s_min, s_max, scale))
                argmax = ctypes.c_void_p(pooled.argmax.ctypes.data if pooled else None)
                window = (pooled.row, pooled.height, pooled.width) if pooled else (1, 1, 1)
                kept = function(pointer, size, n, *shares, k_min, ctypes.byref(c_state), argmax, *window, 0)
        return LayerState(np.float32(c_state.y_max)), after, kept, self.counts.looks

    def look(self, rule: KeepMoving, memory: np.ndarray, answers: np.ndarray, *, first: bool) -> tuple[np.ndarray, int]:
        """(memory behind a look at answers (samples, channels, positions), looks)."""
        after, (samples, channels, positions) = memory.copy(), answers.shape
        place, self.counts.looks = ctypes.c_void_p(after.ctypes.data), 0
        for sample, y in enumerate(answers):
            given = (ctypes.c_void_p(np.ascontiguousarray(y).ctypes.data), channels, positions)
            self.library.tp_compare_response_f32(*given, sample, samples, place)
        numbers = (ctypes.c_float(rule.eps), ctypes.c_float(rule.mu))
        self.library.tp_judge_responses_f32(channels, positions, samples, *numbers, int(first), place)
        return after, self.counts.looks


@pytest.fixture(scope="module")
def twins(tmp_path_factory: pytest.TempPathFactory) -> Twins:
    """The selection kernels as a host library that counts its looks."""
    folder = tmp_path_factory.mktemp("selection")
    (folder / "counters.c").write_text(COUNTERS)
    gcc = shutil.which("gcc")
    compiler = [gcc, *TRAPS] if gcc else [sys.executable, "-m", "ziglang", "cc"]
    sources = [folder / "counters.c", *(ENGINE / "src" / f"{name}.c" for name in (*KERNELS, *SKIPS))]
    library = folder / "selection.so"
    subprocess.run([*compiler, *FLAGS, *sources, "-o", library], check=True)
    loaded = ctypes.CDLL(str(library))
    loaded.tp_abs_sum_f32.restype = loaded.tp_norm_f32.restype = ctypes.c_float
    return Twins(loaded)


def assert_same(
    twins: Twins,
    rule: SelectionRule,
    state: LayerState,
    delta: np.ndarray,
    n: int,
    pooled: Pooled | None = None,
    loss: float = 0.0,
) -> tuple[LayerState, Selected]:
    """One decision in Python and in C: mask, count, looks and state are equal."""
    order = pooled.order() if pooled else np.arange(delta.size)
    seen = {"loss": np.float32(loss)} if rule.reads_loss else {}
    after, selected = rule.select(state, delta, n, order, **seen)
    c_after, c_delta, c_kept, c_looks = twins.select(rule, state, delta, n, pooled, loss)
    np.testing.assert_array_equal(c_delta, delta if isinstance(rule, KeepAll) else selected.delta)
    assert (c_kept, c_looks) == (np.count_nonzero(selected.kept), selected.looks)
    assert c_after == after
    return after, selected


def brute_force_top_k(delta: np.ndarray, k: int, order: np.ndarray) -> list[bool]:
    """An entry stays when fewer than k others beat it, or when k is over 3/8: the definition, in two loops."""
    if k > delta.size * 3 / 8:
        return [True] * delta.size
    kept = []
    for i in range(delta.size):
        beaten_by = 0
        for j in range(delta.size):
            a, b = abs(delta[i]), abs(delta[j])
            beaten_by += b > a or (b == a and order[j] < order[i])
        kept.append(bool(delta[i] != 0 and beaten_by < k))
    return kept


def spread(rng: np.random.Generator, size: int) -> np.ndarray:
    """δ as a ReLU layer sees it: half zeros, the rest over many octaves."""
    values = rng.normal(size=size) * np.exp(rng.normal(size=size) * 2)
    return (values * (rng.random(size) < 0.5)).astype(np.float32)


def hostile(rng: np.random.Generator, size: int) -> dict[str, np.ndarray]:
    """Vectors on which a search for a threshold may go wrong."""
    sign = rng.choice([-1, 1], size)
    tied = rng.choice([0.25, 0.5, 1.0], size)
    every_octave = np.ldexp(1.0, rng.integers(-149, 118, size))
    return {
        "all zero": np.zeros(size, np.float32),
        "negative zeros": np.full(size, -0.0, np.float32),
        "one value": (sign * 0.7).astype(np.float32),
        "three values": (sign * tied).astype(np.float32),
        "neighbours": (sign * np.nextafter(np.float32(1), np.float32(2), dtype=np.float32)).astype(np.float32),
        "denormal": (sign * rng.integers(0, 50, size) * 1.4e-45).astype(np.float32),
        "every octave": (sign * every_octave).astype(np.float32),
        "one giant": np.where(np.arange(size) == size // 2, 1e38, 1e-30 * rng.random(size)).astype(np.float32),
        "ascending": np.linspace(0, 1, size, dtype=np.float32),
        "spread": spread(rng, size),
    }


@pytest.mark.parametrize("size", [1, 2, 10, 33, 300])
@pytest.mark.parametrize("share", [0.0, 0.02, 0.1, 0.3, 0.4, 0.9, 1.0])
def test_top_k_of_hostile_vectors(twins: Twins, size: int, share: float) -> None:
    for name, delta in hostile(np.random.default_rng(size), size).items():
        _, selected = assert_same(twins, KeepRatio(share, share), LayerState(), delta, size)
        k = KeepRatio(share, share).quota(np.float32(1), size)
        assert selected.kept.tolist() == brute_force_top_k(delta, k, np.arange(size)), name
        if k <= size * 3 / 8:
            assert selected.kept.sum() == min(k, np.count_nonzero(delta)), name


def test_a_sum_beyond_float32_keeps_the_least(twins: Twins) -> None:
    delta = np.full(8, 3e38, np.float32)
    for k_min in (0, 2):
        state, selected = assert_same(twins, KeepRatio(0.5, 0.5, k_min=k_min), LayerState(), delta, delta.size)
        assert np.isinf(state.y_max)
        assert selected.kept.sum() == k_min


@pytest.mark.parametrize("tied", [False, True])
@pytest.mark.parametrize(("rows", "row", "height", "width"), [(1, 4, 2, 2), (6, 5, 2, 2), (8, 7, 3, 2), (40, 3, 2, 3)])
def test_ties_under_a_pool_follow_the_unpooled_order(
    twins: Twins, rows: int, row: int, height: int, width: int, tied: bool
) -> None:
    rng = np.random.default_rng(rows)
    size = rows * row
    for share in (0.02, 0.05, 0.1, 0.2):
        pooled = Pooled(rng.integers(0, height * width, size).astype(np.uint8), row, height, width)
        delta = np.full(size, -0.5, np.float32) if tied else rng.choice([0, 0.5, -0.5, 2], size).astype(np.float32)
        n = size * height * width
        _, selected = assert_same(twins, KeepRatio(share, share), LayerState(), delta, n, pooled)
        k = KeepRatio(share, share).quota(np.float32(1), n)
        assert selected.kept.tolist() == brute_force_top_k(delta, k, pooled.order())


@pytest.mark.parametrize("size", [63, 64, 65, 72, 100, 129])
@pytest.mark.parametrize("ratio", [0.02, 0.1, 0.3])
def test_looks_are_the_engines_where_the_search_changes(twins: Twins, size: int, ratio: float) -> None:
    for seed in range(5):
        assert_same(
            twins, KeepRatio(ratio, ratio, k_min=1), LayerState(), spread(np.random.default_rng(seed), size), size
        )


def recorded_deltas(steps: int) -> list[tuple[np.ndarray, ...]]:
    """δ of both hidden layers of a 64-48-40-10 network during real training on the digits of scikit-learn."""
    images, labels = load_digits(return_X_y=True)
    rng = np.random.default_rng(3)
    sizes = (64, 48, 40, 10)
    weights = [(rng.normal(size=(i, o)) * np.sqrt(2 / i)).astype(np.float32) for i, o in pairwise(sizes)]
    recorded = []
    for sample in rng.integers(0, len(images), steps):
        activations = [(images[sample] / 16).astype(np.float32)]
        for w in weights:
            activations.append(np.maximum(activations[-1] @ w, 0) if w is not weights[-1] else activations[-1] @ w)
        delta = np.exp(activations[-1] - activations[-1].max())
        delta = delta / delta.sum() - np.eye(10, dtype=np.float32)[labels[sample]]
        deltas = []
        for layer in reversed(range(3)):
            below = (weights[layer] @ delta) * (activations[layer] > 0)
            weights[layer] = weights[layer] - np.float32(0.02) * np.outer(activations[layer], delta)
            delta = below.astype(np.float32)
            deltas.append(delta)
        recorded.append(tuple(deltas[:2]))
    return recorded


@pytest.mark.parametrize(
    "rule",
    [
        KeepRatio(0.1, 0.3, 0.9),
        KeepRatio(0.1, 0.9, 0.25, k_min=1),
        KeepRatio(0, 0.1),
        KeepAbove(0.9),
        KeepChannels(0.1, 0.3),
        KeepDiffused(1.5),
        KeepMemorised(0.1),
        KeepMemorised(0.3, share=0.7),
        KeepRandom(0.3, stream=2),
        KeepRandom(1.0),
        KeepSteered(0.1),
        KeepSteered(1.0),
        KeepAll(),
    ],
    ids=str,
)
def test_a_recorded_run_decision_by_decision(twins: Twins, rule: SelectionRule) -> None:
    states = [LayerState(), LayerState()]
    most_looks = 0.0
    for deltas in recorded_deltas(400):
        for layer, delta in enumerate(deltas):
            states[layer], selected = assert_same(twins, rule, states[layer], delta, delta.size)
            most_looks = max(most_looks, selected.looks / delta.size)
    # Each output is a channel of its own; two more where m is added and taken back.
    assert most_looks <= (7 if isinstance(rule, KeepChannels | KeepMemorised) else 5)


def deltas(sizes: st.SearchStrategy[int]) -> st.SearchStrategy[np.ndarray]:
    """Vectors with many ties, zeros and extreme magnitudes."""
    signed = st.sampled_from(FLOATS).flatmap(lambda v: st.sampled_from([v, np.float32(-v)]))
    anything = st.floats(-100, 100, width=32).map(np.float32)
    return sizes.flatmap(lambda n: st.lists(st.one_of(signed, anything), min_size=n, max_size=n)).map(np.float32)


@settings(deadline=None, derandomize=True, max_examples=150)
@given(
    vectors=st.lists(deltas(st.integers(1, 130)), min_size=1, max_size=3),
    shares=st.tuples(st.floats(0, 1), st.floats(0, 1)).map(sorted),
    scale=st.floats(0, 1),
    k_min=st.integers(0, 3),
)
def test_top_k_equals_its_definition(
    twins: Twins, vectors: list[np.ndarray], shares: list[float], scale: float, k_min: int
) -> None:
    rule = KeepRatio(shares[0], shares[1], scale, k_min)
    state = LayerState()
    for delta in vectors:
        before, (state, selected) = state, assert_same(twins, rule, state, delta, delta.size)
        y = abs_sum(delta)
        assert state.y_max == max(before.y_max, y)
        k = rule.quota(y / state.y_max if state.y_max > 0 else np.float32(0), delta.size)
        assert min(k_min, delta.size) <= k <= delta.size
        assert selected.kept.tolist() == brute_force_top_k(delta, k, np.arange(delta.size))
        assert selected.looks <= 10 * delta.size + RANKED**2


@settings(deadline=None, derandomize=True, max_examples=150)
@given(delta=deltas(st.integers(1, 40)), theta=st.one_of(st.sampled_from([0.0, 0.5, 0.9, 1.0]), st.floats(0, 3)))
def test_keep_above_equals_its_definition(twins: Twins, delta: np.ndarray, theta: float) -> None:
    _, selected = assert_same(twins, KeepAbove(theta), LayerState(), delta, delta.size)
    bar = bar_of(theta, delta)
    above = [bool(d != 0 and abs(d) >= bar) for d in delta]
    all_of_it = sum(above) > len(above) * 3 / 8 or (not any(above) and not bar <= LEAST)
    assert selected.kept.tolist() == ([True] * len(above) if all_of_it else above)
    lost = np.linalg.norm(np.float64(delta) - np.float64(selected.delta))
    assert lost <= theta * np.linalg.norm(np.float64(delta)) * 1.0001 + 1e-20


def in_channels(delta: np.ndarray, channels: int) -> np.ndarray:
    """δ cut off where the last channel would not be full."""
    return delta[: delta.size // channels * channels].reshape(channels, -1)


def diffused(delta: np.ndarray, bar: np.float32) -> list[list[np.float32]]:
    """The definition, entry by entry."""
    after = []
    for channel in delta:
        carried, row = np.float32(0), []
        for entry in channel:
            carried = carried + entry
            stays = carried != 0 and abs(carried) >= bar
            row.append(carried if stays else np.float32(0))
            carried = np.float32(0) if stays else carried
        after.append(row)
    return after


@settings(deadline=None, derandomize=True, max_examples=150)
@given(
    delta=deltas(st.integers(8, 80)),
    channels=st.integers(1, 8),
    theta=st.one_of(st.sampled_from([0.0, 1.0, 1.5]), st.floats(0, 5)),
)
def test_keep_diffused_equals_its_definition(twins: Twins, delta: np.ndarray, channels: int, theta: float) -> None:
    delta = in_channels(delta, channels)
    _, selected = assert_same(twins, KeepDiffused(theta), LayerState(), delta, delta.size)
    bar = bar_of(theta, delta)
    if not np.isfinite(bar):
        assert selected.kept.all()
        return
    assert selected.delta.tolist() == diffused(delta, bar)
    assert selected.kept.tolist() == (selected.delta != 0).tolist()
    assert not (selected.kept & (delta == 0)).any()
    assert selected.kept.sum() * theta <= delta.size * 1.001 or bar < 1e-18
    lost = np.abs(delta.sum(axis=1, dtype=np.float64) - selected.delta.sum(axis=1, dtype=np.float64))
    assert (lost <= bar + 1e-5 * np.abs(delta).sum(axis=1, dtype=np.float64)).all()


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("rule", [KeepAbove(0.8), KeepAbove(0.0), KeepDiffused(1.25), KeepDiffused(0.0)], ids=str)
def test_what_is_not_finite_is_kept_alike_and_reaches_the_weights(
    twins: Twins, rule: SelectionRule, bad: float
) -> None:
    delta = np.linspace(-1, 1, 24, dtype=np.float32).reshape(3, 8)
    delta[1, 3] = bad
    _, selected = assert_same(twins, rule, LayerState(), delta, delta.size)
    assert not np.isfinite(selected.delta).all()


NOT_FINITE = {"NaN": [np.nan], "NaN with a sign": [-np.nan], "infinities": [np.inf, -np.inf], "both": [-np.inf, np.nan]}


@pytest.mark.parametrize("bad", NOT_FINITE)
@pytest.mark.parametrize("seen", [0.0, 2.0], ids=lambda seen: f"Y_max {seen:g}")
@pytest.mark.parametrize("size", [24, 64, 304])
@pytest.mark.parametrize(
    "rule",
    [
        *(KeepRatio(0.1, 0.3), KeepRatio(0.2, 0.2, k_min=1), KeepMemorised(0.1), KeepMemorised(0.3, share=0.7)),
        *(KeepChannels(0.1, 0.3), KeepChannels(0.3, 0.3), KeepAbove(0.8), KeepAbove(0.0), KeepDiffused(1.25)),
        KeepSteered(0.1),
    ],
    ids=str,
)
def test_what_is_not_finite_is_ranked_as_the_engine_ranks_it(
    twins: Twins, rule: SelectionRule, size: int, seen: float, bad: str
) -> None:
    """NaN above infinity, among equals the lower index, whatever was seen before."""
    rng = np.random.default_rng(size)
    values = np.float32(NOT_FINITE[bad])
    for dense in (False, True):
        delta = rng.normal(size=size).astype(np.float32)
        places = rng.choice(size, 6, replace=False)
        delta[places] = np.resize(values, 6)
        delta = delta.reshape((size, 1) if dense else (8, -1))
        state = LayerState(residual=bytes(4 * size)) if isinstance(rule, KeepMemorised) else LayerState()
        if rule.memory in ("y_max", "bar"):
            state = LayerState(**{rule.memory: np.float32(seen)})
        for loss in (1.0, np.nan, np.inf) if rule.reads_loss else (0.0,):
            assert_same(twins, rule, state, delta, size, loss=loss)


@pytest.mark.parametrize("shape", [(1, 1), (1, 9), (3, 7), (5, 8), (4, 33), (2, 4, 6)], ids=str)
@pytest.mark.parametrize("theta", [0.0, 0.5, 1.0, 2.0])
def test_hostile_vectors_are_diffused_alike(twins: Twins, shape: tuple[int, ...], theta: float) -> None:
    for delta in hostile(np.random.default_rng(len(shape)), int(np.prod(shape))).values():
        assert_same(twins, KeepDiffused(theta), LayerState(), delta.reshape(shape), delta.size)


@settings(deadline=None, derandomize=True, max_examples=100)
@given(delta=deltas(st.integers(0, 70)))
def test_sums_of_errors_are_the_same_to_the_bit(twins: Twins, delta: np.ndarray) -> None:
    for name, oracle in (("tp_abs_sum_f32", abs_sum), ("tp_norm_f32", norm)):
        in_c = getattr(twins.library, name)(ctypes.c_void_p(delta.ctypes.data), ctypes.c_uint32(delta.size))
        assert np.float32(in_c) == oracle(delta), name


@settings(deadline=None, derandomize=True, max_examples=100)
@given(errors=st.lists(st.one_of(st.just(0.0), st.floats(0, 2, width=32)), min_size=1), theta=st.floats(0, 1))
def test_skip_by_error_remembers_alike(twins: Twins, errors: list[float], theta: float) -> None:
    state, c_state = LayerState(), CLayerState(0)
    for y in np.float32(errors):
        state, skip = SkipByError(theta).skip(state, np.float32(0), y)
        c_skip = twins.library.tp_skip_by_error_f32(ctypes.byref(c_state), ctypes.c_float(y), ctypes.c_float(theta))
        assert (skip, state.y_max) == (bool(c_skip), np.float32(c_state.y_max))


@settings(deadline=None, derandomize=True, max_examples=100)
@given(loss=st.one_of(st.just(0.05), st.floats(0, 5)), tau=st.one_of(st.just(0.05), st.floats(0, 5)))
def test_skip_by_loss_decides_alike(twins: Twins, loss: float, tau: float) -> None:
    _, skip = SkipByLoss(tau).skip(LayerState(), np.float32(loss), np.float32(0))
    assert skip == bool(twins.library.tp_skip_by_loss_f32(ctypes.c_float(loss), ctypes.c_float(tau)))


@settings(deadline=None, derandomize=True, max_examples=100)
@given(
    vectors=st.lists(deltas(st.integers(8, 80)), min_size=1, max_size=4),
    channels=st.integers(1, 8),
    ratio=st.floats(0.01, 1),
    bar=st.one_of(st.just(0.0), st.floats(0.0625, 64, width=32)),
)
def test_a_steered_bar_is_the_engines(
    twins: Twins, vectors: list[np.ndarray], channels: int, ratio: float, bar: float
) -> None:
    """Over several steps, also from bars that nothing reaches and that everything does."""
    state = LayerState(bar=np.float32(bar))
    for delta in vectors:
        state, _ = assert_same(twins, KeepSteered(ratio), state, in_channels(delta, channels), delta.size)
        assert 0.0625 <= state.bar <= 64


def largest_channels(delta: np.ndarray, k: int) -> list[bool]:
    """A channel stays when fewer than k others beat it, or when k is over 3/8 of them."""
    sums = [abs_sum(channel) for channel in delta]
    beaten_by = [sum(b > a or (b == a and j < i) for j, b in enumerate(sums)) for i, a in enumerate(sums)]
    return [k > len(sums) * 3 / 8 or beaten < k for beaten in beaten_by]


@settings(deadline=None, derandomize=True, max_examples=150)
@given(
    vectors=st.lists(deltas(st.integers(40, 90)), min_size=1, max_size=3),
    channels=st.integers(1, 40),
    shares=st.tuples(st.floats(0, 1), st.floats(0, 1)).map(sorted),
    losses=st.lists(st.one_of(st.sampled_from([0.0, 1.0]), st.floats(0, 9, width=32)), min_size=3, max_size=3),
)
def test_channels_stay_or_go_whole(
    twins: Twins, vectors: list[np.ndarray], channels: int, shares: list[float], losses: list[float]
) -> None:
    rule, state = KeepChannels(*shares), LayerState()
    for vector, loss in zip(vectors, losses, strict=False):
        delta, before = in_channels(vector, channels), state
        state, selected = assert_same(twins, rule, state, delta, delta.size, loss=loss)
        assert state.y_max == max(before.y_max, np.float32(loss))
        ratio = np.float32(loss) / state.y_max if state.y_max > 0 else np.float32(0)
        k = min(max(int(rule.share(ratio) * np.float32(channels) + np.float32(0.5)), 1), channels)
        stay = np.array(largest_channels(delta, k))[:, None]
        assert np.array_equal(selected.kept, (delta != 0) & stay) or (stay.all() and selected.kept.all())
        assert selected.looks <= 2 * delta.size + 10 * channels + RANKED**2


def test_sums_of_channels_beyond_float32_keep_the_least(twins: Twins) -> None:
    delta = np.full((8, 4), 3e38, np.float32)
    delta[2:] = -1
    _, selected = assert_same(twins, KeepChannels(0.1, 0.3), LayerState(), delta, delta.size, loss=2.0)
    assert np.flatnonzero(selected.kept.any(axis=1)).tolist() == [0]


@settings(deadline=None, derandomize=True, max_examples=150)
@given(
    vectors=st.lists(deltas(st.just(40)), min_size=1, max_size=4),
    ratio=st.floats(0, 0.37),
    share=st.one_of(st.just(1.0), st.floats(0, 1)),
)
def test_what_is_not_kept_is_remembered(twins: Twins, vectors: list[np.ndarray], ratio: float, share: float) -> None:
    rule, state = KeepMemorised(ratio, share), LayerState(residual=bytes(160))
    for delta in vectors:
        before = np.frombuffer(state.residual, np.float32)
        state, selected = assert_same(twins, rule, state, delta, delta.size)
        total = np.where(delta != 0, delta + before, delta)
        k = max(int(np.float32(ratio) * np.float32(40) + np.float32(0.5)), 1)
        assert selected.kept.tolist() == brute_force_top_k(total, k, np.arange(40))
        left = np.where(selected.kept, np.float32(0), np.float32(share) * total)
        expected = np.where(delta != 0, left, before)
        np.testing.assert_array_equal(np.frombuffer(state.residual, np.float32), expected)


@pytest.mark.parametrize("share", [1.0, 0.7])
@pytest.mark.parametrize("value", [2e37, 3e37, 3e38])
def test_a_sum_of_what_is_remembered_beyond_float32_keeps_one(twins: Twins, value: float, share: float) -> None:
    """Each entry is finite, and their sum is where it is 16 times the smallest of these values."""
    rule, state = KeepMemorised(0.2, share), LayerState(residual=bytes(64))
    delta = np.full(16, value, np.float32)
    delta[5] = 0
    state, selected = assert_same(twins, rule, state, delta, delta.size)
    assert selected.kept.sum() == (3 if value == 2e37 else 1)
    assert np.count_nonzero(np.frombuffer(state.residual, np.float32)) == 15 - selected.kept.sum()


@pytest.mark.parametrize("size", [10, 16, 32, 64])
@pytest.mark.parametrize("k", range(1, 8))
def test_the_few_largest_of_a_short_vector(twins: Twins, size: int, k: int) -> None:
    """Also where the floor that is guessed is above the cut, and where fewer than k are not zero."""
    rng = np.random.default_rng(k)
    even = rng.uniform(0.9, 1.1, size).astype(np.float32)
    sparse = np.where(np.arange(size) % 5 == 3, np.float32(-2), np.float32(-0.0))
    giant = even.copy()
    giant[size // 3] = 1e6
    for delta in (even, -even, sparse, giant, np.round(even, 1), *(spread(rng, size) for _ in range(10))):
        _, selected = assert_same(twins, KeepRatio(k / size, k / size), LayerState(), delta, size)
        assert selected.kept.tolist() == brute_force_top_k(delta, k, np.arange(size))


def test_what_is_not_finite_is_not_remembered(twins: Twins) -> None:
    state = LayerState(residual=np.full(40, 3e38, np.float32).tobytes())
    delta = np.where(np.arange(40) < 30, np.float32(2e38), np.float32(0))
    state, selected = assert_same(twins, KeepMemorised(0.1), state, delta, delta.size)
    assert np.flatnonzero(selected.kept).tolist() == [0]
    assert np.frombuffer(state.residual, np.float32).tolist() == [0] * 30 + [np.float32(3e38)] * 10


def looked(rule: KeepMoving, state: LayerState, answers: np.ndarray, *, first: bool) -> tuple[LayerState, int]:
    """What the rule remembers behind a look at answers (samples, channels, positions), and looks taken."""
    total = 0
    for sample, y in enumerate(answers):
        state, count = rule.compare(state, y, sample)
        total += count
    state, count = rule.judge(state, *answers.shape[1:], first=first)
    return state, total + count


ANSWERS = st.one_of(st.sampled_from([*FLOATS, np.float32(np.inf), np.float32(np.nan)]), st.floats(-4, 4, width=32))


@settings(deadline=None, derandomize=True, max_examples=60)
@given(
    answers=st.lists(st.lists(ANSWERS, min_size=24, max_size=24), min_size=2, max_size=4),
    shape=st.sampled_from([(2, 4, 3), (3, 8, 1), (1, 2, 12), (4, 1, 6)]),
    eps=st.sampled_from([0.0, 1e-3, 0.5, 3.0]),
    mu=st.sampled_from([0.0, 0.3, 0.5]),
)
def test_who_is_at_equilibrium(
    twins: Twins, answers: list[list[float]], shape: tuple[int, int, int], eps: float, mu: float
) -> None:
    rule, channels = KeepMoving(eps, mu, shape[0]), shape[1]
    state, memory = LayerState(), np.zeros(rule.responses(*shape[1:]), np.float32)
    for number, flat in enumerate(answers):
        y = np.array(flat, np.float32).reshape(shape)
        state, counted = looked(rule, state, y, first=number == 0)
        memory, looks = twins.look(rule, memory, y, first=number == 0)
        np.testing.assert_array_equal(np.frombuffer(state.residual, np.float32), memory)
        assert np.isfinite(memory).all()  # else no checkpoint takes it
        assert looks == counted == 2 * y.size
        delta = np.resize(np.array([1, 0, -2], np.float32), shape[1:])
        _, selected = assert_same(twins, rule, state, delta, delta.size)
        settled = memory.reshape(-1, channels)[-2] if shape[2] == 1 else memory[-2 * channels : -channels]
        np.testing.assert_array_equal(selected.kept, (delta != 0) & (settled == 0)[:, None])
