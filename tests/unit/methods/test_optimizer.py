"""SGD and StepDecay as records: what they refuse, what they cost, and their arithmetic by hand."""

import numpy as np
import pytest

import tinyprop
from tinyprop.errors import UserError

BAD_SGD = [
    *({"momentum": value} for value in (-0.1, 1.0, 1.0 - 1e-12, float("nan"), "0.9", True, None)),
    *({"weight_decay": value} for value in (-1e-3, float("inf"), 1e39, "small", None)),
    *({"clip": value} for value in (0.0, -1.0, 1e-50, float("inf"), float("nan"), "1", False)),
]
BAD_DECAY = [
    *({"initial": value} for value in (-0.1, float("inf"), 1e39, "0.1", None)),
    *({"factor": value} for value in (-0.5, 1.5, float("nan"), "half")),
    *({"every": value} for value in (0, -3, 2.5, "10", True, float("inf"))),
]


@pytest.mark.parametrize("settings", BAD_SGD, ids=str)
def test_sgd_names_a_setting_out_of_range(settings) -> None:
    [(name, value)] = settings.items()
    with pytest.raises(UserError) as raised:
        tinyprop.SGD(**settings)
    assert f"{name}={value!r}: choose a" in str(raised.value)


@pytest.mark.parametrize("settings", BAD_DECAY, ids=str)
def test_step_decay_names_a_setting_out_of_range(settings) -> None:
    [(name, value)] = settings.items()
    with pytest.raises(UserError) as raised:
        tinyprop.StepDecay(**{"initial": 0.1, "factor": 0.5, "every": 10, **settings})
    assert f"{name}={value!r}: choose a" in str(raised.value)


def test_only_momentum_costs_memory_between_steps() -> None:
    costs = [sgd.ram_bytes(100) for sgd in (tinyprop.SGD(), tinyprop.SGD(0.9), tinyprop.SGD(weight_decay=0.1, clip=1))]
    assert costs == [0, 400, 0]


def test_an_error_above_the_bound_is_scaled_to_it_and_any_other_is_left() -> None:
    error = np.array([3, 0, -4], np.float32)
    assert tinyprop.SGD(clip=2.5).clipped(error).tolist() == [1.5, 0, -2]
    assert tinyprop.SGD(clip=5).clipped(error) is error
    assert tinyprop.SGD().clipped(error) is error
    assert tinyprop.SGD(clip=1).clipped(np.array([3e38, -1], np.float32)).tolist() == [0, 0]  # its square overflows


def test_a_rate_falls_in_steps_by_products_rounded_one_by_one() -> None:
    decay = tinyprop.StepDecay(0.1, 0.3, every=2)
    wanted, rate = [], np.float32(0.1)
    for _ in range(4):
        wanted += [rate, rate]
        rate *= np.float32(0.3)
    assert decay.rates(7).tolist() == [float(w) for w in wanted[:7]]
    assert decay.rates(7).dtype == np.float32
    assert tinyprop.StepDecay(0.1, 0.3, every=10**12).rates(3).tolist() == [np.float32(0.1)] * 3


def test_rates_end_at_zero_without_a_warning() -> None:
    assert tinyprop.StepDecay(1e-30, 0.01, every=1).rates(20)[-1] == 0
