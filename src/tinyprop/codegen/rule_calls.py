"""How each rule of a TrainSpec becomes C: two explicit tables, rule → call or condition."""

from collections.abc import Callable

from tinyprop.codegen.call import Call, Pass
from tinyprop.codegen.literals import c_flag, c_float, c_uint
from tinyprop.codegen.places import Places
from tinyprop.codegen.shape_names import cross, joined, word_if
from tinyprop.errors import UserError
from tinyprop.ir.graph import Node
from tinyprop.ir.op import LayerOp
from tinyprop.ir.ops.conv2d_max_pool import Conv2dMaxPool
from tinyprop.ir.train_program import BackwardStep
from tinyprop.methods.rules.keep_above import KeepAbove
from tinyprop.methods.rules.keep_all import KeepAll
from tinyprop.methods.rules.keep_channels import KeepChannels
from tinyprop.methods.rules.keep_diffused import KeepDiffused
from tinyprop.methods.rules.keep_memorised import KeepMemorised
from tinyprop.methods.rules.keep_moving import FACTS, KeepMoving
from tinyprop.methods.rules.keep_random import KeepRandom
from tinyprop.methods.rules.keep_ratio import KeepRatio
from tinyprop.methods.rules.keep_steered import GAIN, KeepSteered
from tinyprop.methods.rules.magnitude import bar_over_norm
from tinyprop.methods.rules.never_skip import NeverSkip
from tinyprop.methods.rules.skip_by_error import SkipByError
from tinyprop.methods.rules.skip_by_loss import SkipByLoss
from tinyprop.methods.spec import Selection, SkipRule, TrainSpec


def selection_text(places: Places, step: BackwardStep) -> Call | str:
    """What finds k for a layer: a call, or the count itself where every value is computed."""
    assert step.selection is not None
    if isinstance(step.selection, KeepAll) and not places.train.skips_zeros_of(step):
        return c_uint(_n(places, step))
    return SELECTIONS[type(step.selection)](places, step)


def without_twins(spec: TrainSpec) -> tuple[str, ...]:
    """The rules of `spec` that the engine has not, by name; none: it can train by it on a device."""
    selections = {type(rule) for rule in spec.selections if rule is not None}
    unknown = (selections - set(SELECTIONS)) | ({type(spec.skip)} - set(SKIPS))
    return tuple(sorted(rule.__name__ for rule in unknown))


def require_twins(spec: TrainSpec) -> None:
    """Raises UserError that names the rules of `spec` which the engine has not."""
    if unknown := without_twins(spec):
        names = ", ".join(unknown)
        raise UserError(
            f"method '{spec.method}' uses {names}, of which the engine has no twin: add one as docs/adding/method.md "
            f"says; until then OracleTrainer trains by it."
        )


def skip_condition(places: Places) -> str | None:
    """The C condition under which a sample's step is skipped, or None where none ever is."""
    return SKIPS[type(places.train.spec.skip)](places, places.train.spec.skip)


def _n(places: Places, step: BackwardStep) -> int:
    assert isinstance(step.node.op, LayerOp)
    return step.node.op.delta_count(places.train.program.value_in(step.node).shape)


def _stored(places: Places, step: BackwardStep) -> int:
    return places.train.program.value_out(step.node).size


def _keep_all(places: Places, step: BackwardStep) -> Call:
    size = _stored(places, step)
    return Call("tp_keep_all_f32", str(size), (places.delta(step.node, const=True), c_uint(size)), "uint32_t")


def _keep_above(places: Places, step: BackwardStep) -> Call:
    rule: KeepAbove = step.selection  # type: ignore[assignment]
    size = _stored(places, step)
    arguments = (places.delta(step.node), c_uint(size), _bar(rule.theta, size), "1")
    return Call("tp_keep_above_f32", str(size), arguments, "uint32_t")


def _keep_channels(places: Places, step: BackwardStep) -> Call:
    rule: KeepChannels = step.selection  # type: ignore[assignment]
    channels, positions = places.train.program.value_out(step.node).channels
    shares = (c_float(rule.low), c_float(rule.high), Pass("float", "loss", "loss"))
    remembered = (places.scratch(step.node, "float"), places.state(step.layer))
    arguments = (places.delta(step.node), c_uint(channels), c_uint(positions), *shares, *remembered)
    return Call("tp_keep_channels_f32", f"{channels}x{positions}", arguments, "uint32_t")


def _keep_diffused(places: Places, step: BackwardStep) -> Call:
    rule: KeepDiffused = step.selection  # type: ignore[assignment]
    channels, positions = places.train.program.value_out(step.node).channels
    bar = _bar(rule.theta, channels * positions)
    arguments = (places.delta(step.node), c_uint(channels), c_uint(positions), bar)
    return Call("tp_keep_diffused_f32", f"{channels}x{positions}", arguments, "uint32_t")


def _keep_steered(places: Places, step: BackwardStep) -> Call:
    rule: KeepSteered = step.selection  # type: ignore[assignment]
    channels, positions = places.train.program.value_out(step.node).channels
    n = _n(places, step)
    entry = Pass("float", "per_entry", c_float(float(rule.per_entry(n))))
    steering = (_bar(1.0, channels * positions), c_float(1 - GAIN), entry, places.state(step.layer))
    arguments = (places.delta(step.node), c_uint(channels), c_uint(positions), *steering)
    return Call("tp_keep_steered_f32", f"{channels}x{positions}", arguments, "uint32_t")


def _bar(theta: float, size: int) -> Pass:
    return Pass("float", "share", c_float(float(bar_over_norm(theta, size))))


def _keep_random(places: Places, step: BackwardStep) -> Call:
    rule: KeepRandom = step.selection  # type: ignore[assignment]
    size = _stored(places, step)
    draw = (Pass("uint32_t", "bound", c_uint(rule.bound)), Pass("uint32_t", "key", c_uint(rule.key)))
    arguments = (places.delta(step.node), c_uint(size), *draw, places.state(step.layer))
    return Call("tp_keep_random_f32", str(size), arguments, "uint32_t")


def _keep_memorised(places: Places, step: BackwardStep) -> Call:
    rule: KeepMemorised = step.selection  # type: ignore[assignment]
    residual = places.residual(step.node)
    if residual is None:  # all is always kept
        return _keep_of(places, step, rule.of_sum)
    size, n = _stored(places, step), _n(places, step)
    ties, pooled = _tie_order(places, step.node)
    arguments = (places.delta(step.node), c_uint(size), c_uint(n), c_float(rule.ratio), c_float(rule.share), residual)
    return Call("tp_keep_memorised_f32", joined(f"{size}_of_{n}", pooled), (*arguments, *ties), "uint32_t")


def _keep_moving(places: Places, step: BackwardStep) -> Call:
    channels, positions = places.train.program.value_out(step.node).channels
    memory = places.residual(step.node)
    assert memory is not None
    flags = places.train.residuals[step.node.name] - (FACTS - 2) * channels  # the third fact of each channel
    settled = Pass("const float *", "settled", f"{memory.text} + {flags}")
    arguments = (places.delta(step.node), c_uint(channels), c_uint(positions), settled)
    return Call("tp_keep_moving_f32", f"{channels}x{positions}", arguments, "uint32_t")


def _keep_ratio(places: Places, step: BackwardStep) -> Call:
    rule: KeepRatio = step.selection  # type: ignore[assignment]
    return _keep_of(places, step, rule)


def _keep_of(places: Places, step: BackwardStep, rule: KeepRatio) -> Call:
    node = step.node
    size, n = _stored(places, step), _n(places, step)
    scale = Pass("float", "scale", c_float(rule.scale))
    settings = (c_float(rule.s_min), c_float(rule.s_max), scale, c_uint(rule.k_min), places.state(step.layer))
    ties, pooled = _tie_order(places, node)
    arguments = (places.delta(node), c_uint(size), c_uint(n), *settings, *ties)
    return Call("tp_keep_ratio_f32", joined(f"{size}_of_{n}", pooled), arguments, "uint32_t")


def _tie_order(places: Places, node: Node) -> tuple[tuple[Pass | str, ...], str]:
    """What decides between equals, and its part of the name: rows and windows matter behind a pool only."""
    if not isinstance(node.op, Conv2dMaxPool):
        size = places.train.program.value_out(node).size
        return ("NULL", c_uint(size), "1U", "1U", "0"), ""
    row, pool = places.train.program.value_out(node).shape[-1], node.op.pool.kernel
    packed = node.op.blocked(places.train.program.value_in(node).shape)
    ties = (places.argmax(node, const=True), c_uint(row), c_uint(pool[0]), c_uint(pool[1]), c_flag(packed))
    return ties, joined(f"rows_of_{row}_pool{cross(pool)}", word_if(packed, "packed"))


SELECTIONS: dict[type[Selection], Callable[[Places, BackwardStep], Call]] = {
    KeepAll: _keep_all,
    KeepAbove: _keep_above,
    KeepChannels: _keep_channels,
    KeepDiffused: _keep_diffused,
    KeepMemorised: _keep_memorised,
    KeepMoving: _keep_moving,
    KeepRandom: _keep_random,
    KeepRatio: _keep_ratio,
    KeepSteered: _keep_steered,
}


def _skip_by_error(places: Places, rule: SkipByError) -> str:
    size = places.train.program.output.size
    return f"tp_skip_by_error_f32(&m->output, tp_abs_sum_f32(error, {c_uint(size)}), {c_float(rule.theta)})"


def _skip_by_loss(places: Places, rule: SkipByLoss) -> str:
    return f"tp_skip_by_loss_f32(step->loss, {c_float(rule.tau)})"


SKIPS: dict[type[SkipRule], Callable[..., str | None]] = {
    NeverSkip: lambda places, rule: None,
    SkipByError: _skip_by_error,
    SkipByLoss: _skip_by_loss,
}
