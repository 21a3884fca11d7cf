"""What to use instead of an operator that is not supported."""

_ACTIVATION = "use nn.ReLU instead"
_SOFTMAX = "remove it, the loss contains it"
_AVERAGE = "use nn.MaxPool2d, or flatten the feature map, instead"
_NORM = "leave it out, or use nn.BatchNorm2d right behind a convolution, which is folded into it"
_CHAIN = "write forward with layers and additions of their results"
_CONV = "use nn.Conv2d instead (a signal of length T as an image of 1 × T)"
_RECURRENT = "use nn.Conv2d over a window of the signal instead"
_PAD = "use padding= of nn.Conv2d with padding_mode='zeros' instead"
_BIAS = "use nn.Linear with bias=True for a bias"

_REMEDIES = {
    _SOFTMAX: "softmax _softmax log_softmax _log_softmax",
    _ACTIVATION: "celu clamp clamp_min elu gelu hardsigmoid hardswish hardswish_ hardtanh hardtanh_ leaky_relu "
    "leaky_relu_ mish prelu rrelu selu sigmoid silu silu_ softplus tanh",
    _AVERAGE: "adaptive_avg_pool2d adaptive_max_pool2d avg_pool2d mean",
    _NORM: "group_norm instance_norm layer_norm rms_norm",
    _CONV: "avg_pool1d conv1d conv3d conv_transpose2d max_pool1d",
    _RECURRENT: "gru lstm rnn_relu rnn_tanh",
    _PAD: "constant_pad_nd pad",
    _BIAS: "add add_",
    _CHAIN: "cat chunk getitem mul scaled_dot_product_attention split stack sub",
}
_ADVICE = {operator: remedy for remedy, operators in _REMEDIES.items() for operator in operators.split()}


def advice_for(operator: str) -> str:
    """The remedy, as a clause, for an aten operator without a rule."""
    return _ADVICE.get(
        operator, "build the model from nn.Linear, nn.Conv2d, nn.ReLU, nn.MaxPool2d, nn.Flatten and nn.Dropout"
    )
