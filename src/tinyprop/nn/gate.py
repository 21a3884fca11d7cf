"""Where a method takes hold of PyTorch's backward pass: forward hooks that put a function of their own behind a layer.

The layer runs as ever; its output goes on as it is. Backward, the function stands in for the layer's own: it selects
from δ, and computes the gradient of what is kept, of the samples that are not skipped alone. Modules, parameters and
their keys stay as they are, and so do pickling and copying, since hooks are plain objects.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor, nn
from torch.autograd.function import once_differentiable
from torch.nn import functional

from tinyprop.errors import UserError
from tinyprop.ir.losses import CrossEntropy, Loss
from tinyprop.methods.spec import Selection, SkipRule
from tinyprop.nn.observe import Site, require_outputs
from tinyprop.nn.pooled import before_pool, where_pooled
from tinyprop.nn.selections import Memory, Place, select
from tinyprop.nn.skips import REDUCTIONS, own_loss, skipped


def _nothing_yet() -> Tensor:
    return torch.zeros(())


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
    skipped: Tensor | None = None
    outputs: Tensor | None = None
    error: Tensor | None = None
    k: dict[str, Tensor] = field(default_factory=dict)

    def losses(self) -> Tensor:
        """Of the samples that are trained on."""
        assert self.outputs is not None
        assert self.error is not None
        return own_loss(self.loss, _rows(self.outputs, self.rows), _rows(self.error, self.rows))


@dataclass
class OutputHook:
    """Behind the model: which samples are skipped. y_max (): the largest output error so far."""

    rule: SkipRule
    loss: Loss
    reduction: str
    loss_scale: Callable[[], float] | None
    batch: Batch
    y_max: Tensor = field(default_factory=_nothing_yet)
    samples: int = 0
    skips: int = 0

    def __call__(self, model: nn.Module, args: Any, output: Any) -> Any:
        require_outputs(model, output)
        if isinstance(self.loss, CrossEntropy) and output.ndim != 2:
            raise UserError(
                f"{type(model).__name__} returns shape {tuple(output.shape)}, with several losses a sample: "
                f"cross-entropy takes (samples, classes)."
            )
        return _OutputGate.apply(output, self) if _learns(output) else output

    def backward(self, error: Tensor, outputs: Tensor) -> Tensor | None:
        """The error (N, …) with zeros for skipped samples; None, which ends the pass, where all are."""
        if len(outputs) == 0:
            return error
        scale = self.loss_scale() if self.loss_scale is not None else 1.0
        self.y_max = self.y_max.to(error.device)
        batch = self.batch
        batch.factor = REDUCTIONS[self.reduction](self.loss, outputs) / scale
        batch.outputs, batch.error = outputs, error.float() * batch.factor
        batch.k = {}
        batch.skipped = skipped(self.rule, self.y_max, self.loss, outputs, batch.error)
        rows = torch.nonzero(~batch.skipped)[:, 0]
        batch.rows = None if len(rows) == len(outputs) else rows
        self.samples += len(outputs)
        self.skips += len(outputs) - len(rows)
        if batch.rows is None:
            return error
        return _all_rows(_rows(error, rows), rows, error) if len(rows) else None


@dataclass
class SelectionHook:
    """Behind a layer, or the max pool that alone reads it: what of δ is back-propagated.

    every_value: zeros count as kept, as for a method that computes them. kept: entries in all that are not zero.
    """

    site: Site
    rule: Selection
    every_value: bool
    batch: Batch
    memory: Memory = field(default_factory=Memory)
    kept: int = 0

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
        return stored if self.rule.residuals(math.prod(stored), self.site.info.n) else ()

    def backward(self, error: Tensor, pooled: Tensor | None) -> Tensor | None:
        """What is kept of the error (N, …), zeros elsewhere; None, which ends the pass, where that is nothing.

        pooled: what the max pool let through, where this stands behind one.
        """
        n, rows = self.site.info.n, self.batch.rows
        if self.every_value:
            trained = len(error) if rows is None else len(rows)
            self.batch.k[self.site.name] = torch.full((trained,), n)
            self.kept += trained * n
            return error
        delta = _rows(error, rows)
        if pooled is not None and self.site.relu:
            delta = torch.ops.aten.threshold_backward(delta, _rows(pooled, rows), 0)
        channels_last = isinstance(self.site.layer, nn.Linear)
        window = self.site.window if pooled is None else ()
        stored = where_pooled(delta.movedim(-1, 1) if channels_last else delta, window)
        losses = self.batch.losses() if self.rule.reads_loss else None
        place = Place(n, math.prod(stored.shape[1:]), self.batch.factor, losses)
        kept, every = select(self.rule, stored, self.memory, place)
        count = kept.flatten(1).bool().sum(1)
        k = count if every is None else torch.where(every, place.stored, count)
        self.batch.k[self.site.name] = k
        self.kept += int(count.sum())
        if not k.any():
            return None  # no gradient at all: a zero would still move weights under momentum or decay
        kept = before_pool(kept.movedim(1, -1) if channels_last else kept, delta, window)
        return _all_rows(kept, rows, error)


class LayerHook:
    """Behind a layer: its gradient, of the samples alone that are trained on."""

    def __init__(self, batch: Batch) -> None:
        self.batch = batch

    def __call__(self, layer: nn.Module, args: tuple[Any, ...], kwargs: dict[str, Any], output: Tensor) -> Tensor:
        if not _learns(output):
            return output
        x = _padded(layer, args[0] if args else kwargs["input"])
        return _LayerGate.apply(output.detach(), x, layer.weight, layer.bias, layer, self.batch)


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
    return output.requires_grad and not torch.compiler.is_exporting()


class _Gate(torch.autograd.Function):
    """One that decides by what the numbers are, sample by sample: not to be mapped over."""

    @staticmethod
    def vmap(info: Any, in_dims: Any, *args: Any) -> Any:
        raise UserError("a model with a training method cannot be run under vmap: run one model after the other.")


class _OutputGate(_Gate):
    @staticmethod
    def forward(output: Tensor, hook: OutputHook) -> Tensor:
        return output.clone()  # the user may write into it, and what is below may have kept it

    @staticmethod
    def setup_context(ctx: Any, inputs: Any, output: Tensor) -> None:
        ctx.hook, ctx.output = inputs[1], output.detach()

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, error: Tensor) -> Any:
        return ctx.hook.backward(error, ctx.output), None


class _SelectionGate(_Gate):
    @staticmethod
    def forward(output: Tensor, hook: SelectionHook) -> Tensor:
        return output

    @staticmethod
    def setup_context(ctx: Any, inputs: Any, output: Tensor) -> None:
        ctx.set_materialize_grads(False)
        ctx.mark_dirty(output)  # not a view of it: a ReLU behind may write in place
        ctx.hook = inputs[1]
        ctx.pooled = output.detach() if ctx.hook.site.pool is not None else None

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, error: Tensor | None) -> Any:
        return None if error is None else ctx.hook.backward(error, ctx.pooled), None


class _LayerGate(_Gate):
    @staticmethod
    def forward(output: Tensor, x: Tensor, weight: Tensor, bias: Tensor | None, layer: Any, batch: Batch) -> Tensor:
        return output

    @staticmethod
    def setup_context(ctx: Any, inputs: Any, output: Tensor) -> None:
        _, x, weight, bias, ctx.layer, ctx.batch = inputs
        ctx.set_materialize_grads(False)
        ctx.mark_dirty(output)
        ctx.save_for_backward(x, weight)
        ctx.has_bias = bias is not None

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, error: Tensor | None) -> Any:
        if error is None:
            return (None,) * 6
        (x, weight), rows = ctx.saved_tensors, ctx.batch.rows
        needs = [*ctx.needs_input_grad[1:3], ctx.has_bias and ctx.needs_input_grad[3]]
        differentiate = _linear if isinstance(ctx.layer, nn.Linear) else _convolution
        here, read = _rows(error, rows), _rows(x, rows).to(error.dtype)
        below, *own = differentiate(ctx.layer, here, read, weight.to(error.dtype), needs)
        return None, None if below is None else _all_rows(below, rows, x), *own, None, None


def _rows(batch: Tensor, rows: Tensor | None) -> Tensor:
    """Those samples of a batch that are trained on."""
    return batch if rows is None else batch.index_select(0, rows)


def _all_rows(trained: Tensor, rows: Tensor | None, like: Tensor) -> Tensor:
    """The batch again, as long as `like`: zeros for samples that are not trained on."""
    return trained if rows is None else trained.new_zeros(like.shape).index_copy_(0, rows, trained)


def _linear(layer: Any, error: Tensor, x: Tensor, weight: Tensor, needs: list[bool]) -> tuple[Tensor | None, ...]:
    flat = error.flatten(0, -2)
    return (
        error @ weight if needs[0] else None,
        flat.t() @ x.flatten(0, -2) if needs[1] else None,
        flat.sum(0) if needs[2] else None,
    )


def _convolution(layer: Any, error: Tensor, x: Tensor, weight: Tensor, needs: list[bool]) -> tuple[Tensor | None, ...]:
    padding = [0] if _pads_itself(layer) else layer.padding
    geometry = (layer.stride, padding, layer.dilation, False, [0], layer.groups)
    found = torch.ops.aten.convolution_backward(error, x, weight, [len(weight)], *geometry, needs)
    return tuple(gradient if need else None for gradient, need in zip(found, needs, strict=True))


def _pads_itself(layer: Any) -> bool:
    """Whether the layer pads as no convolution does by itself: as a word says, or not with zeros."""
    return not isinstance(layer, nn.Linear) and (isinstance(layer.padding, str) or layer.padding_mode != "zeros")


def _padded(layer: Any, x: Tensor) -> Tensor:
    """What the layer's convolution reads, with the padding around it that it does not do itself."""
    if not _pads_itself(layer):
        return x
    mode = "constant" if layer.padding_mode == "zeros" else layer.padding_mode
    return functional.pad(x, layer._reversed_padding_repeated_twice, mode)
