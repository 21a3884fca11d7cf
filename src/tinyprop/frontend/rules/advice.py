"""What to use instead of an operator that is not supported."""

_ACTIVATION = "use nn.ReLU or nn.LeakyReLU instead"
_SMOOTH = "use nn.Hardswish instead"
_SOFTMAX = "remove it, the loss contains it"
_MAXIMUM = "use nn.MaxPool2d with a window as large as the feature map instead"
_SUM = "use the mean over dimensions 2 and 3 instead"
_NORM = "leave it out, or use nn.BatchNorm1d or nn.BatchNorm2d instead"
_CHAIN = "write forward with layers, additions and torch.cat of their results"
_JOIN = "use torch.cat(…, 1) instead"
_CONV = "use nn.Conv2d instead"
_POOL = "use nn.MaxPool2d or nn.AvgPool2d instead"
_RECURRENT = "use nn.Conv1d over a window of the signal instead"
_ELEMENT = "use flatten(1) on a feature map of one position instead"
_DECOMPOSED = "save what torch.export.export returns as it is, without run_decompositions()"
_DETACH = "leave it out, and name what trains with trainable= when you choose the method"
_BIAS = "use nn.Linear with bias=True for a bias"

_REMEDIES = {
    _SOFTMAX: "softmax _softmax log_softmax _log_softmax",
    _ACTIVATION: "celu clamp_min elu logsigmoid prelu rrelu selu softplus softsign threshold",
    _SMOOTH: "gelu mish silu silu_",
    _MAXIMUM: "adaptive_max_pool1d adaptive_max_pool2d amax max",
    _SUM: "sum",
    _NORM: "group_norm instance_norm layer_norm rms_norm",
    _CONV: "conv3d conv_transpose1d conv_transpose2d",
    _POOL: "avg_pool3d fractional_max_pool2d lp_pool2d max_pool3d",
    _RECURRENT: "gru lstm rnn_relu rnn_tanh",
    _BIAS: "add add_",
    _CHAIN: "chunk div mul neg scaled_dot_product_attention slice split sub",
    _ELEMENT: "select",
    _DECOMPOSED: "_native_batch_norm_legit_no_training convolution max_pool2d_with_indices",
    _DETACH: "detach detach_",
    _JOIN: "hstack stack vstack",
}
_ADVICE = {operator: remedy for remedy, operators in _REMEDIES.items() for operator in operators.split()}


def advice_for(operator: str) -> str:
    """The remedy, as a clause, for an aten operator without a rule."""
    return _ADVICE.get(
        operator,
        "build the model from nn.Linear, nn.Conv2d, activations such as nn.ReLU, nn.MaxPool2d, nn.AvgPool2d, "
        "nn.Flatten, nn.Dropout, additions and torch.cat",
    )
