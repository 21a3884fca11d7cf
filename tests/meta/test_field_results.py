"""What README and docs say of power loss and long lives is what the committed results hold."""

import json
import re
from pathlib import Path

ROOT = Path(__file__).parents[2]
POWER_LOSS = json.loads((ROOT / "results" / "powerloss.json").read_text())
SOAK = json.loads((ROOT / "results" / "soak.json").read_text())


def test_power_loss():
    cases = POWER_LOSS["cases"]
    tried = sum(case["tried"] for case in cases)
    assert f"{tried:,} cuts and turned bits, none lost, none mixed" in " ".join(
        (ROOT / "README.md").read_text().split()
    )
    assert sum(case["lost"] + case["mixed"] + case["violations"] for case in cases) == 0
    assert len({case["geometry"] for case in cases}) >= 7
    assert max(save["written"] / save["raw"] for save in POWER_LOSS["saves"]) <= 1.1


def test_what_a_save_writes_again():
    page = (ROOT / "docs" / "checkpoints.md").read_text()
    shares = {(row["method"], str(row["steps"])): row["share"] for row in POWER_LOSS["rewritten"]}
    shown = re.findall(r"^\| `(\w+)` \| (\d+) \| ([\d.]+) \| ([\d.]+) \| ([\d.]+) \|$", page, flags=re.MULTILINE)
    assert len(shown) == 9
    for method, steps, *figures in shown:
        share = shares[method, steps]
        assert figures == [f"{share[size]:.2f}" for size in ("4096", "128", "4")]


def test_long_lives():
    steps = {(run["target"], run["steps"]) for run in SOAK["runs"]}
    assert steps == {("host", 1_000_000), ("nano33ble", 100_000)}
    for run in SOAK["runs"]:
        assert run["lost"] == run["wrong"] == run["mismatches"] == run["violations"] == run["growth"] == 0
        assert min(run["resets"], run["cuts"], run["bad_samples"]) > 250
