"""`apply_`: a training method on a PyTorch model, in place, and the handle by which it is watched and taken off."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import asdict
from typing import Any

import numpy as np
from torch import nn

from tinyprop.errors import UserError, unknown_name
from tinyprop.ir.losses import Loss, loss_of
from tinyprop.methods import METHODS, Method, TrainSpec, method_named
from tinyprop.methods.rules.keep_moving import KeepMoving
from tinyprop.methods.rules.never_skip import NeverSkip
from tinyprop.nn.gate import Batch, BatchNormHook, LayerHook, OutputHook, SelectionHook
from tinyprop.nn.looking import Looking
from tinyprop.nn.observe import BATCH_NORMS, FilterFn, Site, layers_of, observe
from tinyprop.nn.selections import SELECTIONS, Memory
from tinyprop.nn.skips import REDUCTIONS, SKIPS, own_loss
from tinyprop.nn.statistics import LayerStatistics, Statistics
from tinyprop.trace import StepTrace


def apply_(
    model: nn.Module,
    method: Method | str,
    filter_fn: FilterFn | None = None,
    *,
    example_input: Any = None,
    loss: Loss | str = "cross_entropy",
    reduction: str = "mean",
    loss_scale: Callable[[], float] | None = None,
) -> Handle:
    """From now on `model` is trained by `method`: in place, with the same parameters under the same keys.

    The loop stays as it is: forward, loss, `loss.backward()`, any optimizer, any batch size, any device. Decisions are
    made for each sample of a batch on its own. Where nothing is kept of a layer's error `grad` stays None.

    filter_fn: (module, path) → whether the method governs this layer; None: every Linear, Conv1d and Conv2d that has
    something to train. The others are trained as ever.
    example_input: what the model takes, a tuple where it is several, to learn the order and sizes of its layers from;
    None: the first call's input. Give it when the model is compiled or exported before its first call.
    loss, reduction: of the loss that is backpropagated, over the samples of a batch, "mean" or "sum", so that a
    sample's own error is known: without class weights or ignored labels. loss_scale: what that loss is multiplied with
    before the pass, `scaler.get_scale` of a GradScaler, or `lambda: 1 / steps` where gradients are accumulated.

    Raises UserError, the model unchanged: for modules that cannot be governed, all listed with path and remedy; for a
    rule that is not there for batches; for a model that has a method already; for names that are not known. What only
    a forward pass tells, such as a layer that is never called, is refused here with an example_input, and without one
    in the first call, which takes the method off again.

    Differs from the engine: batch norms pass the error on as they are, where the engine folds them into the layer
    before them (`torch.nn.utils.fusion.fuse_conv_bn_eval` does the same here). They must be in eval mode.
    """
    if isinstance(method, str):
        method = method_named(method)
    if not isinstance(method, Method):
        raise UserError(f"method is {method!r}, not a training method: pass one of {', '.join(METHODS)}.")
    if not isinstance(model, nn.Module):
        raise UserError(f"model is a {type(model).__name__}, not an nn.Module: pass an instance, such as MyNetwork().")
    if reduction not in REDUCTIONS:
        raise unknown_name("reduction", str(reduction), REDUCTIONS)
    if any(isinstance(hook, OURS) for m in model.modules() for hook in _hooks(m)):
        raise UserError("this model has a training method already: call remove() of its handle first.")
    handle = Handle(model, method, loss_of(loss), reduction, loss_scale)
    if example_input is None:
        _require_what_modules_tell(model, method, filter_fn)
        handle._hook(model.register_forward_pre_hook(_FirstCall(handle, filter_fn), with_kwargs=True))
    else:
        args = example_input if isinstance(example_input, tuple) else (example_input,)
        handle._attach(observe(model, args, {}, filter_fn, handle._output.loss))
    return handle


class Handle:
    """A method at work on a model. method: its settings; sites: the layers it governs, () before the first call."""

    def __init__(
        self, model: nn.Module, method: Method, loss: Loss, reduction: str, loss_scale: Callable[[], float] | None
    ) -> None:
        self.method = method
        self._model = model
        self._output = OutputHook(NeverSkip(), loss, reduction, loss_scale, Batch(loss))
        self._sites: tuple[Site, ...] = ()
        self._layers: dict[str, SelectionHook] = {}  # those of them that learn
        self._removable: list[Any] = []

    @property
    def sites(self) -> tuple[Site, ...]:
        """The layers that the method governs, in forward order; () before the first call."""
        return self._sites

    @property
    def spec(self) -> TrainSpec:
        """What the method said about them: the record that drives the C engine as well."""
        return self.method.spec(tuple(site.info for site in self.sites))

    def remove(self) -> None:
        """Takes the method off; the model is trained as PyTorch trains it from then on. Weights stay as they are."""
        for hook in self._removable:
            hook.remove()
        self._removable.clear()

    def stats(self) -> Statistics:
        """What was kept and skipped since the method was applied, or since `restart_stats`."""
        samples = self._output.samples
        skipped = self._output.skips / samples if samples else math.nan
        layers, forward, plain, done, below = {}, 0, 0, 0.0, False
        for place, site in enumerate(self._sites):
            layer, n = self._layers.get(site.name), site.info.n
            kept = 0.0 if layer is None else layer.kept / n / max(samples, 1)
            layers[site.name] = LayerStatistics(n, kept if samples else math.nan)
            forward += n * site.macs
            plain += n * site.macs * (site.learns_weight + (place > 0))  # the lowest layer sends no error
            if layer is None:  # a frozen layer lets the error pass whole
                done += n * site.macs * (1 - skipped) * below
            else:
                sent = layer.sent / n / max(samples, 1)
                done += n * site.macs * (kept * layer.learns_weight + sent * below)
            below = below or layer is not None
        known = samples > 0 and plain > 0
        looked = self._output.looking.runs * forward / max(samples, 1) if self._output.looking else 0.0
        return Statistics(
            samples=samples,
            skipped=skipped,
            layers=layers,
            effort_bwd=done / plain if known else math.nan,
            effort_total=(forward + looked + done) / (forward + plain) if known else math.nan,
        )

    def restart_stats(self) -> None:
        """`stats` counts from here on."""
        self._output.samples = self._output.skips = 0
        if self._output.looking is not None:
            self._output.looking.runs = 0
        for layer in self._layers.values():
            layer.kept = layer.sent = 0

    def last_step(self) -> StepTrace:
        """Loss, prediction, skipped and kept entries of each sample of the last backward pass, without counts.

        Raises UserError before the first one.
        """
        batch = self._output.batch
        if batch.skipped is None or batch.outputs is None or batch.error is None:
            raise UserError("no backward pass has run yet: call last_step() behind loss.backward().")
        kept = np.zeros((len(batch.skipped), len(self._sites)), np.int64)
        for number, site in enumerate(self._sites):
            if (k := batch.k.get(site.name)) is not None:
                kept[~batch.skipped, number] = k
        return StepTrace(
            loss=own_loss(self._output.loss, batch.outputs, batch.error).cpu().numpy(),
            predicted=batch.outputs.flatten(1).argmax(1).cpu().numpy(),
            skipped=batch.skipped,
            kept=kept,
        )

    def state_dict(self) -> dict[str, Any]:
        """What the method remembers between steps, as plain numbers and tensors: save it beside the model's state."""
        looking = self._output.looking
        looks = {} if looking is None else {"looks": looking.state()}
        return looks | {
            "method": self.method.name,
            "settings": asdict(self.method),
            "output": float(self._output.y_max),
            "layers": {name: layer.memory.numbers() for name, layer in self._layers.items()},
        }

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Goes on where `state` was taken. Raises UserError, nothing changed, for that of another method or model."""
        own = self.state_dict()
        if not isinstance(state, Mapping) or set(state) != set(own):
            raise UserError(
                f"this is no state of a method: pass what state_dict() of a handle returned, {', '.join(own)}."
            )
        for part, name in (("method", "method"), ("settings", "settings of the method")):
            if state[part] != own[part]:
                raise UserError(
                    f"the state is of {state[part]}, the {name} here {own[part]}: apply the same one, then load it."
                )
        if set(state["layers"]) != set(own["layers"]):
            raise UserError(
                f"the state is of the layers {', '.join(state['layers'])}, and here are {', '.join(own['layers'])}: "
                f"pass example_input to apply_, or run the model once, and load the state of the same model."
            )
        left = {name: layer["residual"] for name, layer in state["layers"].items() if "residual" in layer}
        expected = {name: self._layers[name].residual_shape for name in left}
        wrong = [name for name, residual in left.items() if np.shape(residual) != expected[name]]
        if wrong:
            shapes = ", ".join(f"{name}: {tuple(np.shape(left[name]))} in place of {expected[name]}" for name in wrong)
            raise UserError(
                f"the state has what selections remember in other shapes ({shapes}): load that of the same model."
            )
        if self._output.looking is not None:
            self._output.looking.load(state["looks"])
        self._output.y_max = np.float32(state["output"])
        for name, layer in self._layers.items():
            layer.memory = Memory.of(state["layers"][name])

    def _attach(self, sites: tuple[Site, ...]) -> None:
        spec = self.method.spec(tuple(site.info for site in sites))
        require_rules(spec)
        self._output.rule = spec.skip
        for site, rule in zip(sites, spec.selections, strict=True):
            never = [
                p
                for key, p in site.layer.named_parameters(site.name, recurse=False)
                if rule is None or key in spec.frozen
            ]
            own = {"weight": site.info.weight, "bias": site.info.bias}
            for norm in site.norms:  # its weight and bias do as the layer's own
                never += [p for key, p in norm.named_parameters() if rule is None or own[key] in spec.frozen]
            for parameter in (parameter for parameter in never if parameter.requires_grad):
                parameter.requires_grad_(False)
                self._hook(_Frozen(parameter))
        self._sites = sites
        self._layers = {
            site.name: SelectionHook(site, rule, not spec.skip_zeros, self._output.batch)
            for site, rule in zip(sites, spec.selections, strict=True)
            if rule is not None
        }
        answer = {name: layer for name, layer in self._layers.items() if isinstance(layer.rule, KeepMoving)}
        if spec.looks is not None and answer:
            self._output.looking = Looking(self._model, spec.looks, answer)
        for selection in self._layers.values():
            site, late = selection.site, selection.rule.updates_only
            behind = site.pool is not None and not late
            if late or not isinstance(spec.skip, NeverSkip):
                hook = LayerHook(self._output.batch, None if behind else selection)
                self._hook(site.layer.register_forward_hook(hook, with_kwargs=True))
            if behind or (isinstance(spec.skip, NeverSkip) and not late):
                self._hook((site.pool or site.layer).register_forward_hook(selection))
        for path, module in self._model.named_modules():
            if isinstance(module, BATCH_NORMS):
                self._hook(module.register_forward_pre_hook(BatchNormHook(path)))
        self._hook(self._model.register_forward_hook(self._output))

    def _hook(self, removable: Any) -> None:
        self._removable.append(removable)

    def __str__(self) -> str:
        if self._sites:
            return f"{self.method}\n{self.stats()}"
        return f"{self.method}, {'waiting for' if self._removable else 'taken off before'} the first call"


class _Frozen:
    """What a method never trains; `remove` lets it train again."""

    def __init__(self, parameter: nn.Parameter) -> None:
        self.parameter = parameter

    def remove(self) -> None:
        self.parameter.requires_grad_(True)


def require_rules(spec: TrainSpec) -> None:
    """Raises UserError that names the rules of `spec` which are not there for batches of tensors."""
    rules: set[type] = {type(rule) for rule in (spec.skip, *spec.selections) if rule is not None}
    unknown = rules - {*SELECTIONS, *SKIPS}
    if unknown:
        names = ", ".join(sorted(rule.__name__ for rule in unknown))
        raise UserError(
            f"method '{spec.method}' uses {names}, which is not there for batches of tensors: add its line to "
            f"tinyprop.nn.selections.SELECTIONS or tinyprop.nn.skips.SKIPS, as docs/adding/method.md says."
        )


class _FirstCall:
    """In front of the model until it is called: its layers are learned from what it is called with."""

    def __init__(self, handle: Handle, filter_fn: FilterFn | None) -> None:
        self.handle, self.filter_fn = handle, filter_fn

    def __call__(self, model: nn.Module, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        handle = self.handle
        handle.remove()
        try:
            handle._attach(observe(model, args, kwargs, self.filter_fn, handle._output.loss))
        except UserError as error:
            raise UserError(f"{error}\nThe method is off again: mend this, then call apply_ once more.") from error
        except BaseException:  # of these inputs, not of the model: it waits for others
            handle._hook(model.register_forward_pre_hook(self, with_kwargs=True))
            raise


def _require_what_modules_tell(model: nn.Module, method: Method, filter_fn: FilterFn | None) -> None:
    """Raises UserError for what needs no forward pass to be known."""
    layers = layers_of(model, filter_fn)
    try:
        spec = method.spec(layers)
    except UserError:  # perhaps because of sizes, which are not known yet
        return
    require_rules(spec)


def _hooks(module: nn.Module) -> list[Any]:
    return [*module._forward_hooks.values(), *module._forward_pre_hooks.values()]


OURS = (OutputHook, SelectionHook, LayerHook, BatchNormHook, _FirstCall)
