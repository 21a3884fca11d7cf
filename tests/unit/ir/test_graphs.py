"""Where a pass may end in a network that branches."""

import torch
from torch import nn

import tinyprop
from tinyprop.ir.train_program import AddErrorStep, BackwardStep


class Fork(nn.Module):
    """Two branches between a stem and a head."""

    def __init__(self) -> None:
        super().__init__()
        self.stem, self.a, self.b, self.head = (nn.Linear(4, 4) for _ in range(4))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = self.stem(x).relu()
        return self.head(self.a(x) + self.b(x))


def test_a_layer_ends_the_pass_only_where_no_other_error_is_on_its_way() -> None:
    steps = tinyprop.capture(Fork(), torch.zeros(1, 4)).train("tinyprop_v2").train_program.steps
    ends = {step.node.name: step.ends for step in steps if isinstance(step, BackwardStep)}
    assert ends == {"head": True, "b": False, "a": False, "stem": True}
    assert sum(isinstance(step, AddErrorStep) for step in steps) == 1
