"""The `tinyprop` command: thin shells around what Python users call."""

import sys
from pathlib import Path
from typing import Annotated

from cyclopts import App, Parameter
from rich.console import Console
from rich.markup import escape

from tinyprop.errors import TinypropError

app = App(
    name="tinyprop",
    help="PyTorch models that keep learning on a microcontroller.",
    help_epilogue="Examples:  tinyprop demo  ·  tinyprop memory model.pt2  ·  tinyprop export model.pt2 firmware/",
    version_flags=["--version"],
)
data_app = App(
    name="data",
    help="List the data sets, and which of them are on this machine; fetch one; show what one holds.",
    help_epilogue="Examples:  tinyprop data  ·  tinyprop data fetch mnist  ·  tinyprop data show mnist",
)
app.command(data_app)
checkpoint_app = App(
    name="checkpoint",
    help="What a device saved: show it, compare two, convert to and from safetensors.",
    help_epilogue="Examples:  tinyprop checkpoint show pulled.tpck --state firmware/digits_state.json  ·  tinyprop "
    "checkpoint convert pulled.tpck learned.safetensors --state firmware/digits_state.json",
)
app.command(checkpoint_app)
console = Console()
ReportPath = Annotated[Path, Parameter(help="where the HTML report goes")]
Setting = Annotated[str, Parameter(help="a setting of the data set, such as side=32", negative=())]
Processes = Annotated[int, Parameter(help="how many runs at a time")]
Scheduler = Annotated[
    str | None, Parameter(help="address of a Dask scheduler whose workers run, in place of this machine")
]
JsonPath = Annotated[Path | None, Parameter(help="also write the rows as JSON")]
LossName = Annotated[str, Parameter(help="cross_entropy or mse")]


@app.command
def demo(
    *,
    json: JsonPath = None,
    report: ReportPath = Path("build/report.html"),
    quick: Annotated[
        bool, Parameter(negative=(), help="one seed, few samples: a minute; accuracies mean nothing")
    ] = False,
) -> int:
    """Train on an emulated board under five methods and compare them.

    Example: tinyprop demo --json build/demo.json --report build/report.html
    """
    from tinyprop.bench.demo_command import demo_command

    return demo_command(console, quick=quick, json_path=json, report_path=report)


@app.command
def compare(
    config: Annotated[Path | None, Parameter(help="TOML file: scenarios, variants, rates, seeds")] = None,
    *,
    store: Annotated[Path, Parameter(help="SQLite file that outcomes are added to")] = Path("build/compare.sqlite"),
    json: JsonPath = None,
    seeds: Annotated[int | None, Parameter(help="how many, in place of the configuration's")] = None,
    resume: Annotated[bool, Parameter(negative=(), help="go on with what the store does not hold yet")] = False,
    processes: Processes = 2,
    scheduler: Scheduler = None,
    tuned: Annotated[
        list[Path] | None, Parameter(negative=(), help="what `tinyprop tune --toml` wrote; may be repeated")
    ] = None,
) -> int:
    """Compare methods over scenarios, networks and seeds; whatever interrupts it, finished runs are kept.

    Without a file: scikit-learn's digits, a few minutes.

    Examples: tinyprop compare --seeds 2  ·  tinyprop compare mine.toml --store mine.sqlite --resume --json rows.json
    ·  tinyprop compare mine.toml --tuned ours.toml --scheduler tcp://192.168.1.5:8786
    """
    from tinyprop.bench.compare_command import compare_command

    return compare_command(
        console,
        config_path=config,
        store_path=store,
        json_path=json,
        seeds=seeds,
        resume=resume,
        processes=processes,
        scheduler=scheduler,
        tuned=tuned or (),
    )


@app.command
def tune(
    method: Annotated[str, Parameter(help="a name from `tinyprop methods`")],
    network: Annotated[str, Parameter(help="a network of the configuration")],
    config: Annotated[Path | None, Parameter(help="TOML file, as of `tinyprop compare`: epochs, seeds, rates")] = None,
    *,
    trials: Annotated[int, Parameter(help="how many in all, those in the journal included")] = 40,
    journal: Annotated[Path, Parameter(help="file that trials are added to; machines may share it")] = Path(
        "build/tune.journal"
    ),
    scenario: Annotated[
        list[str] | None, Parameter(negative=(), help="in place of all with this network; may be repeated")
    ] = None,
    objectives: Annotated[
        list[str] | None,
        Parameter(negative=(), consume_multiple=True, help="of accuracy, effort_bwd, effort_total, ram_bytes"),
    ] = None,
    trainable: Annotated[
        list[str] | None,
        Parameter(negative=(), help="what trains, searched if repeated: a word of `tinyprop memory`"),
    ] = None,
    keep_rate: Annotated[bool, Parameter(negative=(), help="search the settings only")] = False,
    keep_settings: Annotated[bool, Parameter(negative=(), help="search the learning rate only")] = False,
    ranges: Annotated[
        list[str] | None,
        Parameter(
            name="--range",
            negative=(),
            help="NAME=LOW:HIGH for a setting or the rate; may be repeated",
        ),
    ] = None,
    seeds: Annotated[int | None, Parameter(help="how many, in place of the configuration's")] = None,
    json: JsonPath = None,
    toml: Annotated[Path | None, Parameter(help="write the chosen settings for `tinyprop compare --tuned`")] = None,
    picture: Annotated[Path | None, Parameter(help="draw the front, .png or .svg")] = None,
    name: Annotated[str | None, Parameter(help="of the variant in that file; default: the method's")] = None,
    processes: Processes = 2,
    scheduler: Scheduler = None,
) -> int:
    """Search a method's settings and learning rate on validation data: accuracy, effort and RAM at once.

    Never looks at test data. Interrupted, the same command goes on; on several machines that share the journal, they
    search together.

    Examples: tinyprop tune ours mlp --trials 60 --seeds 3 --picture front.svg  ·  tinyprop tune full cnn mine.toml
    --keep-settings --objectives accuracy --toml full-cnn.toml
    """
    from tinyprop.bench.tune_command import tune_command

    return tune_command(
        console,
        method=method,
        network=network,
        config_path=config,
        scenarios=tuple(scenario or ()),
        objectives=tuple(objectives or ()),
        trainable=tuple(trainable or ()),
        keep_rate=keep_rate,
        keep_settings=keep_settings,
        ranges=tuple(ranges or ()),
        trials=trials,
        seeds=seeds,
        journal_path=journal,
        json_path=json,
        toml_path=toml,
        picture_path=picture,
        name=name,
        processes=processes,
        scheduler=scheduler,
    )


@app.command
def report(
    store: Annotated[Path, Parameter(help="SQLite file that `tinyprop compare` wrote")] = Path("build/compare.sqlite"),
    *,
    output: Annotated[Path, Parameter(help="where the HTML page goes")] = Path("build/compare.html"),
    markdown: Annotated[Path | None, Parameter(help="also write the tables as Markdown")] = None,
    json: Annotated[Path | None, Parameter(help="also write the summary as JSON")] = None,
    config: Annotated[
        list[Path] | None,
        Parameter(negative=(), help="report only the runs that this TOML file names; may be repeated"),
    ] = None,
) -> int:
    """Make one HTML page of a store of `tinyprop compare`: tables, drawings, and what the paper states beside them.

    Examples: tinyprop report  ·  tinyprop report mine.sqlite --output mine.html --markdown mine.md --json summary.json
    """
    from tinyprop.bench.report_command import report_command

    return report_command(
        console, store, output=output, markdown_path=markdown, json_path=json, config_paths=config or ()
    )


@app.command
def floors(
    *names: Annotated[str, Parameter(help="recipes; none: all whose data is on this machine")],
    json: JsonPath = None,
    seeds: Annotated[int, Parameter(help="how many times each is trained")] = 3,
    processes: Annotated[int, Parameter(help="how many networks at a time, a core each")] = 2,
) -> int:
    """Train the named networks in PyTorch, each by its recipe, and say whether they are good enough to compare methods.

    What was trained is kept in the cache: an interrupted call goes on where it stopped, and `compare` starts from it.

    Examples: tinyprop floors mnist  ·  tinyprop floors --seeds 3 --json results/floors.json
    """
    from tinyprop.bench.floors_command import floors_command

    return floors_command(console, names=names, seeds=seeds, processes=processes, json_path=json)


@app.command
def bench(
    *,
    json: JsonPath = None,
    write_ceilings: Annotated[bool, Parameter(negative=(), help="accept today's counts as the new ceilings")] = False,
) -> int:
    """Count instructions per training step on the emulated Cortex-M4F, beside other trainers.

    Example: tinyprop bench --json build/bench.json
    """
    from tinyprop.bench.bench_command import bench_command

    return bench_command(console, json_path=json, write_ceilings=write_ceilings)


@app.command
def networks(*, json: JsonPath = None) -> int:
    """Print what training costs in RAM on the networks of `tinyprop.models` and of the benchmark.

    Example: tinyprop networks --json build/networks.json
    """
    from tinyprop.bench.networks_command import networks_command

    return networks_command(console, json_path=json)


@app.command
def bench_networks(*, json: JsonPath = None) -> int:
    """Train the networks of the field on emulated boards, a few steps under every method, and count instructions.

    Example: tinyprop bench-networks --json build/bench-networks.json
    """
    from tinyprop.bench.on_boards_command import on_boards_command

    return on_boards_command(console, json_path=json)


@app.command
def bench_kernels(
    *,
    json: JsonPath = None,
    picture: Annotated[Path | None, Parameter(help="draw cost against k, .png or .svg")] = None,
) -> int:
    """Count instructions of single kernels on the emulated Cortex-M4F, beside CMSIS-DSP's, and against k.

    Example: tinyprop bench-kernels --json build/bench-kernels.json --picture build/cost_vs_k.png
    """
    from tinyprop.bench.bench_kernels_command import bench_kernels_command

    return bench_kernels_command(console, json_path=json, picture_path=picture)


@app.command
def bench_host(*, json: JsonPath = None) -> int:
    """Time one training step on this machine: our host engine, PyTorch and, where it is installed, ExecuTorch.

    Example: tinyprop bench-host --json build/bench-host.json
    """
    from tinyprop.bench.bench_host_command import bench_host_command

    return bench_host_command(console, json_path=json)


@app.command
def bench_pytorch(*, json: JsonPath = None) -> int:
    """Time one training step in PyTorch on this machine under every method, beside plain dense training.

    Example: tinyprop bench-pytorch --json build/bench-pytorch.json
    """
    from tinyprop.bench.bench_pytorch_command import bench_pytorch_command

    return bench_pytorch_command(console, json_path=json)


@app.command
def powerloss(*, json: JsonPath = None) -> int:
    """Cut power at every operation of an emulated flash while a device saves, and look what is there afterwards.

    Example: tinyprop powerloss --json build/powerloss.json
    """
    from tinyprop.bench.power_loss_command import power_loss_command

    return power_loss_command(console, json_path=json)


@app.command
def soak(*, json: JsonPath = None) -> int:
    """Learn a million steps here and 100,000 on an emulated board, through resets, bad samples and saves that are cut.

    Example: tinyprop soak --json build/soak.json
    """
    from tinyprop.bench.soak_command import soak_command

    return soak_command(console, json_path=json)


@app.command
def methods(
    model: Annotated[Path | None, Parameter(help="a program saved by torch.export.save (.pt2), for its bytes")] = None,
    *,
    loss: LossName = "cross_entropy",
    json: JsonPath = None,
) -> int:
    """List the training methods, what each needs in RAM, and whether a device can run it.

    Example: tinyprop methods model.pt2 --json build/methods.json
    """
    from tinyprop.bench.methods_command import methods_command
    from tinyprop.surface import load

    return methods_command(console, None if model is None else load(model), loss=loss, json_path=json)


@app.command
def boards(
    *,
    json: JsonPath = None,
    template: Annotated[Path | None, Parameter(help="write a commented file for a board of your own, and stop")] = None,
) -> int:
    """List the boards that come with tinyprop, and which figures of each have a source.

    Examples: tinyprop boards --json build/boards.json  ·  tinyprop boards --template my-board.toml
    """
    from tinyprop.bench.boards_command import boards_command

    return boards_command(console, json_path=json, template=template)


@data_app.default
def data_list(*, json: JsonPath = None) -> int:
    """List the data sets, and which of them are on this machine.

    Example: tinyprop data --json build/data.json
    """
    from tinyprop.bench.data_command import data_list_command

    return data_list_command(console, json_path=json)


@data_app.command(name="fetch")
def data_fetch(name: Annotated[str, Parameter(help="a name from `tinyprop data`")], *settings: Setting) -> int:
    """Download the official files of a data set into the cache, verify them, and say where they are.

    A download that broke off goes on where it stopped. TINYPROP_CACHE names another folder for the cache.

    Example: tinyprop data fetch cifar10  ·  tinyprop data fetch dcase2020 machine=fan
    """
    from tinyprop.bench.data_command import data_fetch_command

    return data_fetch_command(console, name, settings)


@data_app.command(name="show")
def data_show(
    name: Annotated[str, Parameter(help="a name from `tinyprop data`")], *settings: Setting, json: JsonPath = None
) -> int:
    """Read a data set and say what each part holds.

    Example: tinyprop data show har_windows --json build/har.json
    """
    from tinyprop.bench.data_command import data_show_command

    return data_show_command(console, name, settings, json_path=json)


StatePath = Annotated[Path | None, Parameter(help="NAME_state.json of the exported project, for names of weights")]


@checkpoint_app.command(name="show")
def checkpoint_show(
    file: Annotated[Path, Parameter(help="a checkpoint, or a dump of the flash that holds some")],
    *,
    state: StatePath = None,
    json: JsonPath = None,
) -> int:
    """Show what every whole checkpoint in a file holds.

    Example: tinyprop checkpoint show flash.bin --state firmware/digits_state.json
    """
    from tinyprop.bench.checkpoint_command import show_command

    return show_command(console, file, layout_path=state, json_path=json)


@checkpoint_app.command(name="diff")
def checkpoint_diff(first: Path, second: Path, *, state: StatePath = None, json: JsonPath = None) -> int:
    """Say how two checkpoints of one program differ; exit status 1 where they do.

    Example: tinyprop checkpoint diff monday.tpck tuesday.tpck --state firmware/digits_state.json
    """
    from tinyprop.bench.checkpoint_command import diff_command

    return diff_command(console, first, second, layout_path=state, json_path=json)


@checkpoint_app.command(name="plan")
def checkpoint_plan(
    state: Annotated[Path, Parameter(help="NAME_state.json of an exported project")],
    *,
    boards: Annotated[
        list[str] | None, Parameter(negative=(), consume_multiple=True, help="names, .toml files; default: all")
    ] = None,
    slots: Annotated[int, Parameter(help="that take turns, 2 or more")] = 2,
    saves_per_day: Annotated[float, Parameter(help="how often a day the device saves")] = 24.0,
    extra: Annotated[int, Parameter(help="bytes of your own that are saved as well, such as a sample store's")] = 0,
    json: JsonPath = None,
) -> int:
    """Say how much flash checkpoints take on each board, and after how many years it is worn.

    Example: tinyprop checkpoint plan firmware/digits_state.json --boards nano33ble rp2040 --saves-per-day 96
    """
    from tinyprop.bench.checkpoint_plan_command import plan_command

    return plan_command(
        console,
        state,
        boards or ["all"],
        slots=slots,
        saves_per_day=saves_per_day,
        extra_bytes=extra,
        json_path=json,
    )


@checkpoint_app.command(name="convert")
def checkpoint_convert(
    source: Annotated[Path, Parameter(help="a checkpoint, or a .safetensors file")],
    target: Annotated[Path, Parameter(help="a .safetensors file, or a checkpoint")],
    *,
    state: Annotated[Path, Parameter(help="NAME_state.json of the exported project")],
) -> int:
    """Make safetensors of a checkpoint, which PyTorch loads, or a checkpoint of safetensors, which the device does.

    Example: tinyprop checkpoint convert learned.safetensors push.tpck --state firmware/digits_state.json
    """
    from tinyprop.bench.checkpoint_command import convert_command

    return convert_command(console, source, target, layout_path=state)


device_app = App(
    name="device",
    help="Talk to a device over a serial port, or start one in an emulator.",
    help_epilogue="Examples:  tinyprop device info --port /dev/ttyACM0  ·  tinyprop device train day.npz --port COM3 "
    "--save  ·  tinyprop device pull learned.tpck --port /dev/ttyACM0  ·  tinyprop device emulate model.pt2",
)
app.command(device_app)
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


MethodName = Annotated[str, Parameter(help="a name from `tinyprop methods`")]
MethodSettings = Annotated[
    dict[str, float] | None, Parameter(name="--set", help="of the method, as in --set.drop 0.8; else its defaults")
]
Momentum = Annotated[float, Parameter(help="of SGD; 4 bytes of RAM per parameter that learns; 0: none")]
WeightDecay = Annotated[float, Parameter(help="of SGD; 0: none")]
BatchNorm = Annotated[str, Parameter(help="fold (into the layer in front of it) or train")]


@app.command
def export(
    model: Annotated[Path, Parameter(help="a program saved by torch.export.save (.pt2)")],
    folder: Annotated[Path, Parameter(help="a new folder, or an earlier export to replace")],
    *,
    method: MethodName = "tinyprop_v2",
    settings: MethodSettings = None,
    board: Annotated[str | None, Parameter(help="check that the model fits this board")] = None,
    form: Annotated[str, Parameter(help="cmake, arduino, platformio, zephyr or esp-idf")] = "cmake",
    loss: LossName = "cross_entropy",
    momentum: Momentum = 0.0,
    weight_decay: WeightDecay = 0.0,
    clip: Annotated[float | None, Parameter(help="largest norm of the output error; else no limit")] = None,
    kernels: Annotated[str, Parameter(help="inline (fast) or size (small)")] = "inline",
    skip_zero_inputs: Annotated[bool, Parameter(help="pays where a tenth of the samples is exactly zero")] = False,
    trainable: Annotated[
        list[str] | None, Parameter(help="what trains: a word of `tinyprop memory`, or a layer; may be repeated")
    ] = None,
    batch_norm: BatchNorm = "fold",
) -> int:
    """Write the C project of a model that trains on the device.

    Examples: tinyprop export model.pt2 firmware/ --method ours --set.drop 0.8 --board nano33ble
    ·  tinyprop export model.pt2 keywords/ --form arduino
    """
    from tinyprop.methods import method_named
    from tinyprop.methods.optimizer import SGD
    from tinyprop.surface import load

    network = load(model, batch_norm=batch_norm)
    trainer = network.train(
        method_named(method, **(settings or {})),
        loss,
        SGD(momentum, weight_decay, clip),
        kernels=kernels,
        skip_zero_inputs=skip_zero_inputs,
        trainable=trainable,
    )
    written = trainer.export(folder, board=board, form=form)
    console.print(
        f"{network}\n{trainer.memory}.\nWrote {written}; build it as {written}/README.md says.", highlight=False
    )
    return 0


@app.command
def memory(
    model: Annotated[Path, Parameter(help="a program saved by torch.export.save (.pt2)")],
    *,
    method: MethodName = "tinyprop_v2",
    loss: LossName = "cross_entropy",
    momentum: Momentum = 0.0,
    weight_decay: WeightDecay = 0.0,
    batch_norm: BatchNorm = "fold",
    store: Annotated[int | None, Parameter(help="also count a store of that many samples (SampleStore)")] = None,
    store_bits: Annotated[int, Parameter(help="of each value in it: 32 or 8")] = 32,
    json: JsonPath = None,
) -> int:
    """Say how many bytes it costs to train all of a model, or only its last layer, its last block, its biases, its
    batch norms.

    Examples: tinyprop memory model.pt2 --method ours --momentum 0.9 --json build/memory.json  ·  tinyprop memory
    model.pt2 --store 200 --store-bits 8
    """
    from tinyprop.bench.memory_command import memory_command
    from tinyprop.methods.optimizer import SGD
    from tinyprop.store import StoreSettings
    from tinyprop.surface import load

    network = load(model, batch_norm=batch_norm)
    program = network.program
    kept = None if store is None else StoreSettings(store, program.input.shape, program.output.size, store_bits)
    costs = network.memory_by_choice(method, loss, SGD(momentum, weight_decay))
    return memory_command(console, costs, store=kept, json_path=json)


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

    trainer = load(model).train(method_named(method, **(settings or {})), loss, SGD(momentum))
    return emulate_command(console, trainer, board, push=push)


@app.command
def fit(
    model: Annotated[Path, Parameter(help="a program saved by torch.export.save (.pt2)")],
    *,
    boards: Annotated[
        list[str] | None,
        Parameter(negative=(), consume_multiple=True, help="all (the default), names, or .toml files of your own"),
    ] = None,
    method: MethodName = "tinyprop_v2",
    settings: MethodSettings = None,
    loss: LossName = "cross_entropy",
    momentum: Momentum = 0.0,
    kernels: Annotated[str, Parameter(help="inline (fast) or size (small)")] = "inline",
    trainable: Annotated[
        list[str] | None, Parameter(help="what trains: a word of `tinyprop memory`, or a layer; may be repeated")
    ] = None,
    batch_norm: BatchNorm = "fold",
    store: Annotated[int | None, Parameter(help="also count a store of that many samples (SampleStore)")] = None,
    store_bits: Annotated[int, Parameter(help="of each value in it: 32 or 8")] = 32,
    json: JsonPath = None,
) -> int:
    """Say on which boards a model fits, by how much, what a step costs there, and what to change where it does not fit.

    Examples: tinyprop fit model.pt2  ·  tinyprop fit model.pt2 --boards nano33ble my-board.toml --store 100
    """
    from tinyprop.bench.fit_command import fit_command
    from tinyprop.bench.fitting.records import Setup
    from tinyprop.methods import method_named
    from tinyprop.store import StoreSettings
    from tinyprop.surface import load

    network = load(model, batch_norm=batch_norm)
    program = network.program
    kept = None if store is None else StoreSettings(store, program.input.shape, program.output.size, store_bits)
    chosen = None if trainable is None else tuple(trainable)
    asked = Setup(method_named(method, **(settings or {})), loss, momentum, kernels, chosen)
    return fit_command(console, network, asked, boards or ("all",), store=kept, json_path=json)


def main(arguments: list[str] | None = None) -> None:
    """Runs the command line; an error tinyprop raises on purpose becomes one sentence and exit status 1."""
    try:
        sys.exit(app(arguments))
    except TinypropError as error:
        Console(stderr=True).print(f"[red]error:[/red] {escape(str(error))}", highlight=False, soft_wrap=True)
        sys.exit(1)
    except KeyboardInterrupt:
        Console(stderr=True).print("stopped.")
        sys.exit(130)


if __name__ == "__main__":
    main()
