"""The rules on vectors small enough to check by hand, and the settings they refuse."""

import numpy as np
import pytest

from tinyprop.errors import UserError
from tinyprop.methods.rules.keep_above import KeepAbove
from tinyprop.methods.rules.keep_all import KeepAll
from tinyprop.methods.rules.keep_diffused import KeepDiffused
from tinyprop.methods.rules.keep_ratio import KeepRatio
from tinyprop.methods.rules.magnitude import abs_sum
from tinyprop.methods.rules.never_skip import NeverSkip
from tinyprop.methods.rules.rule import LayerState, Selected, SelectionRule
from tinyprop.methods.rules.skip_by_error import SkipByError
from tinyprop.methods.rules.skip_by_loss import SkipByLoss

NAN, INFINITY = float("nan"), float("inf")


def select(rule: SelectionRule, *delta: float, order: list[int] | None = None, y_max: float = 0) -> Selected:
    values = np.array(delta, dtype=np.float32)
    place = np.arange(values.size) if order is None else np.array(order)
    return rule.select(LayerState(np.float32(y_max)), values, values.size, place)[1]


def test_keep_all_counts_what_is_not_zero() -> None:
    selected = select(KeepAll(), 0.0, -2.0, 1e-45, -0.0)
    assert selected.kept.tolist() == [False, True, True, False]
    assert selected.looks == 0
    assert not selected.stop
    assert select(KeepAll(), 0.0, 0.0).stop


def test_keep_above_takes_the_bar_itself_and_counts_three_looks() -> None:
    delta = [6.0, -4.0, 2.0, -2.0, 1.0, 1.0, -1.0, 1.0, *[0.0] * 8]  # root mean square 2
    selected = select(KeepAbove(1.0), *delta)
    assert selected.delta.tolist() == [6.0, -4.0, 2.0, -2.0, *[0.0] * 12]
    assert selected.kept.sum() == 4
    assert selected.looks == 3 * 16


def test_all_is_kept_where_nothing_reaches_the_bar() -> None:
    assert select(KeepAbove(1.5), 1.0, 1.0, -1.0).delta.tolist() == [1.0, 1.0, -1.0]
    assert select(KeepAbove(1.5), 0.0, 0.0).stop


def test_keep_above_never_keeps_zeros_and_stops_when_there_is_nothing_else() -> None:
    assert select(KeepAbove(0.0), 0.0, 1.0, 0.0).kept.tolist() == [False, True, False]
    assert select(KeepAbove(0.0), 0.0, 0.0).stop


def diffused(theta: float, *channels: list[float]) -> Selected:
    delta = np.float32(channels)
    return KeepDiffused(theta).select(LayerState(), delta, delta.size, np.arange(delta.size))[1]


def test_what_is_below_the_bar_is_carried_along_its_channel() -> None:
    selected = diffused(1.0, [3.0, 1.0, 1.0, 0.0, 1.0, -1.0], [0.0, 2.0, 0.5, -0.5, 0.0, 0.0])  # the bar: 1.21
    assert selected.delta.tolist() == [[3.0, 0.0, 2.0, 0.0, 0.0, 0.0], [0.0, 2.0, 0.0, 0.0, 0.0, 0.0]]
    assert selected.kept.tolist() == (selected.delta != 0).tolist()
    assert selected.looks == 24


def test_nothing_is_carried_from_one_channel_to_the_next() -> None:
    assert diffused(1.5, [0.0, 1.0], [1.0, 0.0], [0.0, -1.0]).stop
    assert diffused(1.5, [1.0, 1.0, -1.0]).delta.tolist() == [[0.0, 2.0, 0.0]]


def test_zeros_are_never_kept_whatever_is_carried_to_them() -> None:
    assert diffused(1.0, [1.0, 0.0, 3.0, 0.0]).delta.tolist() == [[0.0, 0.0, 4.0, 0.0]]
    assert diffused(0.0, [0.0, 1.0, 0.0]).kept.tolist() == [[False, True, False]]
    assert diffused(0.0, [0.0, 0.0]).stop


def test_all_is_kept_where_the_norm_is_beyond_float32() -> None:
    assert diffused(1.0, [1e30, 0.0, -1e30]).delta.tolist() == np.float32([[1e30, 0.0, -1e30]]).tolist()
    assert diffused(1.0, [1e30, 0.0, -1e30]).looks == 3
    assert select(KeepAbove(1.0), 1e30, 0.0, -1e30).kept.all()


def test_nothing_is_kept_where_all_cancels() -> None:
    assert diffused(1.25, [1.0, -1.0] * 8).stop


def test_a_bar_of_minus_zero_and_no_entries_at_all_are_no_surprise() -> None:
    assert diffused(-0.0, [0.0, 1.0, 0.0]).kept.tolist() == [[False, True, False]]
    assert select(KeepAbove(1.0)).stop


def test_all_is_kept_where_a_selection_would_not_pay() -> None:
    three, four = [4.0] * 3 + [1.0] * 5, [4.0] * 4 + [1.0] * 4
    assert select(KeepAbove(0.5), *three).kept.sum() == 3
    assert select(KeepAbove(0.5), *four).kept.all()
    assert select(KeepAbove(0.5), *four).looks == 2 * 8
    falling = [4.0, 3.0, 2.0, 1.0, 0.5, 0.0, 0.0, 0.0]
    assert select(KeepRatio(3 / 8, 3 / 8), *falling).kept.sum() == 3
    assert select(KeepRatio(4 / 8, 4 / 8), *falling).kept.all()
    assert select(KeepRatio(4 / 8, 4 / 8), *falling).looks == 8


def test_keep_ratio_is_the_published_formula() -> None:
    rule = KeepRatio(s_min=0.1, s_max=0.5, scale=0.5)
    assert rule.quota(np.float32(1), 100) == 25
    assert rule.quota(np.float32(0.5), 100) == 15
    assert rule.quota(np.float32(0), 100) == 5
    assert rule.quota(np.float32(0), 10) == 1  # 0.5 rounds up
    assert rule.quota(np.float32(0), 9) == 0
    assert KeepRatio(0.1, 0.5, 0.5, k_min=1).quota(np.float32(0), 9) == 1
    assert KeepRatio(1.0, 1.0).quota(np.float32(1), 7) == 7


def test_keep_ratio_takes_the_sample_into_the_maximum_first() -> None:
    rule = KeepRatio(0.0, 1 / 3)
    delta = np.float32([3, 1, 0, 0, 0, 0])
    state, selected = rule.select(LayerState(np.float32(1)), delta, 6, np.arange(6))
    assert state.y_max == 4  # the ratio is 1, so 2 places are free
    assert selected.kept.tolist() == [True, True, False, False, False, False]
    state, selected = rule.select(LayerState(np.float32(8)), delta, 6, np.arange(6))
    assert state.y_max == 8
    assert selected.kept.tolist() == [True, False, False, False, False, False]


def test_keep_ratio_gives_ties_to_the_lower_unpooled_index() -> None:
    two = KeepRatio(1 / 3, 1 / 3)
    assert select(two, 1, -1, 1, 1, 1, 1).kept.tolist() == [True, True, False, False, False, False]
    ordered = select(two, 1, -1, 1, 1, 1, 1, order=[7, 3, 9, 0, 8, 10])
    assert ordered.kept.tolist() == [False, True, False, True, False, False]


def test_keep_ratio_counts_unpooled_outputs() -> None:
    delta = np.float32([1, 2, 3, 4, 0, 0])
    selected = KeepRatio(1 / 12, 1 / 12).select(LayerState(), delta, 24, np.arange(6))[1]
    assert selected.kept.tolist() == [False, False, True, True, False, False]


def test_keep_ratio_stops_when_nothing_is_kept() -> None:
    assert select(KeepRatio(0, 0), 1, 2).stop
    assert select(KeepRatio(0, 0, k_min=1), 0, 0, 0).stop
    assert not select(KeepRatio(0, 0, k_min=1), 0, 2, 0).stop


def test_the_sum_of_errors_runs_from_left_to_right() -> None:
    tiny = np.full(1000, 2.0**-25, np.float32)
    assert abs_sum(np.concatenate([np.float32([-1]), tiny])) == 1  # each tiny term is lost against 1
    assert abs_sum(np.float32([])) == 0


def test_skip_by_error_is_relative_to_the_largest_so_far() -> None:
    rule = SkipByError(0.5)
    state, skip = rule.skip(LayerState(), np.float32(9), np.float32(2))
    assert (state.y_max, skip) == (2, False)
    state, skip = rule.skip(state, np.float32(9), np.float32(1))
    assert not skip  # exactly theta
    state, skip = rule.skip(state, np.float32(9), np.float32(0.9))
    assert skip
    assert state.y_max == 2
    assert SkipByError(0.5).skip(LayerState(), np.float32(9), np.float32(0))[1]  # no error at all: nothing to learn


def test_skip_by_loss_and_never_skip() -> None:
    for loss, skipped in ((0.04, True), (0.05, False), (0.06, False)):
        assert SkipByLoss(0.05).skip(LayerState(), np.float32(loss), np.float32(0))[1] is skipped
    assert not NeverSkip().skip(LayerState(), np.float32(0), np.float32(0))[1]


@pytest.mark.parametrize(
    ("rule", "settings", "message"),
    [
        (
            KeepAbove,
            {"theta": -1},
            "KeepAbove was given theta=-1, which cannot be: choose a finite number of 0 or more.",
        ),
        (KeepAbove, {"theta": NAN}, "theta=nan"),
        (
            KeepDiffused,
            {"theta": -1},
            "KeepDiffused was given theta=-1, which cannot be: choose a finite number of 0 or",
        ),
        (KeepDiffused, {"theta": NAN}, "theta=nan"),
        (KeepRatio, {"s_min": -0.1, "s_max": 1}, "s_min=-0.1"),
        (KeepRatio, {"s_min": 0.1, "s_max": 1.1}, "s_max=1.1"),
        (KeepRatio, {"s_min": 0.4, "s_max": 0.3}, "KeepRatio was given s_min=0.4 above s_max=0.3: swap or equal them."),
        (KeepRatio, {"s_min": 0.1, "s_max": 0.3, "scale": 2.0}, "scale=2.0"),
        (KeepRatio, {"s_min": 0.1, "s_max": 0.3, "k_min": -1}, "k_min=-1, which cannot be: choose a whole number"),
        (KeepRatio, {"s_min": 0.1, "s_max": 0.3, "k_min": 1.5}, "k_min=1.5, which cannot be: choose a whole number"),
        (SkipByError, {"theta": -1}, "theta=-1"),
        (SkipByLoss, {"tau": -0.1}, "tau=-0.1, which cannot be: choose a finite number of 0 or more."),
        (SkipByLoss, {"tau": NAN}, "tau=nan"),
        (SkipByLoss, {"tau": INFINITY}, "tau=inf"),
    ],
)
def test_impossible_settings_are_refused_in_one_sentence(rule: type, settings: dict, message: str) -> None:
    with pytest.raises(UserError) as error:
        rule(**settings)
    assert message in str(error.value)
