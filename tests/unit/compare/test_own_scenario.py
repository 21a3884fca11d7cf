"""A scenario in a file of the user's: the page's own is run, and what is wrong with others is said."""

import json
import re
from io import StringIO
from pathlib import Path

import pytest
from rich.console import Console

from tinyprop.bench import compare_command as command
from tinyprop.bench.compare.cell import Cell, Variant
from tinyprop.bench.compare.config import load_config
from tinyprop.bench.compare.experiment import pretrain
from tinyprop.bench.compare.scenarios import SCENARIOS
from tinyprop.bench.compare.weights_file import read_weights
from tinyprop.errors import UserError

PAGE = Path(__file__).parents[3] / "docs" / "adding" / "scenario.md"


@pytest.fixture(scope="module")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Empty at first: what was pretrained by other code would hide what this one does."""
    return tmp_path_factory.mktemp("cache")


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, cache: Path) -> Path:
    """A folder with glove.py and glove.toml as the page has them, the current one."""
    blocks = dict(re.findall(r"```(python|toml)\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL))
    (tmp_path / "glove.py").write_text(blocks["python"])
    (tmp_path / "glove.toml").write_text(blocks["toml"].replace("seeds = 3", "seeds = 1"))
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("TINYPROP_CACHE", str(cache))
    return tmp_path


def test_the_pages_scenario_is_compared(here: Path) -> None:
    settings = {"seeds": None, "resume": False, "processes": 1, "json_path": here / "rows.json"}
    status = command.compare_command(
        Console(file=StringIO()), config_path=here / "glove.toml", store_path=here / "s.sqlite", **settings
    )
    assert status == 0
    rows = json.loads((here / "rows.json").read_text())["rows"]
    assert [(row["scenario"], row["dataset"], row["method"]) for row in rows] == [
        ("glove.py", "glove", method) for method in ("full", "full_zero_skip", "ours")
    ]
    assert rows[0]["accuracy_mean"] == rows[1]["accuracy_mean"] > 40 > 30 > 100 * rows[2]["effort_bwd"] > 0
    assert "glove.py" not in list(SCENARIOS)


@pytest.mark.parametrize("bias", [7.0, 8.0])
def test_networks_trained_before_are_taken_as_they_are(here: Path, bias: float) -> None:
    """The file imports its neighbours, weights are not the cached ones of others, and no batch norm sees a batch."""
    (here / f"of_{bias:.0f}.py").write_text(f"BIAS = {bias}\n")
    trained = f"""

def trained() -> nn.Module:
    from of_{bias:.0f} import BIAS
    model = nn.Sequential(nn.BatchNorm1d(3), *network())
    nn.init.constant_(model[-1].bias, BIAS)
    return model


SCENARIO"""
    glove = (here / "glove.py").read_text().replace("Task(known.train,", "Task(known.train.first(0),")
    (here / "glove.py").write_text(glove.replace("\n\nSCENARIO", trained).replace(": network}", ": trained}"))
    cell = Cell("glove.py", "small", "full", Variant("full"), 0.01, 0, 3, 1, 1)
    weights = read_weights(pretrain(cell))
    assert weights["5.bias"].tolist() == [bias] * 4
    assert weights["0.num_batches_tracked"] == 0


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (None, "there is no scenario file"),
        ("1 / 0", r"cannot be run \(ZeroDivisionError: division by zero\): mend it"),
        ("SCENARIO = 3", r"sets no SCENARIO = ScenarioCard\(…\): docs/adding/scenario\.md shows one"),
    ],
)
def test_what_is_no_scenario_is_named(here: Path, content: str | None, sentence: str) -> None:
    if content is not None:
        (here / "other.py").write_text(content)
    (here / "other.toml").write_text((here / "glove.toml").read_text().replace("glove.py", "other.py"))
    with pytest.raises(UserError, match=sentence):
        load_config(here / "other.toml")


def test_an_unknown_scenario_says_that_it_may_be_a_file(here: Path) -> None:
    (here / "other.toml").write_text((here / "glove.toml").read_text().replace('"glove.py"', "glove"))
    with pytest.raises(UserError, match=r"unknown scenario 'glove': .*One of your own is named by its \.py file"):
        load_config(here / "other.toml")
