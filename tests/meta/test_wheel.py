"""The wheel is the product: what is in the source tree must be in it."""

import subprocess
import sys
import zipfile
from email.parser import Parser
from importlib.util import find_spec
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PACKAGE = ROOT / "src" / "tinyprop"

pytestmark = pytest.mark.skipif(
    not (find_spec("hatchling") and find_spec("pip")), reason="building a wheel needs hatchling and pip: make test"
)


@pytest.fixture(scope="module")
def wheel(tmp_path_factory) -> zipfile.ZipFile:
    folder = tmp_path_factory.mktemp("wheel")
    command = [sys.executable, "-m", "pip", "wheel", "--no-deps", "--no-build-isolation", "--no-index", "-q"]
    done = subprocess.run([*command, "-w", folder, ROOT], capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    (path,) = folder.glob("tinyprop-*-py3-none-any.whl")
    return zipfile.ZipFile(path)


def test_every_file_of_the_package_is_in_the_wheel(wheel):
    wanted = {
        path.relative_to(PACKAGE.parent).as_posix()
        for path in PACKAGE.rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }
    assert any(name.endswith("engine/include/tinyprop.h") for name in wanted)
    missing = wanted - set(wheel.namelist())
    assert not missing


@pytest.mark.parametrize("ending", [".h", ".c", ".toml", ".j2", ".css"])
def test_each_kind_of_data_travels(wheel, ending):
    assert any(name.endswith(ending) for name in wheel.namelist())


def test_nothing_but_the_package_is_installed(wheel):
    assert {name.split("/")[0].split("-")[0] for name in wheel.namelist()} == {"tinyprop"}


def test_licence_travels(wheel):
    assert any(name.endswith("licenses/LICENSE") for name in wheel.namelist())


def test_torch_is_not_forced_on_firmware_people(wheel):
    (name,) = (name for name in wheel.namelist() if name.endswith("dist-info/METADATA"))
    required = Parser().parsestr(wheel.read(name).decode()).get_all("Requires-Dist")
    plain = [line for line in required if "extra ==" not in line]
    assert not [line for line in plain if line.startswith(("torch", "matplotlib", "scikit-learn"))]
