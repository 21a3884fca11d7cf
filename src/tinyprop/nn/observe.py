"""What a method may know of a PyTorch model: its layers in the order of their calls, learned from one forward pass."""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torch.utils._python_dispatch import TorchDispatchMode

from tinyprop.errors import UserError
from tinyprop.frontend.exported import eval_mode
from tinyprop.methods.spec import LayerInfo

LAYERS = (nn.Linear, nn.Conv1d, nn.Conv2d)
BATCH_NORMS = (nn.BatchNorm1d, nn.BatchNorm2d)
MAX_POOLS = (nn.MaxPool1d, nn.MaxPool2d)

FilterFn = Callable[[nn.Module, str], bool]


@dataclass(frozen=True)
class Site:
    """One layer of the model that a method governs.

    name: its path in the model. macs: multiply-adds that one entry of δ costs in the gradient of the weight, and as
    many in the error sent below. learns_weight: not its bias alone has requires_grad.
    window: of the max pool that alone reads the layer and tiles its map, () without: as in the C engine, δ has an entry
    for each window. pool: the module that pools, if it does nothing else; relu: whether a ReLU lies before it.
    """

    name: str
    layer: nn.Module
    info: LayerInfo
    macs: int
    learns_weight: bool = True
    window: tuple[int, ...] = ()
    pool: nn.Module | None = None
    relu: bool = False


def observe(
    model: nn.Module, args: tuple[Any, ...], kwargs: Mapping[str, Any], filter_fn: FilterFn | None
) -> tuple[Site, ...]:
    """The layers that `model` calls on these inputs and that have something to train, in the order of their calls.

    filter_fn: (module, path) → whether the method governs it; None: all. The others train as PyTorch trains them.
    Runs the model once, in eval mode and without gradients: nothing of it changes.
    Raises UserError that lists every module that cannot be governed, with its path and what to do.
    """
    paths = {module: path for path, module in model.named_modules() if _chosen(module, path, filter_fn)}
    problems = [f"{path or 'the model'}: {why}" for module, path in paths.items() if (why := _problem_of(module))]
    calls, readers = _run(model, args, kwargs, [m for m in model.modules() if m in paths or isinstance(m, MAX_POOLS)])
    layers = [(module, output) for module, _, output in calls if isinstance(module, LAYERS)]
    called = [module for module, _ in layers]
    for module in (module for module in paths if isinstance(module, LAYERS)):
        if (times := called.count(module)) != 1:
            often = "is never called" if times == 0 else f"is called {times} times in a pass, so that its errors mix"
            problems.append(f"{paths[module] or 'the model'}: {often}; leave it out with filter_fn")
    if problems:
        listed = "\n".join(f"  - {problem}" for problem in problems)
        raise UserError(f"{type(model).__name__} cannot be trained sparsely:\n{listed}")
    if not layers:
        raise UserError(
            f"{type(model).__name__} has no Linear, Conv1d or Conv2d that trains: set requires_grad of one, or let "
            f"filter_fn return True for it."
        )
    modules = [module for module, _, _ in calls]
    pools = {id(x): module for module, x, _ in calls if isinstance(module, MAX_POOLS) and modules.count(module) == 1}
    return tuple(_site(module, paths[module], output, readers, pools) for module, output in layers)


def _chosen(module: nn.Module, path: str, filter_fn: FilterFn | None) -> bool:
    trains = any(parameter.requires_grad for parameter in module.parameters(recurse=False))
    return trains and (filter_fn is None or bool(filter_fn(module, path)))


def _problem_of(module: nn.Module) -> str:
    """Why a module with parameters of its own cannot be governed, and the remedy; '' when it can."""
    if isinstance(module, nn.modules.lazy.LazyModuleMixin) and module.has_uninitialized_params():
        return "its shape is not known yet; run the model once before"
    if isinstance(module, (*LAYERS, *BATCH_NORMS)):
        return ""
    kind = type(module).__name__
    return f"{kind} has parameters and is no Linear, Conv1d or Conv2d; freeze it, or leave it out with filter_fn"


def _run(
    model: nn.Module, args: tuple[Any, ...], kwargs: Mapping[str, Any], watched: list[nn.Module]
) -> tuple[list[tuple[nn.Module, Any, Any]], "_Readers"]:
    """(module, input, output) of each call of `watched` in a forward pass, and which operation read which tensor."""
    calls: list[tuple[nn.Module, Any, Any]] = []
    readers = _Readers()
    hooks = [
        module.register_forward_hook(lambda m, args, output: calls.append((m, args[0] if args else None, output)))
        for module in watched
    ]
    try:
        with eval_mode(model), torch.no_grad(), readers:
            model(*args, **kwargs)
    finally:
        for hook in hooks:
            hook.remove()
    return calls, readers


def _site(layer: nn.Module, path: str, output: Tensor, readers: "_Readers", pools: Mapping[int, nn.Module]) -> Site:
    weight = layer.weight
    assert isinstance(weight, Tensor)
    shape = output.movedim(-1, 1).shape if isinstance(layer, nn.Linear) else output.shape
    pooled, relu, window = readers.pool_behind(output)
    spatial = [size // step for size, step in zip(shape[2:], window, strict=True)] if window else shape[2:]
    return Site(
        name=path,
        layer=layer,
        info=LayerInfo(
            name=path,
            n=math.prod(shape[1:]),
            parameters=sum(p.numel() for p in layer.parameters(recurse=False) if p.requires_grad),
            positions=math.prod(spatial),
            per_channel=getattr(layer, "groups", 1) > 1 and weight.shape[1] == 1,
            macs=(math.prod(shape[1:]) * (weight.numel() // shape[1]),) * 2,
            weight=f"{path}.weight".lstrip("."),
            bias=None if layer.bias is None else f"{path}.bias".lstrip("."),
        ),
        macs=weight.numel() // shape[1],
        learns_weight=weight.requires_grad,
        window=window,
        pool=pools.get(id(pooled)) if window else None,
        relu=relu,
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
        for value in args:
            if isinstance(value, Tensor):
                self._of.setdefault(id(value), []).append((func.overloadpacket.__name__, args, result))
        return result

    def pool_behind(self, value: Tensor) -> tuple[Tensor, bool, tuple[int, ...]]:
        """(what a pool reads, whether a ReLU made that of `value`, the pool's window or ()): of a lone tiling one."""
        readers, relu = self._of.get(id(value), []), False
        if [name for name, _, _ in readers] == ["relu"]:
            value, relu = readers[0][2], True
            readers = self._of.get(id(value), [])
        elif readers and readers[0][0] == "relu_":
            readers, relu = readers[1:], True
        if len(readers) == 1 and readers[0][0].startswith("max_pool"):
            return value, relu, _tiling_window(readers[0][1], value.ndim - 2)
        return value, relu, ()


def _tiling_window(arguments: tuple[Any, ...], dims: int) -> tuple[int, ...]:
    """kernel of max_pool(input, kernel, stride, padding, dilation, ceil_mode), () unless the windows tile the map."""
    given = (*arguments[1:], *((), 0, 1, False)[len(arguments) - 2 :])
    kernel, stride, padding, dilation = (
        (value,) * dims if isinstance(value, int) else tuple(value) * (dims if len(value) == 1 else 1)
        for value in given[:4]
    )
    tiled = (stride or kernel) == kernel and not any(padding) and set(dilation) == {1} and not given[4]
    return kernel if tiled else ()
