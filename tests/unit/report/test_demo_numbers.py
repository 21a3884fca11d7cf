"""The arithmetic behind the report's tables and drawings."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tinyprop.bench.report.demo import InstructionSplit, Row
from tinyprop.bench.report.demo.instructions_figure import (
    BACKWARD,
    FORWARD,
    REST,
    SELECTION,
    instructions_figure,
    phase_of,
)
from tinyprop.bench.report.demo.kept_figure import moving_mean
from tinyprop.bench.report.demo.table import groups_of, summaries_of
from tinyprop.bench.report.spread import spread

FULL = Row("CNN", "a", "full", 60, 90, 1, 1, 0, 2000, 2000, 1, 1, 1, "x", "x", 0, (0,), 1, 1)


def method(name, accuracy, effort, **changed) -> Row:
    return replace(FULL, method=name, accuracy_after=accuracy, effort_bwd=effort, **changed)


def test_best_is_the_cheapest_within_one_point_of_full():
    cheap_but_off, near, dear = method("v1", 88.9, 0.01), method("v2", 89.0, 0.1), method("ours", 91.0, 0.2)
    (group,) = groups_of([FULL, cheap_but_off, near, dear])
    assert group.best == "v2"
    assert group.close == {"full", "v2", "ours"}


def test_nothing_is_highlighted_without_full_training():
    (group,) = groups_of([method("ours", 91.0, 0.2)])
    assert group.best is None
    assert not group.close


def test_groups_keep_the_order_of_first_appearance():
    rows = [replace(FULL, model=model, scenario=scenario) for model, scenario in ("Ma", "Ka", "Mb", "Ma")]
    assert [(group.model, group.scenario, len(group.rows)) for group in groups_of(rows)] == [
        ("M", "a", 2),
        ("K", "a", 1),
        ("M", "b", 1),
    ]


def test_summary_compares_each_group_with_its_own_full_training():
    rows = [
        FULL,
        method("ours", 89.0, 0.1, instructions_mean=500),
        replace(FULL, scenario="b", accuracy_after=70.0),
        method("ours", 71.0, 0.3, scenario="b", instructions_mean=1000),
    ]
    ours = summaries_of(groups_of(rows))[1]
    assert ours.points_mean == pytest.approx(0.0)
    assert ours.points_worst == pytest.approx(-1.0)
    assert ours.effort_bwd == pytest.approx(0.2)
    assert ours.instructions == pytest.approx(0.375)


def test_moving_mean_against_a_loop():
    values = np.array([4.0, 0.0, 2.0, 6.0, 1.0])
    expected = [np.mean(values[max(0, end - 3) : end]) for end in range(1, 6)]
    np.testing.assert_allclose(moving_mean(values, 3), expected)


@given(st.lists(st.floats(0, 1), min_size=0, max_size=8), st.floats(0.01, 0.3))
def test_spread_keeps_order_and_distance(wanted, gap):
    wanted = np.array(wanted)
    placed = spread(wanted, gap)
    in_order = placed[np.argsort(wanted, kind="stable")]
    assert np.all(np.diff(in_order) >= gap * (1 - 1e-9))


def test_spread_leaves_alone_what_does_not_collide():
    np.testing.assert_allclose(spread(np.array([0.9, 0.1, 0.5]), 0.2), [0.9, 0.1, 0.5])


def test_spread_pools_a_collision_around_its_middle():
    np.testing.assert_allclose(spread(np.array([0.5, 0.5, 0.9]), 0.2), [0.4, 0.6, 0.9])


@pytest.mark.parametrize(
    ("function", "phase"),
    [
        ("tp_conv2d_max_pool_fwd_f32", FORWARD),
        ("tp_softmax_cross_entropy_f32", FORWARD),
        ("tp_conv2d_error_f32", BACKWARD),
        ("tp_dense_update_f32", BACKWARD),
        ("tp_max_pool2d_bwd_f32", BACKWARD),
        ("tp_keep_above_f32", SELECTION),
        ("tp_skip_by_error_f32", SELECTION),
        ("memset", REST),
    ],
)
def test_phase_by_name(function, phase):
    assert phase_of(function) is phase


def test_small_functions_join_their_phase_and_nothing_is_lost():
    functions = {"tp_a_fwd": 90_000.0, "tp_b_fwd": 500.0, "tp_c_fwd": 400.0, "tp_d_update": 300.0, "memset": 9.0}
    figure = instructions_figure(InstructionSplit("CNN", "a", {"full": functions}))
    names = [piece.name for _, pieces in figure.key for piece in pieces]
    assert names == ["tp_a_fwd", "other forward", "other backward", "everything else"]
    assert "91.2 k" in figure.svg
