"""Where a method takes hold of PyTorch's backward pass: forward hooks that put a function of their own behind a layer.

The layer runs as ever; its output goes on as it is. Backward, the function stands in for the layer's own: it selects
from δ, and computes the gradient of what is kept, of the samples that are not skipped alone. Modules, parameters and
their keys stay as they are, and so do pickling and copying, since hooks are plain objects.
"""

import math
import warnings
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.autograd.function import once_differentiable
from torch.nn import functional

from tinyprop.errors import UserError
from tinyprop.ir.losses import Loss
from tinyprop.methods.rules.keep_moving import KeepMoving
from tinyprop.methods.rules.rule import NOTHING_YET
from tinyprop.methods.spec import Selection, SkipRule
from tinyprop.nn.doubts import PASSES, doubt
from tinyprop.nn.looking import FACTS, Looking
from tinyprop.nn.observe import Site, require_one_loss_each, require_outputs
from tinyprop.nn.pooled import before_pool, where_pooled
from tinyprop.nn.selections import Memory, Place, on_host, select
from tinyprop.nn.skips import REDUCTIONS, own_loss, skipped


@dataclass
class Batch:
    """What the layers of a backward pass need to know of it; written where it begins, at the model's outputs.

    loss: of which kind it is. factor: makes a sample's own error of one in the batch's loss. rows: the samples that are
    trained on, None: all; skipped, outputs, error: of the last backward pass, (N, …). k: layer → entries kept of
    each sample that was trained on, as a StepTrace has them; no line where the pass did not come.
    """

    loss: Loss
    factor: float = 1.0
    rows: Tensor | None = None
    skipped: np.ndarray | None = None
    outputs: Tensor | None = None
    error: Tensor | None = None
    k: dict[str, np.ndarray] = field(default_factory=dict)

    def losses(self) -> np.ndarray:
        """Of the samples that are trained on."""
        assert self.outputs is not None
        assert self.error is not None
        return on_host(own_loss(self.loss, _rows(self.outputs, self.rows), _rows(self.error, self.rows)))


@dataclass
class OutputHook:
    """Behind the model: which samples are skipped. y_max: the largest output error so far; looking: where the model is
    looked at between steps, None where it is not; unproven: passes in which it is asked whether `loss` is that of the
    user.
    """

    rule: SkipRule
    loss: Loss
    reduction: str
    loss_scale: Callable[[], float] | None
    batch: Batch
    y_max: np.float32 = NOTHING_YET
    samples: int = 0
    skips: int = 0
    looking: Looking | None = None
    unproven: int = PASSES

    def __call__(self, model: nn.Module, args: Any, output: Any) -> Any:
        require_outputs(model, output)
        require_one_loss_each(model, output, self.loss)
        return _OutputGate.apply(output, self, args) if _learns(output) else output

    def backward(self, error: Tensor, outputs: Tensor, args: Any) -> Tensor | None:
        """The error (N, …) with zeros for skipped samples; None, which ends the pass, where all are.

        args: what the model was called with, where it is looked at.
        """
        if len(outputs) == 0:
            return error
        if self.looking is not None:
            self.looking.before_step(args)
        scale = self.loss_scale() if self.loss_scale is not None else 1.0
        batch = self.batch
        batch.factor = REDUCTIONS[self.reduction](self.loss, outputs) / scale
        batch.outputs, batch.error = outputs, error.float() * batch.factor
        batch.k = {}
        if self.unproven:
            self._doubt(error.dtype)
        batch.skipped, self.y_max = skipped(self.rule, self.y_max, self.loss, outputs, batch.error)
        skips = int(batch.skipped.sum())
        self.samples += len(outputs)
        self.skips += skips
        batch.rows = torch.from_numpy(np.flatnonzero(~batch.skipped)).to(error.device) if skips else None
        if batch.rows is None:
            return error
        return _all_rows(_rows(error, batch.rows), batch.rows, error) if skips < len(outputs) else None

    def _doubt(self, came_in: torch.dtype) -> None:
        """Warns, once, where the errors are not those of the loss that was declared."""
        outputs, error, number = self.batch.outputs, self.batch.error, torch.finfo(came_in)
        assert outputs is not None
        assert error is not None
        rounding = error.numel() * number.smallest_normal * number.eps * abs(self.batch.factor)
        found = doubt(self.loss, self.reduction, outputs, error, rounding)
        self.unproven = 0 if found else self.unproven - 1
        if found:
            warnings.warn(found, stacklevel=2)


@dataclass
class SelectionHook:
    """Behind a layer, or the max pool that alone reads it: what of δ is back-propagated.

    every_value: zeros count as kept, as for a method that computes them. kept: entries in all that are not zero;
    sent: those that the error below is formed from.
    """

    site: Site
    rule: Selection
    every_value: bool
    batch: Batch
    memory: Memory = field(default_factory=Memory)
    kept: int = 0
    sent: int = 0

    def __call__(self, module: nn.Module, args: Any, output: Tensor) -> Tensor:
        self.batch.rows = None  # until the outputs' error comes: it may not, where a part of the model is called
        return _SelectionGate.apply(output, self) if _learns(output) else output

    @property
    def learns_weight(self) -> bool:
        """Whether the weight has a gradient, not the bias alone."""
        weight: Tensor = self.site.layer.weight  # type: ignore[assignment]
        return weight.requires_grad

    @property
    def residual_shape(self) -> tuple[int, ...]:
        """Of what the rule remembers of errors; () where it remembers none."""
        stored = self.site.stored
        if isinstance(self.rule, KeepMoving):
            return stored[0], self.rule.samples * math.prod(stored[1:]) + FACTS
        return stored if self.rule.residuals(math.prod(stored), self.site.info.n) else ()

    def backward(self, error: Tensor, pooled: Tensor | None) -> Tensor | None:
        """What is kept of the error (N, …), zeros elsewhere; None, which ends the pass, where that is nothing.

        pooled: what the max pool let through, where this stands behind one.
        """
        rows = self.batch.rows
        kept = self.kept_of(_rows(error, rows), None if pooled is None else _rows(pooled, rows))
        return None if kept is None else _all_rows(kept, rows, error)

    def kept_of(self, delta: Tensor, pooled: Tensor | None) -> Tensor | None:
        """The same, of the samples alone that are trained on."""
        site = self.site
        if self.every_value:
            self.batch.k[site.name] = np.full(len(delta), site.info.n)
            self.kept += len(delta) * site.info.n
            self.sent = self.kept
            return delta
        if pooled is not None and site.relu:
            delta = torch.ops.aten.threshold_backward(delta, pooled, 0)
        channels_last = isinstance(site.layer, nn.Linear) and delta.ndim > 2
        window = () if site.pool is not None or self.rule.updates_only else site.window  # whole channels need none
        stored = where_pooled(delta.movedim(-1, 1) if channels_last else delta, window)
        losses = self.batch.losses() if self.rule.reads_loss else None
        place = Place(site.info.n, math.prod(stored.shape[1:]), self.batch.factor, losses)
        kept, count, every = select(self.rule, stored, self.memory, place)
        k = count if every is None else np.where(every, place.stored, count)
        self.batch.k[site.name] = k
        total = int(count.sum())
        self.kept += total
        self.sent += int(torch.count_nonzero(stored)) if self.rule.updates_only else total
        if total == 0 and not k.any():
            return None  # no gradient at all: a zero would still move weights under momentum or decay
        return before_pool(kept.movedim(1, -1) if channels_last else kept, delta, window)


@dataclass
class LayerHook:
    """Behind a layer: its gradient, of the samples alone that are trained on. selection: that of the layer, unless it
    stands behind a pool."""

    batch: Batch
    selection: SelectionHook | None

    def __call__(self, layer: nn.Module, args: tuple[Any, ...], kwargs: dict[str, Any], output: Tensor) -> Tensor:
        if not _learns(output):
            return output
        self.batch.rows = None  # as in a SelectionHook
        x = args[0] if args else kwargs["input"]
        x = _padded(layer, x) if _pads_itself(layer) else x
        return _LayerGate.apply(output.detach(), x, layer.weight, layer.bias, layer, self)


@dataclass(frozen=True)
class BatchNormHook:
    """In front of a batch norm: in training mode it mixes the samples of a batch, and none has an error of its own."""

    path: str

    def __call__(self, norm: nn.Module, args: Any) -> None:
        if norm.training:
            raise UserError(
                f"the batch norm '{self.path}' is in training mode, in which samples of a batch mix: call eval() on it "
                f"behind model.train(), so that its statistics stay as they are."
            )


def _learns(output: Tensor) -> bool:
    """Whether a backward pass may come: an exported model is for inference."""
    if not output.requires_grad or torch.compiler.is_exporting():
        return False
    if torch._C._are_functorch_transforms_active():
        raise UserError(
            "a model with a training method cannot be run under torch.func (vmap, grad): call backward() on its loss, "
            "one model after the other."
        )
    return True


def _once(backward: Callable[..., Any]) -> Callable[..., Any]:
    """`once_differentiable`, with its cost only where somebody means to differentiate twice."""
    guarded = once_differentiable(backward)

    def either(ctx: Any, error: Tensor | None) -> Any:
        return guarded(ctx, error) if torch.is_grad_enabled() else backward(ctx, error)

    return either


# Each decides by what the numbers are, sample by sample. With a setup_context of its own, which vmap asks for, a
# function takes three times as long to call.


class _OutputGate(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, output: Tensor, hook: OutputHook, args: Any) -> Tensor:
        ctx.hook, ctx.output = hook, output.detach()
        ctx.args = None if hook.looking is None else args
        return output.clone()  # the user may write into it, and what is below may have kept it

    @staticmethod
    @_once
    def backward(ctx: Any, error: Tensor) -> Any:
        return ctx.hook.backward(error, ctx.output, ctx.args), None, None


class _SelectionGate(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, output: Tensor, hook: SelectionHook) -> Tensor:
        ctx.set_materialize_grads(False)
        ctx.mark_dirty(output)  # not a view of it: a ReLU behind may write in place
        ctx.hook = hook
        ctx.pooled = output.detach() if hook.site.pool is not None else None
        return output

    @staticmethod
    @_once
    def backward(ctx: Any, error: Tensor | None) -> Any:
        return None if error is None else ctx.hook.backward(error, ctx.pooled), None


class _LayerGate(torch.autograd.Function):
    @staticmethod
    def forward(
        ctx: Any, output: Tensor, x: Tensor, weight: Tensor, bias: Tensor | None, layer: Any, hook: LayerHook
    ) -> Tensor:
        ctx.set_materialize_grads(False)
        ctx.mark_dirty(output)
        ctx.save_for_backward(x, weight)
        ctx.layer, ctx.hook = layer, hook
        return output

    @staticmethod
    @_once
    def backward(ctx: Any, error: Tensor | None) -> Any:
        (x, weight), rows, selection = ctx.saved_tensors, ctx.hook.batch.rows, ctx.hook.selection
        here = None if error is None else _rows(error, rows)
        sent = here
        if here is not None and selection is not None:
            here = selection.kept_of(here, None)
            sent = sent if selection.rule.updates_only else here
        if sent is None:
            return (None,) * 6
        needs = list(ctx.needs_input_grad[1:4])
        differentiate = _linear if isinstance(ctx.layer, nn.Linear) else _convolution
        given = (_rows(x, rows).to(sent.dtype), weight.to(sent.dtype))
        if here is sent:
            below, *own = differentiate(ctx.layer, here, *given, needs)
        else:
            below, *_ = differentiate(ctx.layer, sent, *given, [needs[0], False, False])
            own = [None, None]
            if here is not None:
                _, *own = differentiate(ctx.layer, here, *given, [False, *needs[1:]])
        return None, None if below is None else _all_rows(below, rows, x), *own, None, None


def _rows(batch: Tensor, rows: Tensor | None) -> Tensor:
    """Those samples of a batch that are trained on."""
    return batch if rows is None else batch.index_select(0, rows)


def _all_rows(trained: Tensor, rows: Tensor | None, like: Tensor) -> Tensor:
    """The batch again, as long as `like`: zeros for samples that are not trained on."""
    return trained if rows is None else trained.new_zeros(like.shape).index_copy_(0, rows, trained)


def _linear(layer: Any, error: Tensor, x: Tensor, weight: Tensor, needs: list[bool]) -> tuple[Tensor | None, ...]:
    """Gradients of x, weight and bias, of those that are needed; so does the next one."""
    flat = error.flatten(0, -2)
    return (
        error @ weight if needs[0] else None,
        flat.t() @ x.flatten(0, -2) if needs[1] else None,
        flat.sum(0) if needs[2] else None,
    )


def _convolution(layer: Any, error: Tensor, x: Tensor, weight: Tensor, needs: list[bool]) -> tuple[Tensor | None, ...]:
    padding = (0,) if _pads_itself(layer) else layer.padding
    geometry = (layer.stride, padding, layer.dilation, False, (0,), layer.groups)
    found: tuple[Tensor | None, ...] = _CONVOLUTION_BACKWARD(error, x, weight, (len(weight),), *geometry, needs)
    return tuple(gradient if need else None for gradient, need in zip(found, needs, strict=True))


_CONVOLUTION_BACKWARD = torch.ops.aten.convolution_backward.default


def _pads_itself(layer: Any) -> bool:
    """Whether the layer pads as no convolution does by itself: as a word says, or not with zeros."""
    return not isinstance(layer, nn.Linear) and (isinstance(layer.padding, str) or layer.padding_mode != "zeros")


def _padded(layer: Any, x: Tensor) -> Tensor:
    """What the convolution of a layer that pads itself reads, with the padding around it."""
    mode = "constant" if layer.padding_mode == "zeros" else layer.padding_mode
    return functional.pad(x, layer._reversed_padding_repeated_twice, mode)
