"""The same in Lightning: where a method is applied, logged, and kept in checkpoints.

Needs `pip install 'tinyprop[torch,demo]' lightning tensorboard`. Run `python examples/lightning_loop.py`, then see
`tensorboard --logdir build/lightning_loop`.
"""

import argparse
from functools import partial
from pathlib import Path
from typing import Any

import lightning
import numpy as np
import torch
from lightning.pytorch.loggers import TensorBoardLogger
from scipy import ndimage
from torch import Tensor, nn
from torch.nn import functional
from torch.utils.data import DataLoader, TensorDataset

import tinyprop
from tinyprop.data import Samples, load


class Classifier(lightning.LightningModule):
    """method: "full" trains every value, as PyTorch does by itself."""

    def __init__(self, method: str) -> None:
        super().__init__()
        body = [nn.Conv2d(1, 8, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2), nn.Conv2d(8, 16, 3, padding=1), nn.ReLU()]
        self.network = nn.Sequential(*body, nn.MaxPool2d(2), nn.Flatten(), nn.Linear(64, 10))
        # On the part that training_step calls. Given an example, its layers are known before a checkpoint is loaded.
        self.handle = tinyprop.apply_(self.network, method, example_input=torch.zeros(1, 1, 8, 8))

    def training_step(self, batch: list[Tensor], number: int) -> Tensor:
        x, y = batch
        return functional.cross_entropy(self.network(x), y)

    def on_train_epoch_end(self) -> None:
        self.log_dict(self.handle.stats().scalars())

    def test_step(self, batch: list[Tensor], number: int) -> None:
        x, y = batch
        self.log("percent_right", 100 * (self.network(x).argmax(1) == y).float().mean())

    def configure_optimizers(self) -> torch.optim.Optimizer:
        return torch.optim.SGD(self.parameters(), lr=0.05, momentum=0.9)

    def on_save_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        checkpoint["method"] = self.handle.state_dict()

    def on_load_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        self.handle.load_state_dict(checkpoint["method"])


def turned(samples: Samples, degrees: float, **settings: Any) -> DataLoader:
    """Batches of x (N, 1, 8, 8) and y (N,)."""
    x = ndimage.rotate(samples.x, degrees, axes=(3, 2), reshape=False, order=1)
    return DataLoader(TensorDataset(torch.from_numpy(x), torch.from_numpy(samples.y)), **settings)


def main(method: str, epochs: int, out: Path) -> None:
    lightning.seed_everything(0)
    torch.set_num_threads(1)  # the fastest for so small a network
    train, test = load("digits").train, turned(load("digits").test, 20, batch_size=360)
    upright = turned(train.first(600), 0, batch_size=32, shuffle=True)
    field = turned(train.of(np.arange(600, len(train))), 20, batch_size=32, shuffle=True)
    board = TensorBoardLogger(out, name="", version="")
    plain = {"accelerator": "cpu", "log_every_n_steps": 10, "enable_checkpointing": False}
    trainer = partial(lightning.Trainer, **plain, enable_progress_bar=False, enable_model_summary=False)

    dense, start = Classifier("full"), trainer(max_epochs=8, logger=False)
    start.fit(dense, upright)
    (before,) = start.test(dense, test, verbose=False)
    print(f"turned digits, before: {before['percent_right']:.1f} %")

    sparse, first = Classifier(method), trainer(max_epochs=epochs, logger=board)
    sparse.load_state_dict(dense.state_dict())
    first.fit(sparse, field)
    first.save_checkpoint(out / "checkpoint.ckpt")

    # Another day: one pass more.
    again, later = Classifier(method), trainer(max_epochs=epochs + 1, logger=board)
    later.fit(again, field, ckpt_path=out / "checkpoint.ckpt", weights_only=True)
    (after,) = later.test(again, test, verbose=False)
    print(f"turned digits, after {later.current_epoch} passes: {after['percent_right']:.1f} %")
    print(again.handle)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description="Sparse training in Lightning.")
    parser.add_argument("--method", default="ours", choices=tinyprop.METHODS)
    parser.add_argument("--epochs", type=int, default=4, help="passes over the turned digits, before one more")
    parser.add_argument("--out", type=Path, default=Path("build/lightning_loop"), help="folder of what is written")
    options = parser.parse_args()
    main(options.method, options.epochs, options.out)
