"""Commands for a model on its way to a board: methods, memory, choose, boards, fit, export."""

from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from tinyprop.cli.parameters import (
    BatchNorm,
    JsonPath,
    LossName,
    MethodName,
    MethodSettings,
    Momentum,
    WeightDecay,
    as_typed,
    console,
)


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


def memory(
    model: Annotated[Path, Parameter(help="a program saved by torch.export.save (.pt2)")],
    *,
    method: MethodName = "tinyprop_v2",
    settings: MethodSettings = None,
    loss: LossName = "cross_entropy",
    momentum: Momentum = 0.0,
    weight_decay: WeightDecay = 0.0,
    batch_norm: BatchNorm = "fold",
    store: Annotated[int | None, Parameter(help="also count a store of that many samples (SampleStore)")] = None,
    store_bits: Annotated[int, Parameter(help="of each value in it: 32 or 8")] = 32,
    store_flash: Annotated[
        str | None, Parameter(help="a board, or a .toml file of your own: its values lie in that flash")
    ] = None,
    store_offered: Annotated[int, Parameter(help="samples offered to it, to say how the flash wears")] = 1_000_000,
    json: JsonPath = None,
) -> int:
    """Say how many bytes it costs to train all of a model, or only its last layer, its last block, its biases, its
    batch norms.

    Examples: tinyprop memory model.pt2 --method ours --momentum 0.9 --json build/memory.json  ·  tinyprop memory
    model.pt2 --store 200 --store-bits 8 --store-flash nano33ble
    """
    from tinyprop.bench.memory_command import memory_command
    from tinyprop.cost.wear import store_flash as flash_of
    from tinyprop.cost.wear import store_wear
    from tinyprop.errors import UserError
    from tinyprop.methods import method_named
    from tinyprop.methods.optimizer import SGD
    from tinyprop.store import StoreSettings
    from tinyprop.surface import load
    from tinyprop.targets import load_board

    if store_flash is not None and store is None:
        raise UserError("--store-flash was given without --store: say how many samples the store keeps.")
    network = load(model, batch_norm=batch_norm)
    program = network.program
    board = None if store_flash is None else load_board(store_flash)
    flash = None if board is None else flash_of(board)
    kept = (
        None
        if store is None
        else StoreSettings(store, program.input.shape, program.output.size, store_bits, flash=flash)
    )
    wear = None if kept is None or board is None else store_wear(kept, board, store_offered)
    asked = method_named(method, **as_typed(settings))
    costs = network.memory_by_choice(asked, loss, SGD(momentum, weight_decay))
    return memory_command(console, costs, store=kept, wear=wear, json_path=json)


def choose(
    model: Annotated[Path, Parameter(help="a program saved by torch.export.save (.pt2)")],
    samples: Annotated[Path, Parameter(help="a .npz file with arrays x and y, nothing of a test set in it")],
    *,
    ram: Annotated[int, Parameter(help="bytes that a training step may take, as `tinyprop memory` counts them")],
    method: Annotated[str, Parameter(help="sparse_update or tiny_train")] = "sparse_update",
    compute: Annotated[float, Parameter(help="tiny_train: share of full training's backward multiply-adds")] = 1.0,
    lr: Annotated[float, Parameter(help="sparse_update: learning rate of the trainings that measure")] = 0.01,
    epochs: Annotated[int, Parameter(help="sparse_update: of each of these trainings")] = 1,
    held_out: Annotated[float, Parameter(help="sparse_update: share of the samples to judge by")] = 0.5,
    batch_norm: BatchNorm = "fold",
    json: JsonPath = None,
) -> int:
    """Choose once, on samples of the task, which layers train within a RAM budget; says what to set.

    Examples: tinyprop choose model.pt2 day.npz --ram 60000  ·  tinyprop choose model.pt2 day.npz --ram 60000 --method
    tiny_train --compute 0.3
    """
    from tinyprop.bench.choose_command import choose_command
    from tinyprop.surface import load

    network = load(model, batch_norm=batch_norm)
    return choose_command(
        *(console, network, samples, method),
        ram=ram,
        compute=compute,
        lr=lr,
        epochs=epochs,
        held_out=held_out,
        json_path=json,
    )


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
    latent: Annotated[bool, Parameter(help="with the code for latents, which --store then counts")] = False,
    batch_norm: BatchNorm = "fold",
    store: Annotated[int | None, Parameter(help="also count a store of that many samples (SampleStore)")] = None,
    store_bits: Annotated[int, Parameter(help="of each value in it: 32 or 8")] = 32,
    json: JsonPath = None,
) -> int:
    """Say on which boards a model fits, by how much, what a step costs there, and what to change where it does not fit.

    Examples: tinyprop fit model.pt2  ·  tinyprop fit model.pt2 --boards nano33ble my-board.toml --store 100
    ·  tinyprop fit model.pt2 --trainable last_layer --latent --store 100
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
    asked = Setup(method_named(method, **as_typed(settings)), loss, momentum, kernels, chosen, latent)
    return fit_command(console, network, asked, boards or ("all",), store=kept, json_path=json)


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
    latent: Annotated[bool, Parameter(help="also steps from latents, behind the frozen layers")] = False,
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
        method_named(method, **as_typed(settings)),
        loss,
        SGD(momentum, weight_decay, clip),
        kernels=kernels,
        skip_zero_inputs=skip_zero_inputs,
        trainable=trainable,
        latent=latent,
    )
    written = trainer.export(folder, board=board, form=form)
    console.print(
        f"{trainer.memory}.\nWrote {written}, the network '{network.program.name}': build it as its README.md says.",
        highlight=False,
        soft_wrap=True,
    )
    return 0
