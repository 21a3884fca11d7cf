"""One battery over every engine: what the interface promises holds on each of them."""

import pickle
import shutil

import numpy as np
import pytest

from tinyprop.errors import UserError
from tinyprop.targets import DeviceEngine, HostEngine, TrainingStopped, build

LIMITS = {
    "host": ("zig", "gcc"),
    "nano33ble": ("zig", "arm-none-eabi-gcc"),
    "mps2-an386": ("zig", "arm-none-eabi-gcc"),
    "rp2040": ("zig", "arm-none-eabi-gcc"),
    "esp32c3": ("zig", "riscv64-unknown-elf-gcc"),
}
CASES = [(target, toolchain) for target in LIMITS for toolchain in ("zig", "gcc")]


@pytest.fixture(scope="module", params=CASES, ids="-".join)
def engine(request, toy):
    target, toolchain = request.param
    needed = [LIMITS[target][1]] * (toolchain == "gcc") + ["qemu-system-arm"] * (target == "mps2-an386")
    missing = [tool for tool in needed if shutil.which(tool) is None]
    if missing:
        pytest.skip(f"{' and '.join(missing)} not installed")
    with build(toy(), (4,), target, toolchain) as built:
        yield built


@pytest.fixture(autouse=True)
def _fresh(engine):
    engine.reset()


def test_facts(engine):
    facts = engine.facts
    assert (facts.inputs, facts.outputs, facts.layers, facts.parameters, facts.memory_bytes) == (4, 3, 1, 15, 80)


def test_training_equals_numpy_bit_for_bit(engine, toy_samples, toy_oracle):
    x, y = toy_samples
    trace = engine.fit(x, y, lr=0.02)
    expected, parameters = toy_oracle(x, y, 0.02)
    np.testing.assert_array_equal(engine.parameters(), parameters)
    for column in ("loss", "predicted", "skipped", "kept"):
        np.testing.assert_array_equal(getattr(trace, column), getattr(expected, column), err_msg=column)


def test_what_is_counted_where(engine, toy_samples):
    trace = engine.fit(*toy_samples, lr=0.3, epochs=2)
    assert 0 < trace.skipped.sum() < len(trace) == 300
    if isinstance(engine, DeviceEngine):
        assert trace.macs_forward is None
        has_fpu = engine.firmware.board.fpu != "none"
        assert 100 < trace.instructions.min() < trace.instructions.max() < (1000 if has_fpu else 10_000)
        assert trace.instructions[trace.skipped].max() < trace.instructions[~trace.skipped].min()
    else:
        assert trace.instructions is None
        np.testing.assert_array_equal(trace.macs_forward, np.full(300, 12))
        np.testing.assert_array_equal(trace.macs_backward, np.where(trace.skipped, 0, 12))
        np.testing.assert_array_equal(trace.looks, np.full(300, 3))


def test_a_run_in_two_parts_is_the_same_run(engine, toy_samples):
    x, y = toy_samples
    engine.fit(x, y)
    whole = engine.parameters()
    engine.reset()
    engine.fit(x[:70], y[:70])
    engine.predict(x)
    engine.fit(x[70:], y[70:])
    np.testing.assert_array_equal(engine.parameters(), whole)


def test_seed_shuffles_every_epoch_and_repeats(engine, toy_samples):
    x, y = toy_samples
    runs = []
    for seed in (3, 3, 4, None):
        engine.reset()
        runs.append(engine.fit(x, y, epochs=2, lr=0, seed=seed).loss)
    np.testing.assert_array_equal(runs[0], runs[1])
    assert (runs[0] != runs[2]).any()
    assert (runs[0][:150] != runs[0][150:]).any()
    np.testing.assert_array_equal(runs[3][:150], runs[3][150:])
    np.testing.assert_array_equal(np.sort(runs[0]), np.sort(runs[3]))


def test_logits_predictions_accuracy(engine, toy_samples, toy_initial):
    x, y = toy_samples
    logits = engine.logits(x)
    expected = x.astype(np.float64) @ toy_initial[:12].reshape(4, 3) + toy_initial[12:]
    assert logits.dtype == np.float32
    np.testing.assert_allclose(logits, expected, rtol=1e-5, atol=1e-5)
    np.testing.assert_array_equal(engine.predict(x), logits.argmax(axis=1))
    assert engine.accuracy(x, y) == pytest.approx(100 * np.mean(logits.argmax(axis=1) == y))


def test_parameters_go_in_and_come_out(engine, toy_initial):
    values = np.linspace(-1, 1, 15, dtype=np.float32)
    engine.set_parameters(values)
    np.testing.assert_array_equal(engine.parameters(), values)
    engine.reset()
    np.testing.assert_array_equal(engine.parameters(), toy_initial)


def test_a_step_that_fails_ends_the_run_and_says_where(engine, toy_samples, toy_oracle):
    x, y = toy_samples[0].copy(), toy_samples[1]
    x[100] = 3e38
    initial = np.full(15, 2.0, dtype=np.float32)
    engine.set_parameters(initial)
    with pytest.raises(TrainingStopped, match=r"step 100 of 150, on sample 100: .* is NaN or infinite: check") as stop:
        engine.fit(x, y, lr=1e-4)
    expected, parameters = toy_oracle(x[:100], y[:100], 1e-4, initial)
    np.testing.assert_array_equal(engine.parameters(), parameters)
    np.testing.assert_array_equal(stop.value.trace.loss, expected.loss)
    elsewhere = pickle.loads(pickle.dumps(stop.value))
    assert str(elsewhere) == str(stop.value)
    np.testing.assert_array_equal(elsewhere.trace.loss, expected.loss)


def test_an_inference_that_fails_says_which(engine, toy_samples):
    x = toy_samples[0].copy()
    x[80] = 3e38
    engine.set_parameters(np.full(15, 2.0))
    with pytest.raises(UserError, match="sample 80: an input, target, parameter, output or loss is NaN or infinite"):
        engine.logits(x)


def test_progress_is_told_to_the_end(engine, toy_samples, monkeypatch):
    monkeypatch.setattr(engine, "_chunk", min(engine._chunk, 100))  # a host takes so few in one call
    told = []
    engine.fit(*toy_samples, epochs=3, progress=lambda done, total: told.append((done, total)))
    assert len(told) > 1
    assert told == sorted(told)
    assert told[-1] == (450, 450)


def test_progress_bar_is_drawn(engine, toy_samples, capsys, monkeypatch):
    monkeypatch.setenv("FORCE_COLOR", "1")  # rich takes the captured stderr for a terminal
    monkeypatch.setattr("tinyprop.targets.progress.PATIENCE_S", -1.0)
    engine.fit(*toy_samples)
    assert "training on" in capsys.readouterr().err


def test_no_bar_where_nobody_looks(engine, toy_samples, capsys, monkeypatch):
    monkeypatch.setattr("tinyprop.targets.progress.PATIENCE_S", -1.0)
    engine.fit(*toy_samples)
    monkeypatch.setenv("FORCE_COLOR", "1")
    engine.fit(*toy_samples, progress=False)
    assert capsys.readouterr().err == ""


def test_closed_engine_says_so(toy):
    engine = HostEngine(toy(), (4,))
    engine.close()
    engine.close()
    with pytest.raises(UserError, match="this engine is closed"):
        engine.parameters()


def test_engines_of_one_library_keep_their_own_weights(toy, toy_samples, toy_initial):
    first, second = HostEngine(toy(), (4,)), HostEngine(toy(), (4,))
    first.fit(*toy_samples)
    np.testing.assert_array_equal(second.parameters(), toy_initial)


def test_unknown_target_and_toolchain(toy):
    with pytest.raises(UserError, match="unknown target 'hots': did you mean 'host'"):
        build(toy(), (4,), "hots")
    with pytest.raises(UserError, match="unknown toolchain 'zag': did you mean 'zig'"):
        build(toy(), (4,), "host", "zag")
