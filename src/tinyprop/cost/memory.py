"""Bytes: what a model keeps in RAM while it trains, by purpose, and what inference alone would need."""

from dataclasses import dataclass

from tinyprop.cost.effort import plain_macs
from tinyprop.ir.prefix import frozen_prefix
from tinyprop.ir.train_program import ForwardStep, TrainProgram
from tinyprop.plan.lifetimes import Storage, storage_of
from tinyprop.plan.memory import plan_memory
from tinyprop.plan.plan import Plan

LAYER_STATE_BYTES = 4  # sizeof(tp_layer_state)
KEPT_BYTES = 4  # one k per layer


@dataclass(frozen=True)
class MemoryCost:
    """All in bytes. weights: those that learn; optimizer: what it keeps between steps; state: what the method does;
    arena: activations, errors and scratch, overlaid; arena_lower_bound: the most alive at one time; input: the caller's
    sample; inference: arena and input of a model that never trains, weights in flash; frozen: weights that never
    change, in flash, not in RAM; latent: what a frozen prefix hands on, as float32, in the caller's memory where
    latents are used; 0: there is no prefix. prefix_share is no bytes: the prefix's part of a forward pass's
    multiply-adds, on paper."""

    weights: int
    optimizer: int
    state: int
    arena: int
    arena_lower_bound: int
    input: int
    inference: int
    frozen: int
    latent: int = 0
    prefix_share: float = 0.0

    @property
    def parameters(self) -> int:
        """How many parameters learn."""
        return self.weights // 4

    @property
    def model(self) -> int:
        """The generated NAME_memory."""
        return self.weights + self.optimizer + self.state + self.arena

    @property
    def training(self) -> int:
        """Everything a training step reads or writes in RAM but the stack."""
        return self.model + self.input

    @property
    def over_inference(self) -> float:
        """RAM to train over RAM to infer only."""
        return self.training / self.inference

    def __str__(self) -> str:
        return (
            f"RAM to train {self.training:,} bytes: weights {self.weights:,}, optimizer {self.optimizer:,}, "
            f"activations and errors {self.arena:,} "
            f"(lower bound {self.arena_lower_bound:,}), method state {self.state:,}, input {self.input:,}; "
            f"to infer only {self.inference:,}"
            + (f"; frozen weights stay in flash, {self.frozen:,} bytes" if self.frozen else "")
        )


def memory_cost(train: TrainProgram, plan: Plan) -> MemoryCost:
    """Bytes of `train` with its arena as in `plan`."""
    program = train.program
    layers = len(program.layers)
    input_bytes = 4 * program.input.size
    prefix = frozen_prefix(train)
    return MemoryCost(
        weights=4 * train.count(train.trainable),
        optimizer=4 * train.velocities,
        state=LAYER_STATE_BYTES * (1 + layers) + KEPT_BYTES * layers + 4 * sum(train.residuals.values()),
        arena=-(-plan.arena_bytes // 4) * 4,
        arena_lower_bound=plan.lower_bound_bytes,
        input=input_bytes,
        inference=plan_memory(_forward_only(train).buffers).arena_bytes + input_bytes,
        frozen=4 * train.count(train.frozen),
        latent=4 * prefix.latent.size if prefix else 0,
        prefix_share=prefix.forward_macs(program) / plain_macs(program).forward if prefix else 0.0,
    )


def _forward_only(train: TrainProgram) -> Storage:
    steps = tuple(ForwardStep(s.node, keep_aux=False) for s in train.steps if isinstance(s, ForwardStep))
    return storage_of(TrainProgram(train.program, train.spec, train.loss, steps))
