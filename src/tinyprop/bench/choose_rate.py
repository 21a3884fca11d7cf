"""How the demo's learning rates were chosen: for full training, on the validation part, never on the test part.

python -m tinyprop.bench.choose_rate --json results/demo_rates.json
"""

import argparse
from importlib.metadata import version
from itertools import product
from pathlib import Path

import msgspec
import numpy as np
import torch
from rich.console import Console

import tinyprop
from tinyprop.bench.atomic_file import write_whole
from tinyprop.bench.demo_config import DemoConfig
from tinyprop.bench.digits import SCENARIOS
from tinyprop.bench.networks import DEMO_NETWORKS
from tinyprop.bench.pretraining import pretrained, weights_of
from tinyprop.bench.progress import stage_progress

RATES = (0.005, 0.01, 0.02, 0.05, 0.1)
SEEDS = (100, 101, 102, 103)  # not those of the demo


def validation_accuracy(config: DemoConfig, model: str, scenario: str) -> dict[float, float]:
    """Mean accuracy in percent on the validation part after full training at each rate."""
    data, make = SCENARIOS[scenario](), DEMO_NETWORKS[model]
    found: dict[float, list[float]] = {rate: [] for rate in RATES}
    for seed in SEEDS:
        module = pretrained(make, data.pretrain, epochs=config.pretrain_epochs, seed=seed)
        with tinyprop.capture(module, torch.zeros(1, 1, 8, 8), name=model).train("full").build("host") as engine:
            for rate in RATES:
                engine.reset()
                engine.set_weights(weights_of(module))
                engine.fit(data.field.x, data.field.y, epochs=config.field_epochs, lr=rate, seed=seed)
                found[rate].append(engine.accuracy(data.validation.x, data.validation.y))
    return {rate: float(np.mean(values)) for rate, values in found.items()}


def main() -> None:
    """Prints the chosen rates and writes all that was measured."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--json", type=Path, default=Path("results/demo_rates.json"))
    path = parser.parse_args().json
    console, config = Console(), DemoConfig()
    measured: dict[str, dict[str, dict[float, float]]] = {model: {} for model in DEMO_NETWORKS}
    cases = list(product(DEMO_NETWORKS, SCENARIOS))
    with stage_progress(console) as advance:
        for done, (model, scenario) in enumerate(cases):
            advance("choosing rates", done, len(cases))
            measured[model][scenario] = validation_accuracy(config, model, scenario)
    chosen = {
        model: max(RATES, key=lambda rate: float(np.mean([by_rate[rate] for by_rate in scenarios.values()])))
        for model, scenarios in measured.items()
    }
    versions = {name: version(name) for name in ("tinyprop", "torch", "numpy", "scikit-learn")}
    content = {
        "chosen": chosen,
        "validation_accuracy": measured,
        "seeds": SEEDS,
        "config": config,
        "versions": versions,
    }
    write_whole(path, msgspec.json.format(msgspec.json.encode(content)))
    console.print(f"chosen: {chosen}, all in {path}")


if __name__ == "__main__":
    main()
