"""What a user types: capture a model, choose a method, build an engine, train, export.

network = tinyprop.capture(model, example_input)
trainer = network.train(tinyprop.TinyPropV2(), loss="cross_entropy")
engine = trainer.build("host")
trace = engine.fit(x, y, epochs=3, lr=0.01)
trainer.export("firmware/", board="nano33ble")
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from tinyprop.codegen.export_folder import replace_folder, require_replaceable
from tinyprop.codegen.forms import form_named
from tinyprop.codegen.generate import INLINE, SIZE, generate
from tinyprop.codegen.project import COMMON, CrossCompiler, project
from tinyprop.codegen.source_tree import SourceTree
from tinyprop.cost.effort import Effort, effort, effort_of_visits
from tinyprop.cost.memory import MemoryCost, memory_cost
from tinyprop.errors import UserError, unknown_name
from tinyprop.ir.choices import CHOICES
from tinyprop.ir.differentiate import differentiate
from tinyprop.ir.graph import Program, frozen_array
from tinyprop.ir.losses import Loss, loss_of
from tinyprop.ir.op import LayerOp
from tinyprop.ir.passes import fuse
from tinyprop.ir.prefix import require_frozen_prefix
from tinyprop.ir.train_program import TrainProgram
from tinyprop.ir.trainable import spec_of
from tinyprop.methods import METHODS, Method, method_named
from tinyprop.methods.optimizer import PLAIN, SGD
from tinyprop.plan.lifetimes import Storage, storage_of
from tinyprop.plan.masks import with_useful_masks
from tinyprop.plan.memory import plan_memory
from tinyprop.plan.plan import Plan
from tinyprop.targets import Engine, build, load_board
from tinyprop.targets.firmware import build_firmware
from tinyprop.targets.samples import as_array
from tinyprop.targets.toolchain import BOARD_GCC
from tinyprop.trace import StepTrace, StoreTrace

if TYPE_CHECKING:
    from torch import nn

    from tinyprop.nn import Handle


def capture(model: nn.Module, example_input: Any, name: str | None = None, *, batch_norm: str = "fold") -> Network:
    """The network of a PyTorch model, which stays as it is.

    example_input: a tensor or array with a batch of one, (1, …). name: a C identifier; default: from the model's class.
    batch_norm: "fold", into the layer in front of it (one that has none stays, frozen); or "train", each a layer of its
    own whose scale and shift train with the statistics fixed. requires_grad is not read: `Network.train` says what
    trains; a UserWarning names parameters that have it off where others have it on.
    Raises UserError that lists every unsupported operator, each with its module and what to use instead.
    """
    from tinyprop.frontend import capture as capture_program  # the only way to torch

    return Network(capture_program(model, example_input, name, batch_norm))


def load(path: str | Path, name: str | None = None, *, batch_norm: str = "fold") -> Network:
    """The network of a model saved by `torch.export.save`; name: a C identifier, default: from the file's name.

    batch_norm: "fold" or "train", as in `capture`.
    Raises UserError when there is no such file, or when it holds no model that can be captured.
    """
    from tinyprop.frontend import load as load_program

    return Network(load_program(Path(path), name, batch_norm))


def apply_(model: nn.Module, method: Method | str, filter_fn: Any = None, **settings: Any) -> Handle:
    """Trains a PyTorch model by `method` in PyTorch itself, in place: `tinyprop.nn.apply_`, which says all of it."""
    from tinyprop.nn import apply_ as apply_in_torch

    return apply_in_torch(model, method, filter_fn, **settings)


@dataclass(frozen=True)
class Network:
    """A captured network; its weights are a copy of the model's."""

    program: Program

    def train(
        self,
        method: Method | str,
        loss: Loss | str = "cross_entropy",
        optimizer: SGD = PLAIN,
        *,
        kernels: str = INLINE,
        skip_zero_inputs: bool = False,
        trainable: str | Iterable[str] | None = None,
        latent: bool = False,
    ) -> Trainer:
        """How this network learns under `method` (an object, or a name from `tinyprop methods`).

        optimizer: SGD, plain or with momentum, weight decay or clipping; its docstring says what each costs.
        loss: "cross_entropy" (labels), "mse" (targets), or a loss with settings, CrossEntropy(label_smoothing=0.1).
        kernels: "inline" (fast) or "size" (small). skip_zero_inputs: whether a dense layer that reads the network's own
        input leaves out its zeros: a test each, which pays where a tenth of the input or more is exactly zero.
        trainable: what trains, in state_dict names of modules, layers or parameters, such as ["head", "a.0.bias"], or
        in words of `tinyprop.CHOICES`, such as "last_layer" (see `memory_by_choice`); None: all. The rest is in flash.
        latent: whether the engine can also compute the layers before all that trains by themselves (`engine.latents`)
        and go on from there, for a store of latents.
        Raises UserError for an unknown method, loss, optimizer or name, when nothing trains, or when latents are asked
        for and no layer lies before all that trains.
        """
        if isinstance(method, str):
            method = method_named(method)
        if not isinstance(method, Method):
            known = ", ".join(METHODS)
            raise UserError(f"method is {method!r}, not a training method: pass e.g. TinyPropV2(), or one of {known}.")
        if not isinstance(optimizer, SGD):
            raise UserError(f"optimizer is {optimizer!r}, not an optimizer: pass e.g. tinyprop.SGD(momentum=0.9).")
        if kernels not in (INLINE, SIZE):
            raise unknown_name("kernels", str(kernels), (INLINE, SIZE))
        program = fuse(self.program)
        spec = replace(spec_of(program, method, trainable), skip_zero_inputs=skip_zero_inputs)
        train_program = with_useful_masks(differentiate(program, spec, loss_of(loss), optimizer))
        if latent:
            require_frozen_prefix(train_program)
        return Trainer(method, train_program, kernels, latent)

    def memory_by_choice(
        self, method: Method | str, loss: Loss | str = "cross_entropy", optimizer: SGD = PLAIN
    ) -> dict[str, MemoryCost]:
        """What training costs for each word that `trainable` takes (`tinyprop.CHOICES`): word → bytes.

        Words that pick nothing of this network (no layer has a bias) are left out. Raises UserError as `train` does.
        """
        program = fuse(self.program)
        words = [word for word, choice in CHOICES.items() if choice.parameters(program)]
        return {word: self.train(method, loss, optimizer, trainable=word).memory for word in words}

    def with_weights(self, weights: Mapping[str, Any]) -> Network:
        """The same network with other weights: name → array or tensor, as in the model's state_dict.

        Raises UserError when names, shapes or values do not match.
        """
        own = self.program.parameters
        if missing := [n for n in own if n not in weights]:
            raise UserError(f"no weights given for {', '.join(missing)}: pass all of {', '.join(own)}.")
        arrays = {name: frozen_array(as_array(weights[name], f"weight '{name}'")) for name in own}
        for name, array in arrays.items():
            if array.shape != own[name].shape or not np.isfinite(array).all():
                raise UserError(f"weight '{name}' has shape {array.shape}; it must be finite and {own[name].shape}.")
        for node in self.program.layers:
            if isinstance(node.op, LayerOp) and not node.op.has_meaning(
                tuple(arrays[name] for name in node.parameters)
            ):
                raise UserError(f"weight '{node.parameters[-1]}' holds a negative variance: pass that of a state_dict.")
        return Network(replace(self.program, parameters=arrays))

    def __str__(self) -> str:
        return str(self.program)


@dataclass(frozen=True)
class Trainer:
    """A network and a method, lowered: everything about the training step is decided, nothing is compiled yet."""

    method: Method
    train_program: TrainProgram
    kernels: str = INLINE
    latent: bool = False

    @cached_property
    def storage(self) -> Storage:
        """The buffers of one training step."""
        return storage_of(self.train_program)

    @cached_property
    def plan(self) -> Plan:
        """Where they lie in memory."""
        return plan_memory(self.storage.buffers)

    @cached_property
    def sources(self) -> SourceTree:
        """The generated C."""
        return generate(self.train_program, self.storage, self.plan, self.kernels, self.latent)

    @property
    def memory(self) -> MemoryCost:
        """What it costs in RAM."""
        return memory_cost(self.train_program, self.plan)

    def effort(self, trace: StepTrace | StoreTrace) -> Effort:
        """Effort of a run on the host engine, relative to plain full training; samples that slept cost nothing."""
        if isinstance(trace, StoreTrace):
            return effort_of_visits(self.train_program, trace)
        return effort(self.train_program, trace)

    def build(self, target: str | Path = "host", toolchain: str = "zig", optimise: str | None = None) -> Engine:
        """Compiles for "host", a board's name or a board's .toml file, and starts it.

        toolchain: "zig" (installed with tinyprop) or "gcc". optimise: a compiler flag such as "-O3"; default: the
        toolchain's usual one. Raises UserError for an unknown target, a missing tool, a model that does not fit.
        """
        shape = self.train_program.program.input.shape
        engine = build(self.sources, shape, target, toolchain, optimise)
        engine.train_program = self.train_program
        return engine

    def export(self, folder: str | Path, board: str | Path | None = None, form: str = "cmake") -> Path:
        """Writes the C project: engine, network, weights, build files, a self-test and a README. Returns the folder.

        form: "cmake", "arduino", "platformio", "zephyr" or "esp-idf". board: checked to hold the model before anything
        is written, and whose compiler the README names. The folder must be new, empty, or an earlier export in which
        nothing was added or changed but what was built in it, which stays; it is replaced as a whole or not at all.
        Raises UserError.
        """
        form_named(form)
        require_replaceable(Path(folder))
        notes: tuple[str, ...] = (f"\n{self.memory}.",)
        cross = COMMON
        if board is not None:
            record = load_board(board)
            gcc = BOARD_GCC[record.architecture]
            cross = CrossCompiler(record.title, gcc.command, " ".join((*record.flags.gcc, gcc.library)))
            image = build_firmware(self.sources, record, clock="dwt")
            sizes = f"{image.flash_bytes:,} bytes of flash and {image.ram_bytes:,} of RAM"
            notes += (f"Compiled with zig for the {record.title} ({record.cpu}) it takes {sizes}, without a sample.",)
        return replace_folder(Path(folder), project(self.sources, self.train_program, self.plan, notes, form, cross))

    def __str__(self) -> str:
        return f"{self.train_program}\n{self.memory}"
