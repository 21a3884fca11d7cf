"""What importing costs and where torch may be: the C path works without it."""

import pkgutil
import subprocess
import sys
from pathlib import Path

import pytest

SOURCE = Path(__file__).parents[2] / "src"
NEEDS_TORCH = ("tinyprop.frontend", "tinyprop.nn", "tinyprop.models", "tinyprop.bench")


def modules_without_torch() -> list[str]:
    names = (found.name for found in pkgutil.walk_packages([str(SOURCE / "tinyprop")], "tinyprop."))
    return [name for name in names if not name.startswith(NEEDS_TORCH)]


def run(code: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, "-c", code], cwd=SOURCE, capture_output=True, text=True, timeout=120)


def test_import_of_tinyprop_does_not_load_torch():
    done = run("import sys, tinyprop; sys.exit('torch loaded' if 'torch' in sys.modules else 0)")
    assert done.returncode == 0, done.stderr


def test_every_other_room_imports_where_torch_is_missing():
    names = modules_without_torch()
    assert "tinyprop.methods" in names
    done = run(f"import sys, importlib; sys.modules['torch'] = None; [*map(importlib.import_module, {names!r})]")
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("name", ["matplotlib", "sklearn", "optuna", "distributed"])
def test_import_of_tinyprop_does_not_load_what_only_some_commands_need(name):
    done = run(f"import sys, tinyprop; sys.exit('{name} loaded' if '{name}' in sys.modules else 0)")
    assert done.returncode == 0, done.stderr
