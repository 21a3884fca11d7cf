"""What each method says about a network of three layers, and how methods are found by name."""

from collections.abc import Iterable
from dataclasses import replace

import numpy as np
import pytest

from battery.rules import EVERY_RULE
from tinyprop.errors import UserError
from tinyprop.methods import (
    METHODS,
    BiasOnly,
    Full,
    FullZeroSkip,
    LastLayers,
    LayerInfo,
    LossSkip,
    MemorisedTopK,
    Ours,
    OursAtEffort,
    PartialUpdates,
    RandomK,
    SparseUpdate,
    TinyPropV1,
    TinyPropV2,
    TinyTrain,
    TopK,
    TrainSpec,
    method_named,
)
from tinyprop.methods.chosen_layers import number_of, places_in
from tinyprop.methods.rules.keep_above import KeepAbove
from tinyprop.methods.rules.keep_all import KeepAll
from tinyprop.methods.rules.keep_channels import KeepChannels
from tinyprop.methods.rules.keep_diffused import KeepDiffused
from tinyprop.methods.rules.keep_memorised import KeepMemorised
from tinyprop.methods.rules.keep_moving import FACTS, KeepMoving
from tinyprop.methods.rules.keep_random import KeepRandom
from tinyprop.methods.rules.keep_ratio import KeepRatio
from tinyprop.methods.rules.keep_steered import KeepSteered
from tinyprop.methods.rules.never_skip import NeverSkip
from tinyprop.methods.rules.rule import LayerState
from tinyprop.methods.rules.skip_by_error import SkipByError
from tinyprop.methods.rules.skip_by_loss import SkipByLoss

LAYERS = (
    LayerInfo("conv1", 2048, 80, macs=(18_432, 18_432)),
    LayerInfo("conv2", 1024, 1168, macs=(73_728, 73_728)),
    LayerInfo("output", 10, 2570, macs=(2_560, 2_560)),
)


def test_full_training_computes_every_value() -> None:
    everything = (KeepAll(), KeepAll(), KeepAll())
    assert Full().spec(LAYERS) == TrainSpec("full", False, NeverSkip(), everything)
    assert FullZeroSkip().spec(LAYERS) == TrainSpec("full_zero_skip", True, NeverSkip(), everything)


def test_fixed_top_k_keeps_a_share_whatever_the_error_was() -> None:
    fixed = KeepRatio(0.1, 0.1, 1.0, k_min=1)
    assert TopK().spec(LAYERS) == TrainSpec("top_k", True, NeverSkip(), (fixed, fixed, KeepAll()))
    assert fixed == TopK(ratio=0.1).spec(LAYERS).selections[0]
    assert {fixed.quota(np.float32(ratio), 1024) for ratio in (0.0, 0.001, 0.5, 1.0)} == {102}
    assert TopK(ratio=0.0).spec(LAYERS).selections[0].quota(np.float32(1), 1024) == 1


def test_fixed_top_k_keeps_the_largest_k() -> None:
    rule = TopK(ratio=0.25).spec(LAYERS).selections[0]
    delta = np.arange(-8, 8, dtype=np.float32)
    _, selected = rule.select(LayerState(np.float32(1e6)), delta, 16, np.arange(16))
    assert set(delta[selected.kept]) == {-8, -7, -6, 7}


def test_loss_skip_is_full_training_of_what_is_not_learned_yet() -> None:
    everything = (KeepAll(), KeepAll(), KeepAll())
    assert LossSkip().spec(LAYERS) == TrainSpec("loss_skip", True, SkipByLoss(0.05), everything)


def test_the_last_layers_are_counted_from_the_output() -> None:
    assert LastLayers().spec(LAYERS).selections == (None, None, KeepAll())
    assert LastLayers(layers=2).spec(LAYERS).selections == (None, KeepAll(), KeepAll())
    assert LastLayers(layers=9).spec(LAYERS).selections == (KeepAll(), KeepAll(), KeepAll())
    last, norm = LayerInfo("last", 10, 2570, scaled_by="norm"), LayerInfo("norm", 10, 20)
    assert LastLayers().spec((*LAYERS, last, norm)).selections == (None, None, None, KeepAll(), KeepAll())


def test_biases_train_alone_below_a_whole_output_layer() -> None:
    def layer(name: str, bias: bool = True) -> LayerInfo:
        return LayerInfo(name, 10, 110, weight=f"{name}.weight", bias=f"{name}.bias" if bias else None)

    spec = BiasOnly().spec((layer("a"), layer("b", bias=False), layer("c"), layer("output")))
    assert spec.selections == (KeepAll(), None, KeepAll(), KeepAll())
    assert spec.frozen == ("a.weight", "c.weight")
    assert BiasOnly().spec((layer("output", bias=False),)).selections == (KeepAll(),)


def named(name: str, bias: bool = True, scaled_by: str | None = None) -> LayerInfo:
    return LayerInfo(name, 10, 110, weight=f"{name}.weight", bias=f"{name}.bias" if bias else None, scaled_by=scaled_by)


def test_a_sparse_update_is_of_chosen_weights_and_of_the_last_biases() -> None:
    layers = (named("e"), named("d"), named("c"), named("b", bias=False), named("a"), named("output"))
    spec = SparseUpdate(weights=0b1010, biases=3).spec(layers)  # the weights of b (p = 2) and d (p = 4)
    assert spec.selections == (None, KeepAll(), KeepAll(), KeepAll(), KeepAll(), KeepAll())
    assert spec.frozen == ("d.bias", "c.weight", "a.weight")
    assert SparseUpdate(0, 0).spec(layers).selections == (None,) * 5 + (KeepAll(),)
    assert SparseUpdate(2**30, 0).spec(layers).selections == (None,) * 5 + (KeepAll(),)  # no such layer here
    assert SparseUpdate(0, 2).spec(layers).selections == (None, None, None, None, KeepAll(), KeepAll())
    whole = SparseUpdate(2**5 - 1, 5).spec(layers)
    assert (whole.selections, whole.frozen) == ((KeepAll(),) * 6, ())


def test_a_sparse_update_takes_a_layer_and_its_batch_norm_as_one() -> None:
    layers = (named("b"), named("a", bias=False, scaled_by="norm"), named("norm"), named("output"))
    spec = SparseUpdate(weights=2, biases=1).spec(layers)
    assert spec.selections == (KeepAll(), None, KeepAll(), KeepAll())
    assert spec.frozen == ("b.bias", "norm.weight")
    assert SparseUpdate(weights=1, biases=0).spec(layers).selections == (None, KeepAll(), KeepAll(), KeepAll())


def test_tiny_train_trains_the_output_layer_and_the_chosen_whole() -> None:
    layers = (named("c"), named("b"), named("a"), named("output"))
    spec = TinyTrain(layers=5).spec(layers)
    assert (spec.selections, spec.frozen) == ((KeepAll(), None, KeepAll(), KeepAll()), ())
    assert TinyTrain(layers=0).spec(layers).selections == (None, None, None, KeepAll())


def test_layers_and_the_number_that_stands_for_them() -> None:
    assert (number_of([]), number_of([1]), number_of([3, 1, 3]), number_of([53])) == (0, 1, 5, 2**52)
    for places in ([], [1], [2, 53], range(1, 54)):
        assert places_in(number_of(places)) == set(places)


def test_random_k_draws_apart_in_each_layer_and_keeps_its_share() -> None:
    rules = RandomK(0.25).spec(LAYERS).selections
    assert rules == (KeepRandom(0.25, 0), KeepRandom(0.25, 1), KeepAll())
    assert RandomK(0.4).spec(LAYERS).selections == (KeepAll(),) * 3
    delta = np.ones(20_000, np.float32)
    masks = [rule.select(LayerState(), delta, delta.size, np.arange(delta.size))[1].kept for rule in rules[:2]]
    assert [mask.mean() for mask in masks] == pytest.approx([0.25, 0.25], abs=0.01)
    assert (masks[0] & masks[1]).mean() == pytest.approx(0.25**2, abs=0.01)
    runs = masks[0][1:] & masks[0][:-1]
    assert runs.mean() == pytest.approx(0.25**2, abs=0.01)


def test_tinyprop_v1_damps_from_the_output_layer_down_and_keeps_one_at_least() -> None:
    selections = tuple(KeepRatio(0.1, 0.9, scale, k_min=1) for scale in (0.25, 0.5, 1.0))
    assert TinyPropV1().spec(LAYERS) == TrainSpec("tinyprop_v1", True, NeverSkip(), selections)


def test_tinyprop_v2_counts_the_dense_output_layer_as_the_first() -> None:
    spec = TinyPropV2(s_min=0.2, s_max=0.4, zeta=0.5, theta_skip=0.03).spec(LAYERS)
    assert spec.selections == (KeepRatio(0.2, 0.4, 0.25), KeepRatio(0.2, 0.4, 0.5), KeepAll())
    assert spec.skip == SkipByError(0.03)
    assert spec.skip_zeros
    assert TinyPropV2() == TinyPropV2(s_min=0.1, s_max=0.5, zeta=1.0, theta_skip=0.1)


def test_ours_keeps_above_a_bar_below_the_dense_output_layer() -> None:
    spec = Ours().spec(LAYERS)
    assert spec == TrainSpec("ours", True, SkipByLoss(0.2), (KeepAbove(0.8), KeepAbove(0.8), KeepAll()))


def test_ours_diffuses_where_a_weight_is_used_at_several_positions() -> None:
    conv, narrow = LayerInfo("conv", 2048, 80, positions=256), LayerInfo("narrow", 64, 80, positions=1)
    layers = (conv, LayerInfo("depthwise", 2048, 80, positions=256, per_channel=True), narrow, LAYERS[-1])
    assert Ours(carry=2).spec(layers).selections == (KeepDiffused(2), KeepAll(), KeepAbove(0.8), KeepAll())


def test_no_method_selects_where_channels_do_not_mix() -> None:
    mixing = LayerInfo("conv", 2048, 80, positions=256, macs=(18_432, 18_432))
    layers = (mixing, replace(mixing, per_channel=True, macs=(9, 9)), mixing, LAYERS[-1])
    all_selections = [method().spec(layers).selections for method in METHODS.values()]
    everything = (KeepAll(), None)
    assert all(depthwise in everything for _, depthwise, *_ in all_selections)
    assert sum(first not in everything for first, *_ in all_selections) >= 7


def test_a_budget_is_shared_by_the_layers_that_select() -> None:
    conv, depthwise = LayerInfo("conv", 2048, 80, macs=(800, 0)), LayerInfo("d", 99, 9, per_channel=True, macs=(50, 50))
    hidden, output = LayerInfo("hidden", 64, 80, macs=(400, 400)), LayerInfo("output", 10, 110, macs=(50, 50))
    layers = (conv, depthwise, hidden, output)  # 800 + 100 + 800 + 100, of which 1,600 select
    spec = OursAtEffort(effort=0.2).spec(layers)
    assert spec.selections == (KeepSteered((0.2 * 1800 - 200) / 1600), KeepAll(), KeepSteered(0.1), KeepAll())
    assert OursAtEffort(effort=1.0).spec(layers).selections == (KeepAll(),) * 4
    assert OursAtEffort(effort=1.0).spec((output,)).selections == (KeepAll(),)
    with pytest.raises(UserError, match=r"take 1\.000 alone; choose 1 or more"):
        OursAtEffort(effort=0.9).spec((output,))
    with pytest.raises(UserError, match=r"effort=0.1 cannot be reached: .* take 0.111 alone; choose 0.12 or more"):
        OursAtEffort(effort=0.1).spec(layers)


def test_a_steered_bar_rises_while_too_much_is_kept_and_falls_while_nothing_is() -> None:
    rule, delta = KeepSteered(0.1), np.linspace(-1, 1, 100, dtype=np.float32)
    state, bars, kept = LayerState(), [], []
    for _ in range(400):
        state, selected = rule.select(state, delta, delta.size, np.arange(delta.size))
        bars.append(float(state.bar))
        kept.append(int(selected.kept.sum()))
    assert bars[0] > 1  # at first it is 1, and many reach it
    assert np.mean(kept[-100:]) == pytest.approx(10, abs=0.5)
    state = LayerState(bar=np.float32(50))
    after, selected = rule.select(state, delta, delta.size, np.arange(delta.size))
    assert not selected.kept.any()
    assert after.bar < state.bar


def test_what_is_left_over_waits_and_comes_back() -> None:
    rule = KeepMemorised(0.25, share=0.5)
    assert MemorisedTopK(0.25, 0.5).spec(LAYERS).selections == (rule, rule, KeepAll())

    def step(state: LayerState, *delta: float) -> tuple[LayerState, list[float], list[float]]:
        after, selected = rule.select(state, np.array(delta, np.float32), len(delta), np.arange(len(delta)))
        return after, selected.delta.tolist(), np.frombuffer(after.residual, np.float32).tolist()

    state, kept, left = step(LayerState(), 4, -2, 1, 8, 0, 0, 0, 0)
    assert (kept, left) == ([4, 0, 0, 8, 0, 0, 0, 0], [0, -1, 0.5, 0, 0, 0, 0, 0])
    state, kept, left = step(state, 0.5, 0, 0.25, 0, 0, 0.125, 0, 0)  # the second is held back
    assert (kept, left) == ([0.5, 0, 0.75, 0, 0, 0, 0, 0], [0, -1, 0, 0, 0, 0.0625, 0, 0])
    state, kept, left = step(state, 0, -1, 0, 1.5, 1, -0.0625, 0, 0)  # the sixth cancels to nothing
    assert (kept, left) == ([0, -2, 0, 1.5, 0, 0, 0, 0], [0, 0, 0, 0, 0.5, 0, 0, 0])
    state, kept, left = step(state, 0, 0, np.inf, np.inf, 1, 0, 0, -np.inf)  # which no memory holds
    assert left == [0, 0, 0, 0, 0.75, 0, 0, 0]


def test_a_layer_that_keeps_all_has_nothing_to_remember() -> None:
    delta = np.arange(1, 9, dtype=np.float32)
    for ratio, entries in ((0.3, 8), (0.5, 0)):
        rule = KeepMemorised(ratio)
        state, selected = rule.select(LayerState(), delta, 8, np.arange(8))
        assert (rule.residuals(8, 8), len(state.residual), selected.kept.all()) == (entries, 4 * entries, not entries)


def test_partial_updates_keep_whole_channels_as_many_as_the_loss_asks_for() -> None:
    rule = KeepChannels(0.1, 0.3)
    assert PartialUpdates(0.1, 0.3).spec(LAYERS).selections == (rule, rule, KeepAll())
    delta = np.zeros((20, 2, 3), np.float32)
    delta[:, 0, :2] = np.arange(1, 21)[:, None] * [[1, -1]]
    delta[7] *= -3  # the largest sum, 48
    state, kept = LayerState(), []
    for loss in (2.0, 1.0, 0.0, 4.0, 2.0):
        state, selected = rule.select(state, delta, delta.size, np.arange(delta.size), loss=np.float32(loss))
        kept.append(sorted(set(np.nonzero(selected.kept)[0].tolist())))
        assert np.array_equal(selected.kept, (delta != 0) & np.isin(np.arange(20), kept[-1])[:, None, None])
    assert kept == [[7, *range(15, 20)], [7, 17, 18, 19], [7, 19], [7, *range(15, 20)], [7, 17, 18, 19]]
    assert state.y_max == 4


def test_a_layer_and_the_batch_norm_that_scales_it_count_as_one() -> None:
    conv1, norm1 = LayerInfo("conv1", 2048, 80, scaled_by="norm1"), LayerInfo("norm1", 2048, 16)
    last, norm2 = LayerInfo("last", 10, 2570, scaled_by="norm2"), LayerInfo("norm2", 10, 20)
    scales = (0.25, 0.25, 0.5, 1.0, 1.0)
    layers = (conv1, norm1, LAYERS[1], last, norm2)
    assert TinyPropV1().spec(layers).selections == tuple(KeepRatio(0.1, 0.9, scale, k_min=1) for scale in scales)
    assert TinyPropV2(zeta=0.9).spec((norm1, norm2)).selections == (KeepRatio(0.1, 0.5, 0.9), KeepAll())
    assert Ours().spec((conv1, last, norm2)).selections == (KeepAbove(0.8), KeepAll(), KeepAll())


def test_velocity_is_how_much_the_change_of_the_answers_changes() -> None:
    """Five neurons on two samples, by hand: one turns, one rests, one wakes, one falls silent, one never answers."""
    rule, state = KeepMoving(eps=0.15, mu=0.5, samples=2), LayerState()
    looks = [
        [(1, 0), (2, 2), (0, 0), (3, 4), (0, 0)],
        [(0.6, 0.8), (1, 1), (1, 0), (0, 0), (0, 0)],  # similarities 0.6, 1, 0, 0, 1
        [(0, 1), (3, 3), (2, 0), (0, 0), (0, 0)],  # 0.8, 1, 1, 1, 1
        [(0, 5), (4, 4), (1, 0), (0, 0), (0, 0)],  # 1, 1, 1, 1, 1
    ]
    expected = [[0, 0, 0, 0, 0], [-0.4, 0, -1, -1, 0], [0.4, 0, 1.5, 1.5, 0], [0, 0, -0.75, -0.75, 0]]
    for number, (answers, velocities) in enumerate(zip(looks, expected, strict=True)):
        for sample in range(2):
            y = np.array([both[sample] for both in answers], np.float32)
            state, _ = rule.compare(state, y, sample)
        state, _ = rule.judge(state, 5, 1, first=number == 0)
        facts = np.frombuffer(state.residual, np.float32)[-FACTS * 5 :].reshape(FACTS, 5)
        np.testing.assert_allclose(facts[1], velocities, rtol=1e-5, atol=1e-6)
        settled = [number > 0 and abs(v) < 0.15 for v in velocities]
        assert facts[2].tolist() == settled
        _, selected = rule.select(state, np.ones(5, np.float32), 5, np.arange(5))
        assert selected.kept.tolist() == [not still for still in settled]
        assert selected.looks == 5


def test_the_methods_of_the_batteries_use_every_rule() -> None:
    def rules(names: Iterable[str]) -> set[type]:
        specs = [METHODS[name]().spec(LAYERS) for name in names]
        return {type(rule) for spec in specs for rule in (spec.skip, *spec.selections) if rule is not None}

    elsewhere = {KeepChannels, KeepMemorised, KeepMoving, KeepRandom, KeepSteered}  # which call or are like the others
    assert rules(METHODS) - rules(EVERY_RULE) == elsewhere


def test_a_method_is_found_by_name_with_its_settings() -> None:
    assert method_named("ours", drop=0.5) == Ours(drop=0.5)
    assert method_named("full") == Full()


@pytest.mark.parametrize(
    ("name", "settings", "message"),
    [
        ("tinyprop-v2", {}, "unknown method 'tinyprop-v2': did you mean 'tinyprop_v2'?"),
        (
            "ours",
            {"teta": 0.1},
            "method 'ours' was given 'teta', which is not one of its settings: it has drop, carry, tau.",
        ),
        ("full", {"theta": 1}, "method 'full' was given 'theta', which is not one of its settings: it has none."),
        ("tinyprop_v2", {"zeta": 1.1}, "TinyPropV2 was given zeta=1.1, which is no fraction"),
        ("tinyprop_v2", {"theta_skip": -1}, "TinyPropV2 was given theta_skip=-1, which is no fraction"),
        ("tinyprop_v2", {"s_min": 0.6}, "s_min=0.6 above s_max=0.5"),
        ("tinyprop_v1", {"s_max": float("nan")}, "s_max=nan"),
        ("tinyprop_v1", {"zeta": -0.5}, "TinyPropV1 was given zeta=-0.5"),
        ("top_k", {"ratio": 1.5}, "TopK was given ratio=1.5, which is no fraction"),
        ("loss_skip", {"tau": float("inf")}, "tau=inf"),
        ("last_layers", {"layers": 0}, "LastLayers was given layers=0, by which nothing trains"),
        ("last_layers", {"layers": 1.5}, "layers=1.5, which cannot be: choose a whole number"),
        ("ours_at_effort", {"effort": 0}, "effort=0, by which nothing trains"),
        ("ours_at_effort", {"effort": 1.5}, "OursAtEffort was given effort=1.5, which is no fraction"),
        ("random_k", {"ratio": -0.1}, "RandomK was given ratio=-0.1, which is no fraction"),
        ("memorised_top_k", {"ratio": 2}, "MemorisedTopK was given ratio=2, which is no fraction"),
        ("memorised_top_k", {"memory": -0.1}, "MemorisedTopK was given memory=-0.1, which is no fraction"),
        ("velocity", {"eps": -0.1}, "eps=-0.1, which cannot be"),
        ("velocity", {"mu": 0.6}, "mu=0.6: choose a number from 0 to 0.5"),
        ("velocity", {"samples": 0}, "samples is 0: choose a whole number from 1 to 4194304"),
        ("velocity", {"period": 2.5}, "period=2.5, which cannot be: choose a whole number"),
        ("velocity", {"period": 2**23}, "period is 8388608: choose a whole number from 1 to 4194304"),
        ("sparse_update", {"weights": -1}, "SparseUpdate was given weights=-1, which is no set of layers"),
        ("sparse_update", {"weights": 2**53}, "which is no set of layers"),
        ("sparse_update", {"weights": 2.0**53}, "which is no set of layers"),
        ("sparse_update", {"weights": float("nan")}, "weights=nan, which is no set of layers"),
        ("sparse_update", {"biases": 0.5}, "biases=0.5, which cannot be: choose a whole number of 0 or more"),
        ("tiny_train", {"layers": 1.5}, "TinyTrain was given layers=1.5, which is no set of layers"),
        ("tiny_train", {"layers": "3"}, "layers='3', which is no set of layers"),
        ("partial_updates", {"lambda_min": 1.5}, "PartialUpdates was given lambda_min=1.5, which is no fraction"),
        ("partial_updates", {"lambda_min": 0.5, "lambda_max": 0.2}, "lambda_min=0.5 above lambda_max=0.2"),
        ("ours", {"drop": -2}, "Ours was given drop=-2"),
        ("ours", {"carry": -1}, "Ours was given carry=-1"),
        ("ours", {"tau": -1}, "tau=-1"),
    ],
)
def test_wrong_names_and_settings_are_refused(name: str, settings: dict[str, float], message: str) -> None:
    with pytest.raises(UserError) as error:
        method_named(name, **settings)
    assert message in str(error.value)
