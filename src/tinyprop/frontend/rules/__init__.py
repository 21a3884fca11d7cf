"""How aten calls become nodes: one rule per operator, one table. A new operator: its file, and its line in RULES."""

from collections.abc import Callable, Mapping
from types import MappingProxyType

from tinyprop.frontend.aten_call import AtenCall
from tinyprop.frontend.lowering import Lowering
from tinyprop.frontend.rules.add import lower_add
from tinyprop.frontend.rules.advice import advice_for as advice_for
from tinyprop.frontend.rules.batch_norm import fold_batch_norm
from tinyprop.frontend.rules.conv2d import lower_conv2d
from tinyprop.frontend.rules.dense import lower_addmm, lower_linear, lower_matmul, note_transpose
from tinyprop.frontend.rules.flatten import lower_reshape
from tinyprop.frontend.rules.identity import lower_identity
from tinyprop.frontend.rules.max_pool2d import lower_max_pool2d
from tinyprop.frontend.rules.relu import lower_relu

Rule = Callable[[AtenCall, Lowering], None]

RULES: Mapping[str, Rule] = MappingProxyType(
    {
        "add": lower_add,
        "add_": lower_add,
        "addmm": lower_addmm,
        "alpha_dropout": lower_identity,
        "batch_norm": fold_batch_norm,
        "clone": lower_identity,
        "contiguous": lower_identity,
        "conv2d": lower_conv2d,
        "dropout": lower_identity,
        "dropout_": lower_identity,
        "feature_dropout": lower_identity,
        "flatten": lower_reshape,
        "linear": lower_linear,
        "matmul": lower_matmul,
        "max_pool2d": lower_max_pool2d,
        "mm": lower_matmul,
        "numpy_T": note_transpose,
        "permute": note_transpose,
        "relu": lower_relu,
        "relu_": lower_relu,
        "reshape": lower_reshape,
        "t": note_transpose,
        "transpose": note_transpose,
        "view": lower_reshape,
    }
)
