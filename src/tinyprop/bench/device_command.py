"""`tinyprop device`: talk to a device over a serial port, or to a board in an emulator."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import msgspec
import numpy as np
from rich.console import Console
from rich.table import Table

from tinyprop.bench.atomic_file import require_writable, write_whole
from tinyprop.bench.npz_arrays import npz_arrays
from tinyprop.bench.progress import stage_progress
from tinyprop.checkpoint import decode, encode
from tinyprop.codegen.state import state_layout
from tinyprop.device import DeviceFacts, DeviceLine
from tinyprop.device.emulated import EmulatedDevice, PseudoTerminal
from tinyprop.errors import UserError
from tinyprop.surface import Trainer
from tinyprop.targets import load_board

SILENCE_S = 0.05  # after which a read gives back what it has


@contextmanager
def open_line(port: str, baud: int, timeout_s: float) -> Iterator[DeviceLine]:
    """A session with the device at a serial port. Raises UserError where there is none, or nobody answers."""
    try:
        import serial
    except ImportError as error:
        raise UserError("the library pyserial is not installed: run pip install 'tinyprop[device]'.") from error
    try:
        opened = serial.serial_for_url(port, baudrate=baud, timeout=SILENCE_S)
    except (OSError, ValueError) as error:
        raise UserError(f"the port '{port}' cannot be opened ({error}): {_known_ports()}.") from error
    try:
        with DeviceLine(opened, timeout_s=timeout_s) as line:
            yield line
    except serial.SerialException as error:
        raise UserError(f"the port '{port}' went away ({error}): plug the device in again.") from error
    finally:
        opened.close()


def info_command(console: Console, line: DeviceLine, json_path: Path | None) -> int:
    """What the device says of itself, and its counters."""
    facts, counters = line.facts, line.counters()
    console.print(_facts_table(facts))
    console.print(_counters_table(counters))
    _write_json(console, json_path, {"device": msgspec.to_builtins(facts), "counters": counters})
    return 0


def counters_command(console: Console, line: DeviceLine, json_path: Path | None) -> int:
    """What the device counted."""
    counters = line.counters()
    console.print(_counters_table(counters))
    _write_json(console, json_path, counters)
    return 0


def train_command(
    console: Console, line: DeviceLine, samples: Path, *, lr: float, save: bool, json_path: Path | None
) -> int:
    """One pass over the samples of a .npz file, in order; then, if asked, a save."""
    if json_path is not None:
        require_writable(json_path)
    x, y = npz_arrays(samples, "x", "y")
    with stage_progress(console) as advance:
        trace = line.fit(x, y, lr=lr, report=lambda done, total: advance("training", done, total))
    kept = trace.kept.mean(axis=0).round(1).tolist() if len(trace) else []
    row = {
        "steps": len(trace),
        "mean_loss": float(trace.loss.mean()) if len(trace) else None,
        "right_before_learning": int((trace.predicted == np.asarray(y)[: len(trace)]).sum())
        if not line.facts.learns_targets and len(trace) == len(x)
        else None,
        "skipped": int(trace.skipped.sum()),
        "mean_kept": kept,
        "retries": line.retries,
    }
    said = f"{row['steps']:,} steps, mean loss {row['mean_loss']:.4f}" if len(trace) else "no step was kept"
    console.print(f"{said}, {row['skipped']:,} skipped, mean k per layer {kept}", highlight=False)
    if save:
        steps, sequence = line.save()
        console.print(f"saved: {steps:,} steps, sequence {sequence}", highlight=False)
    _write_json(console, json_path, row)
    return 0


def predict_command(console: Console, line: DeviceLine, samples: Path, *, output: Path | None) -> int:
    """Outputs for the samples of a .npz file; accuracy where it has labels."""
    if output is not None:
        require_writable(output)
    x, y = npz_arrays(samples, "x", None)
    rows = []
    with stage_progress(console) as advance:
        for number, sample in enumerate(np.asarray(x, np.float32).reshape(len(x), -1)):
            rows.append(line.infer(sample))
            advance("inference", number + 1, len(x))
    outputs = np.array(rows)
    if y is not None and not line.facts.learns_targets:
        right = int((outputs.argmax(axis=1) == y).sum())
        console.print(f"{right} of {len(y)} told right, {100 * right / len(y):.1f} %", highlight=False)
    else:
        console.print(f"{len(outputs)} samples", highlight=False)
    if output is not None:
        content = msgspec.json.encode({"outputs": outputs.tolist(), "predicted": outputs.argmax(axis=1).tolist()})
        write_whole(output, msgspec.json.format(content) + b"\n")
        console.print(f"outputs: {output}", highlight=False)
    return 0


def save_command(console: Console, line: DeviceLine) -> int:
    """Asks the device to save now."""
    steps, sequence = line.save()
    console.print(f"saved: {steps:,} steps, sequence {sequence}", highlight=False)
    return 0


def pull_command(console: Console, line: DeviceLine, path: Path) -> int:
    """Writes the newest checkpoint of the device to a file."""
    require_writable(path)
    pulled = line.pull()
    write_whole(path, encode(pulled))
    console.print(f"wrote {path}: {pulled.steps:,} steps, sequence {pulled.sequence}", highlight=False)
    return 0


def push_command(console: Console, line: DeviceLine, path: Path) -> int:
    """Makes a checkpoint the newest of the device."""
    try:
        content = path.read_bytes()
    except OSError as error:
        raise UserError(f"'{path}' cannot be read ({error.strerror}): name a checkpoint.") from error
    sequence = line.push(decode(content, f"'{path}'"))
    console.print(f"the device goes on from {path}, which is its sequence {sequence}", highlight=False)
    return 0


def emulate_command(
    console: Console, trainer: Trainer, board: str, *, push: bool, wait: Callable[[PseudoTerminal], None] | None = None
) -> int:
    """Starts a board in an emulator and prints its port; ends with Ctrl-C, or when the firmware fails."""
    layout = state_layout(trainer.train_program)
    record = load_board(board)
    console.print(f"building {layout.name} for {record.title} …", highlight=False)
    device = EmulatedDevice(trainer.sources, layout, record, push=push)
    try:
        with PseudoTerminal(device) as terminal:
            console.print(
                f"{layout.name} runs on {record.title} ({record.emulator.kind}) at [bold]{terminal.path}[/bold]\n"
                f"tinyprop device info --port {terminal.path}   (Ctrl-C here switches it off)",
                highlight=False,
                soft_wrap=True,
            )
            (wait or _until_it_fails)(terminal)
            if terminal.fault is not None:
                raise terminal.fault
    finally:
        device.close()
    return 0


def _until_it_fails(terminal: PseudoTerminal) -> None:
    while terminal.is_alive:
        time.sleep(0.2)


def _known_ports() -> str:
    from serial.tools import list_ports

    found = [port.device for port in list_ports.comports()]
    return f"ports of this machine are {', '.join(found)}" if found else "this machine shows no serial port; plug it in"


def _facts_table(facts: DeviceFacts) -> Table:
    made = Table(show_header=False, box=None, padding=(0, 2, 0, 0), pad_edge=False)
    learns = "targets" if facts.learns_targets else "classes"
    built = (("checkpoints", facts.has_checkpoints), ("push", facts.has_push), ("guard", facts.has_guard))
    rows = {
        "program": f"{facts.name} ({facts.identity:08x})",
        "takes": f"{facts.inputs:,} values, {facts.outputs} outputs, learns {learns}",
        "parameters": f"{facts.parameters:,} that learn, {facts.layers} layers",
        "checkpoint": f"{facts.checkpoint_bytes:,} bytes" if facts.has_checkpoints else "none",
        "built in": ", ".join(name for name, there in built if there) or "nothing more",
    }
    for name, value in rows.items():
        made.add_row(name, value)
    return made


def _counters_table(counters: dict[str, int]) -> Table:
    made = Table(box=None, padding=(0, 2, 0, 0), pad_edge=False)
    made.add_column("since it started")
    made.add_column("", justify="right")
    for name, count in counters.items():
        made.add_row(name, f"{count:,}")
    return made


def _write_json(console: Console, path: Path | None, content: object) -> None:
    if path is not None:
        write_whole(path, msgspec.json.format(msgspec.json.encode(content)) + b"\n")
        console.print(f"values: {path}", highlight=False)
