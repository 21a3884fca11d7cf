"""How aten calls become nodes: one rule per operator, one table. A new operator: its file, and its line in RULES."""

from collections.abc import Callable, Mapping
from types import MappingProxyType

from tinyprop.frontend.aten_call import AtenCall
from tinyprop.frontend.lowering import Lowering
from tinyprop.frontend.rules.activation import (
    lower_activation,
    lower_clamp,
    lower_hardtanh,
    lower_leaky_relu,
    lower_relu6,
)
from tinyprop.frontend.rules.add import lower_add
from tinyprop.frontend.rules.advice import advice_for as advice_for
from tinyprop.frontend.rules.avg_pool2d import lower_adaptive_avg_pool, lower_avg_pool, lower_mean
from tinyprop.frontend.rules.batch_norm import lower_batch_norm
from tinyprop.frontend.rules.concat import lower_concat
from tinyprop.frontend.rules.conv2d import lower_convolution
from tinyprop.frontend.rules.dense import lower_addmm, lower_linear, lower_matmul, note_transpose
from tinyprop.frontend.rules.identity import lower_cast, lower_identity, lower_nothing
from tinyprop.frontend.rules.max_pool2d import lower_max_pool
from tinyprop.frontend.rules.pad import lower_pad
from tinyprop.frontend.rules.reshape import lower_reshape

Rule = Callable[[AtenCall, Lowering], None]

RULES: Mapping[str, Rule] = MappingProxyType(
    {
        "_assert_tensor_metadata": lower_nothing,
        "adaptive_avg_pool1d": lower_adaptive_avg_pool,
        "adaptive_avg_pool2d": lower_adaptive_avg_pool,
        "add": lower_add,
        "add_": lower_add,
        "addmm": lower_addmm,
        "alpha_dropout": lower_identity,
        "avg_pool1d": lower_avg_pool,
        "avg_pool2d": lower_avg_pool,
        "batch_norm": lower_batch_norm,
        "cat": lower_concat,
        "clamp": lower_clamp,
        "clamp_": lower_clamp,
        "clone": lower_identity,
        "concat": lower_concat,
        "concatenate": lower_concat,
        "contiguous": lower_identity,
        "conv1d": lower_convolution,
        "conv2d": lower_convolution,
        "dropout": lower_identity,
        "dropout_": lower_identity,
        "feature_dropout": lower_identity,
        "flatten": lower_reshape,
        "hardsigmoid": lower_activation,
        "hardsigmoid_": lower_activation,
        "hardswish": lower_activation,
        "hardswish_": lower_activation,
        "hardtanh": lower_hardtanh,
        "hardtanh_": lower_hardtanh,
        "leaky_relu": lower_leaky_relu,
        "leaky_relu_": lower_leaky_relu,
        "linear": lower_linear,
        "matmul": lower_matmul,
        "max_pool1d": lower_max_pool,
        "max_pool2d": lower_max_pool,
        "mean": lower_mean,
        "mm": lower_matmul,
        "numpy_T": note_transpose,
        "pad": lower_pad,
        "permute": note_transpose,
        "relu": lower_activation,
        "relu6": lower_relu6,
        "relu6_": lower_relu6,
        "relu_": lower_activation,
        "reshape": lower_reshape,
        "sigmoid": lower_activation,
        "sigmoid_": lower_activation,
        "squeeze": lower_reshape,
        "t": note_transpose,
        "tanh": lower_activation,
        "tanh_": lower_activation,
        "to": lower_cast,
        "transpose": note_transpose,
        "type_as": lower_cast,
        "unflatten": lower_reshape,
        "unsqueeze": lower_reshape,
        "view": lower_reshape,
    }
)
