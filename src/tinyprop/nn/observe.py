"""What a method may know of a PyTorch model: its layers in the order of their calls, learned from one forward pass."""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import Tensor, nn
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

from tinyprop.errors import UserError
from tinyprop.frontend.exported import eval_mode
from tinyprop.ir.losses import CrossEntropy, Loss
from tinyprop.methods.spec import LayerInfo

LAYERS = (nn.Linear, nn.Conv1d, nn.Conv2d)
BATCH_NORMS = (nn.BatchNorm1d, nn.BatchNorm2d)
MAX_POOLS = (nn.MaxPool1d, nn.MaxPool2d)
FORWARDS = tuple(kind.forward for kind in LAYERS)

FilterFn = Callable[[nn.Module, str], bool]


@dataclass(frozen=True)
class Site:
    """One layer of the model that a method governs.

    name: its path in the model. macs: multiply-adds that one entry of δ costs in the gradient of the weight, and as
    many in the error sent below. learns_weight: not its bias alone has requires_grad.
    window: of the max pool that alone reads the layer and tiles its map, () without: as in the C engine, δ has an entry
    for each window. stored: shape of a sample's δ, channels first, where the pool looked.
    pool: the module that pools, if it does nothing else; relu: whether a ReLU lies before it; rectified: whether one
    does, or alone reads what is pooled.
    norms: batch norms behind it, which learn no more than it does.
    """

    name: str
    layer: nn.Module
    info: LayerInfo
    macs: int
    stored: tuple[int, ...]
    learns_weight: bool = True
    window: tuple[int, ...] = ()
    pool: nn.Module | None = None
    relu: bool = False
    rectified: bool = False
    norms: tuple[nn.Module, ...] = ()


def observe(
    model: nn.Module, args: tuple[Any, ...], kwargs: Mapping[str, Any], filter_fn: FilterFn | None, loss: Loss
) -> tuple[Site, ...]:
    """The layers that `model` calls on these inputs and that have something to train, in the order of their calls.

    filter_fn: (module, path) → whether the method governs it; None: all. The others train as PyTorch trains them.
    Runs the model once, in eval mode and without gradients: nothing of it changes.
    Raises UserError that lists every module that cannot be governed, with its path and what to do.
    """
    paths, problems = _chosen_modules(model, filter_fn)
    if any(_is_lazy(module) for module in paths):  # a call would give it a shape
        raise _refused(model, problems)
    watched = [
        module for module in model.modules() if module in paths or isinstance(module, (*MAX_POOLS, *BATCH_NORMS))
    ]
    outputs, calls, readers = _run(model, args, kwargs, watched)
    require_outputs(model, outputs)
    layers = [call for call in calls if call.module in paths and isinstance(call.module, LAYERS)]
    called = [call.module for call in layers]
    for module in (module for module in paths if isinstance(module, LAYERS)):
        if (times := called.count(module)) != 1:
            often = "is never called" if times == 0 else f"is called {times} times in a pass, so that its errors mix"
            problems.append(f"{paths[module] or 'the model'}: {often}; leave it out with filter_fn")
    problems += [
        f"{paths[call.module]}: its first dimension is {len(call.output)}, the model's {len(outputs)}, so that samples "
        f"cannot be told apart; keep samples first, or leave it out with filter_fn"
        for call in layers
        if len(call.output) != len(outputs)
    ]
    if problems:
        raise _refused(model, problems)
    if not layers:
        raise _nothing_trains(model)
    require_one_loss_each(model, outputs, loss)
    modules = [call.module for call in calls]
    pools = {
        id(call.x): call.module
        for call in calls
        if isinstance(call.module, MAX_POOLS) and modules.count(call.module) == 1 and isinstance(call.output, Tensor)
    }
    return tuple(_site(call, paths[call.module], readers, pools, _norms_behind(call, calls, layers)) for call in layers)


def layers_of(model: nn.Module, filter_fn: FilterFn | None) -> tuple[LayerInfo, ...]:
    """The layers that have something to train, as far as modules tell of them: in which order they are called, and on
    how many positions, a forward pass alone knows.

    Raises UserError that lists every module that cannot be governed, with its path and what to do.
    """
    paths, problems = _chosen_modules(model, filter_fn)
    if problems:
        raise _refused(model, problems)
    layers = [(module, path) for module, path in paths.items() if isinstance(module, LAYERS)]
    if not layers:
        raise _nothing_trains(model)
    return tuple(_info(layer, path, 1 if isinstance(layer, nn.Linear) else 2) for layer, path in layers)


def require_outputs(model: nn.Module, outputs: Any) -> None:
    """Raises UserError unless the model returns one tensor of outputs, sample by sample."""
    if not isinstance(outputs, Tensor) or outputs.ndim < 2:
        kind = f"shape {tuple(outputs.shape)}" if isinstance(outputs, Tensor) else type(outputs).__name__
        raise UserError(
            f"{type(model).__name__} returns {kind}: let forward return one tensor of outputs, (samples, …)."
        )


def require_one_loss_each(model: nn.Module, outputs: Tensor, loss: Loss) -> None:
    """Raises UserError where `loss` would have several values a sample."""
    if isinstance(loss, CrossEntropy) and outputs.ndim != 2:
        raise UserError(
            f"{type(model).__name__} returns shape {tuple(outputs.shape)}, with several losses a sample: "
            f"cross-entropy takes (samples, classes)."
        )


def _refused(model: nn.Module, problems: list[str]) -> UserError:
    listed = "\n".join(f"  - {problem}" for problem in problems)
    return UserError(f"{type(model).__name__} cannot be trained sparsely:\n{listed}")


def _nothing_trains(model: nn.Module) -> UserError:
    return UserError(
        f"{type(model).__name__} has no Linear, Conv1d or Conv2d that trains: set requires_grad of one, or let "
        f"filter_fn return True for it."
    )


def _norms_behind(layer: "_Call", calls: list["_Call"], layers: list["_Call"]) -> tuple[nn.Module, ...]:
    """The batch norms called behind a layer and before the next one: what they scale is its output."""
    place = calls.index(layer)
    following = [calls.index(one) for one in layers if calls.index(one) > place]
    between = calls[place + 1 : min(following, default=len(calls))]
    return tuple(call.module for call in between if isinstance(call.module, BATCH_NORMS))


def _chosen_modules(model: nn.Module, filter_fn: FilterFn | None) -> tuple[dict[nn.Module, str], list[str]]:
    """(module → path, of those with something to train that the method shall govern; why it cannot)."""
    paths = {module: path for path, module in model.named_modules() if _chosen(module, path, filter_fn)}
    return paths, [f"{path or 'the model'}: {why}" for module, path in paths.items() if (why := _problem_of(module))]


def _chosen(module: nn.Module, path: str, filter_fn: FilterFn | None) -> bool:
    trains = any(parameter.requires_grad for parameter in module.parameters(recurse=False))
    return trains and (filter_fn is None or bool(filter_fn(module, path)))


def _problem_of(module: nn.Module) -> str:
    """Why a module with parameters of its own cannot be governed, and the remedy; '' when it can."""
    if _is_lazy(module):
        return "its shape is not known yet; run the model once before"
    kind = type(module).__name__
    if isinstance(module, LAYERS):
        if type(module).forward not in FORWARDS or not isinstance(module.weight, nn.Parameter):
            return f"{kind} computes more than the layer it is made of; leave it out with filter_fn"
        return ""
    if isinstance(module, BATCH_NORMS):
        return ""
    return f"{kind} has parameters and is no Linear, Conv1d or Conv2d; freeze it, or leave it out with filter_fn"


def _is_lazy(module: nn.Module) -> bool:
    return isinstance(module, nn.modules.lazy.LazyModuleMixin) and module.has_uninitialized_params()


@dataclass(frozen=True, eq=False)
class _Call:
    module: nn.Module
    x: Any
    output: Any


def _run(
    model: nn.Module, args: tuple[Any, ...], kwargs: Mapping[str, Any], watched: list[nn.Module]
) -> tuple[Any, list[_Call], "_Readers"]:
    """What the model returns, the calls of `watched` in a forward pass, and which operation read which tensor."""
    calls: list[_Call] = []
    readers = _Readers()
    hooks = [
        module.register_forward_hook(lambda m, args, output: calls.append(_Call(m, args[0] if args else None, output)))
        for module in watched
    ]
    try:
        with eval_mode(model), torch.no_grad(), readers:
            outputs = model(*args, **kwargs)
    finally:
        for hook in hooks:
            hook.remove()
    return outputs, calls, readers


def _site(
    call: _Call, path: str, readers: "_Readers", pools: Mapping[int, nn.Module], norms: tuple[nn.Module, ...]
) -> Site:
    layer, output, linear = call.module, call.output, isinstance(call.module, nn.Linear)
    weight = layer.weight
    assert isinstance(weight, Tensor)
    shape = output.movedim(-1, 1).shape if linear else output.shape
    pooled, relu, window = readers.pool_behind(output)
    rectified = relu or (bool(window) and readers.relu_behind(pooled))
    window = () if linear else window
    spatial = [size // step for size, step in zip(shape[2:], window, strict=True)] if window else shape[2:]
    return Site(
        name=path,
        layer=layer,
        info=replace(_info(layer, path, math.prod(shape[2:])), positions=math.prod(spatial)),
        macs=weight.numel() // shape[1],
        stored=(shape[1], *spatial),
        learns_weight=weight.requires_grad,
        window=window,
        pool=pools.get(id(pooled)) if window else None,
        relu=relu,
        rectified=rectified,
        norms=norms,
    )


def _info(layer: Any, path: str, positions: int) -> LayerInfo:
    """positions: of the layer's map or signal, before any pool."""
    weight, n = layer.weight, len(layer.weight) * positions
    return LayerInfo(
        name=path,
        n=n,
        parameters=sum(p.numel() for p in layer.parameters(recurse=False) if p.requires_grad),
        positions=positions,
        per_channel=getattr(layer, "groups", 1) > 1 and weight.shape[1] == 1,
        macs=(n * (weight.numel() // len(weight)),) * 2,
        weight=f"{path}.weight".lstrip("."),
        bias=None if layer.bias is None else f"{path}.bias".lstrip("."),
    )


class _Readers(TorchDispatchMode):
    """Remembers which operations read which tensor, to find the max pool behind a convolution, ReLU or not between."""

    def __init__(self) -> None:
        super().__init__()
        self._alive: list[Any] = []  # so that no id is given twice
        self._of: dict[int, list[tuple[str, tuple[Any, ...], Any]]] = {}

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        result = func(*args, **(kwargs or {}))
        self._alive.append((args, result))
        for value in tree_leaves((args, kwargs)):  # of lists too, as cat has them
            if isinstance(value, Tensor):
                self._of.setdefault(id(value), []).append((func.overloadpacket.__name__, args, result))
        return result

    def pool_behind(self, value: Tensor) -> tuple[Tensor, bool, tuple[int, ...]]:
        """(what a pool reads, whether a ReLU made that of `value`, the pool's window or ()): of a lone tiling one."""
        readers, relu = self._readers_of(value), False
        if [name for name, _, _ in readers] == ["relu"]:
            value, relu = readers[0][2], True
            readers = self._readers_of(value)
        elif readers and readers[0][0] == "relu_":
            readers, relu = readers[1:], True
        if len(readers) == 1 and readers[0][0].startswith("max_pool"):
            return value, relu, _tiling_window(readers[0][1], value.shape)
        return value, relu, ()

    def relu_behind(self, value: Tensor) -> bool:
        """Whether what the lone reader of `value` makes of it is read by a ReLU, and by nothing else."""
        made = self._readers_of(value)[-1][2]
        names = [name for name, _, _ in self._readers_of(made[0] if isinstance(made, tuple) else made)]
        return names == ["relu"] or names[:1] == ["relu_"]

    def _readers_of(self, value: Tensor) -> list[tuple[str, tuple[Any, ...], Any]]:
        """What reads `value`, also in another shape should nothing read it in its own (a signal is pooled as a map)."""
        readers = self._of.get(id(value), [])
        while [name for name, _, _ in readers] in (["unsqueeze"], ["squeeze"], ["view"]):
            readers = self._of.get(id(readers[0][2]), [])
        return readers


def _tiling_window(arguments: tuple[Any, ...], shape: torch.Size) -> tuple[int, ...]:
    """kernel of max_pool(input, kernel, stride, padding, dilation, ceil_mode), () unless the windows tile the map.

    shape: of the map, or of the signal that the input is, with a height of 1.
    """
    pooled = tuple(arguments[0].shape)
    if pooled not in (shape, (*shape[:2], 1, *shape[2:])):
        return ()
    dims = len(pooled) - 2
    given = (*arguments[1:], *((), 0, 1, False)[len(arguments) - 2 :])
    kernel, stride, padding, dilation = (
        (value,) * dims if isinstance(value, int) else tuple(value) * (dims if len(value) == 1 else 1)
        for value in given[:4]
    )
    tiled = (stride or kernel) == kernel and not any(padding) and set(dilation) == {1} and not given[4]
    return kernel[len(pooled) - len(shape) :] if tiled else ()
