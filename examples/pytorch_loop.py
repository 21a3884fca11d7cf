"""A plain PyTorch loop, made sparse: adapts to turned digits, logs, stops, resumes, and takes the model to the device.

Needs `pip install 'tinyprop[torch,demo]' tensorboard`. Run `python examples/pytorch_loop.py`, then see
`tensorboard --logdir build/pytorch_loop`.
"""

import argparse
from pathlib import Path

import numpy as np
import torch
from scipy import ndimage
from torch import Tensor, nn
from torch.nn import functional
from torch.utils.tensorboard import SummaryWriter

import tinyprop
from tinyprop.data import Samples, load


def network() -> nn.Sequential:
    body = [nn.Conv2d(1, 8, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2), nn.Conv2d(8, 16, 3, padding=1), nn.ReLU()]
    return nn.Sequential(*body, nn.MaxPool2d(2), nn.Flatten(), nn.Linear(64, 10))


def turned(samples: Samples, degrees: float) -> tuple[Tensor, Tensor]:
    """x (N, 1, 8, 8) and y (N,)."""
    x = ndimage.rotate(samples.x, degrees, axes=(3, 2), reshape=False, order=1)
    return torch.from_numpy(x), torch.from_numpy(samples.y)


def learn(model: nn.Module, optimizer: torch.optim.Optimizer, x: Tensor, y: Tensor) -> None:
    """One pass over the samples in batches of 32: any loop, nothing in it knows of tinyprop."""
    for rows in torch.randperm(len(x)).split(32):
        loss = functional.cross_entropy(model(x[rows]), y[rows])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()


def percent_right(model: nn.Module, x: Tensor, y: Tensor) -> float:
    with torch.no_grad():
        return 100 * float((model(x).argmax(1) == y).float().mean())


def main(method: str, epochs: int, out: Path) -> None:
    torch.manual_seed(0)
    torch.set_num_threads(1)  # the fastest for so small a network
    train, test = load("digits").train, turned(load("digits").test, 20)
    upright, field = turned(train.first(600), 0), turned(train.of(np.arange(600, len(train))), 20)

    model = network()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.05, momentum=0.9)
    for _ in range(8):
        learn(model, optimizer, *upright)
    print(f"turned digits, before: {percent_right(model, *test):.1f} %")

    handle = tinyprop.apply_(model, method)  # all that makes the loop below sparse
    with SummaryWriter(str(out)) as writer:
        for epoch in range(epochs):
            learn(model, optimizer, *field)
            for name, value in handle.stats().scalars().items():
                writer.add_scalar(name, value, epoch)
    states = {"model": model.state_dict(), "optimizer": optimizer.state_dict(), "method": handle.state_dict()}
    torch.save(states, out / "checkpoint.pt")

    # Another day. With example_input the layers are known at once, so that their state can be loaded.
    saved = torch.load(out / "checkpoint.pt")
    model = network()
    model.load_state_dict(saved["model"])
    optimizer = torch.optim.SGD(model.parameters(), lr=0.05, momentum=0.9)
    optimizer.load_state_dict(saved["optimizer"])
    handle = tinyprop.apply_(model, method, example_input=test[0][:1])
    handle.load_state_dict(saved["method"])
    learn(model, optimizer, *field)
    print(f"turned digits, after: {percent_right(model, *test):.1f} %")
    print(handle)

    # Off to the device: the same weights, and the same method, one sample at a time in C.
    handle.remove()
    trainer = tinyprop.capture(model, test[0][:1]).train(handle.method)
    print(f"turned digits, C engine: {trainer.build('host').accuracy(*test):.1f} %")
    print(f"firmware: {trainer.export(out / 'firmware')}")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description="Sparse training in a plain PyTorch loop.")
    parser.add_argument("--method", default="ours", choices=tinyprop.METHODS)
    parser.add_argument("--epochs", type=int, default=4, help="passes over the turned digits, before one more")
    parser.add_argument("--out", type=Path, default=Path("build/pytorch_loop"), help="folder of what is written")
    options = parser.parse_args()
    main(options.method, options.epochs, options.out)
