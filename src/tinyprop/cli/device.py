"""`tinyprop device`: talks to a device, or starts one in an emulator."""

from pathlib import Path
from typing import Annotated

from cyclopts import App, Parameter

from tinyprop.cli.parameters import JsonPath, LossName, MethodName, MethodSettings, Momentum, as_typed, console

device_app = App(
    name="device",
    help="Talk to a device over a serial port, or start one in an emulator.",
    help_epilogue="Examples:  tinyprop device info --port /dev/ttyACM0  ·  tinyprop device train day.npz --port COM3 "
    "--save  ·  tinyprop device pull learned.tpck --port /dev/ttyACM0  ·  tinyprop device emulate model.pt2",
)
Port = Annotated[str, Parameter(help="such as /dev/ttyACM0 or COM3")]
Baud = Annotated[int, Parameter(help="bits per second, as in the firmware")]
Timeout = Annotated[float, Parameter(help="seconds that one answer may take; a training step is one")]
SamplesPath = Annotated[Path, Parameter(help="a .npz file with arrays x and y")]


@device_app.command(name="info")
def device_info(*, port: Port, baud: Baud = 115200, timeout: Timeout = 2.0, json: JsonPath = None) -> int:
    """Show what runs on the device, and its counters.

    Example: tinyprop device info --port /dev/ttyACM0
    """
    from tinyprop.bench.device_command import info_command, open_line

    with open_line(port, baud, timeout) as line:
        return info_command(console, line, json)


@device_app.command(name="train")
def device_train(
    samples: SamplesPath,
    *,
    port: Port,
    lr: Annotated[float, Parameter(help="learning rate of every step")] = 0.01,
    save: Annotated[bool, Parameter(negative=(), help="save on the device afterwards")] = False,
    baud: Baud = 115200,
    timeout: Timeout = 2.0,
    json: JsonPath = None,
) -> int:
    """Send samples and labels to the device, which learns them one by one, in order.

    Example: tinyprop device train day.npz --port /dev/ttyACM0 --lr 0.005 --save
    """
    from tinyprop.bench.device_command import open_line, train_command

    with open_line(port, baud, timeout) as line:
        return train_command(console, line, samples, lr=lr, save=save, json_path=json)


@device_app.command(name="predict")
def device_predict(
    samples: SamplesPath,
    *,
    port: Port,
    output: Annotated[Path | None, Parameter(help="also write outputs and classes as JSON")] = None,
    baud: Baud = 115200,
    timeout: Timeout = 2.0,
) -> int:
    """Let the device infer samples; says how many it tells right where they have labels.

    Example: tinyprop device predict test.npz --port /dev/ttyACM0
    """
    from tinyprop.bench.device_command import open_line, predict_command

    with open_line(port, baud, timeout) as line:
        return predict_command(console, line, samples, output=output)


@device_app.command(name="counters")
def device_counters(*, port: Port, baud: Baud = 115200, timeout: Timeout = 2.0, json: JsonPath = None) -> int:
    """Show what the device counted since it started: frames, steps, samples refused, ways back of the guard.

    Example: tinyprop device counters --port /dev/ttyACM0 --json build/counters.json
    """
    from tinyprop.bench.device_command import counters_command, open_line

    with open_line(port, baud, timeout) as line:
        return counters_command(console, line, json)


@device_app.command(name="save")
def device_save(*, port: Port, baud: Baud = 115200, timeout: Timeout = 10.0) -> int:
    """Let the device save what it has learned.

    Example: tinyprop device save --port /dev/ttyACM0
    """
    from tinyprop.bench.device_command import open_line, save_command

    with open_line(port, baud, timeout) as line:
        return save_command(console, line)


@device_app.command(name="pull")
def device_pull(
    file: Annotated[Path, Parameter(help="where the checkpoint goes")],
    *,
    port: Port,
    baud: Baud = 115200,
    timeout: Timeout = 2.0,
) -> int:
    """Get the newest checkpoint that the device has saved.

    Example: tinyprop device pull learned.tpck --port /dev/ttyACM0
    """
    from tinyprop.bench.device_command import open_line, pull_command

    with open_line(port, baud, timeout) as line:
        return pull_command(console, line, file)


@device_app.command(name="push")
def device_push(
    file: Annotated[Path, Parameter(help="a checkpoint")], *, port: Port, baud: Baud = 115200, timeout: Timeout = 10.0
) -> int:
    """Make a checkpoint the newest of the device; its firmware has to be built with TP_LINK_PUSH=1.

    Example: tinyprop device push improved.tpck --port /dev/ttyACM0
    """
    from tinyprop.bench.device_command import open_line, push_command

    with open_line(port, baud, timeout) as line:
        return push_command(console, line, file)


@device_app.command(name="emulate")
def device_emulate(
    model: Annotated[Path, Parameter(help="a program saved by torch.export.save (.pt2)")],
    *,
    board: Annotated[str, Parameter(help="a name from `tinyprop boards`, or a .toml file")] = "nano33ble",
    method: MethodName = "tinyprop_v2",
    settings: MethodSettings = None,
    loss: LossName = "cross_entropy",
    momentum: Momentum = 0.0,
    push: Annotated[bool, Parameter(negative=(), help="build firmware that takes checkpoints")] = False,
) -> int:
    """Start a board in an emulator that speaks to the other commands over a serial port of this machine.

    Example: tinyprop device emulate model.pt2 --method ours --push
    """
    from tinyprop.bench.device_command import emulate_command
    from tinyprop.methods import method_named
    from tinyprop.methods.optimizer import SGD
    from tinyprop.surface import load

    trainer = load(model).train(method_named(method, **as_typed(settings)), loss, SGD(momentum))
    return emulate_command(console, trainer, board, push=push)
