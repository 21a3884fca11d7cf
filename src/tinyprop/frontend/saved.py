"""load: a model that torch.export saved → Program, for those who were handed a file and not a class."""

import logging
from pathlib import Path

import torch

from tinyprop.errors import UserError
from tinyprop.frontend.capture import FOLD, lowered
from tinyprop.frontend.naming import program_name
from tinyprop.ir.graph import Program

HOW = (
    "save one with torch.export.save(torch.export.export(model.eval(), (sample,)), 'model.pt2'), sample of shape (1, …)"
)


def load(path: Path, name: str | None = None, batch_norm: str = FOLD) -> Program:
    """The network in `path`, written by `torch.export.save` with an example of a batch of one.

    name: C identifier of the network; by default made of the file's name. batch_norm: as in `capture`. Raises
    UserError as `capture` does, and for a file that is missing or holds something else.
    """
    if not path.is_file():
        raise UserError(f"there is no model file '{path}': {HOW}.")
    logger = logging.getLogger("torch.export")
    level = logger.level
    logger.setLevel(logging.CRITICAL)  # it prints a traceback before it raises the same
    try:
        exported = torch.export.load(path)
    except Exception as error:  # torch raises whatever the archive's contents provoke
        raise UserError(f"'{path}' holds no exported PyTorch model: {HOW}.") from error
    finally:
        logger.setLevel(level)
    if exported.range_constraints:
        raise UserError(f"'{path}' takes batches of any size: export it without dynamic_shapes, with one sample.")
    if len(exported.graph_signature.user_inputs) != 1:
        raise UserError(f"'{path}' has {len(exported.graph_signature.user_inputs)} inputs: export it with one sample.")
    network = program_name(path.stem, given=False) if name is None else program_name(name, given=True)
    return lowered(exported, network, batch_norm, title=f"'{path}'", problems=[])
