"""The exported project builds without Python, by CMake and by hand, and its self-test sees a single wrong weight."""

import re
import shlex
import shutil
import subprocess

import pytest

from tinyprop.errors import UserError
from tinyprop.frontend.naming import program_name
from tinyprop.methods.optimizer import SGD

pytestmark = pytest.mark.skipif(shutil.which("cc") is None, reason="no C compiler called cc")
STRICT = ("-Wall", "-Wextra", "-Wpedantic", "-Werror")


@pytest.fixture
def export(networks, tmp_path):
    """export(network, kernels) → folder of the project."""
    return lambda name, kernels: networks[name].train("tinyprop_v2", kernels=kernels).export(tmp_path / "firmware")


def by_hand(folder):
    """What the self-test prints, and what it returns, built by the command in the project's README."""
    wanted = r"^    mkdir -p build && (cc .*) && build/selftest$"
    [command] = re.findall(wanted, (folder / "README.md").read_text(), flags=re.MULTILINE)
    (folder / "build").mkdir(exist_ok=True)
    subprocess.run([*shlex.split(command), *STRICT], cwd=folder, check=True)
    return self_test(folder / "build" / "selftest")


def self_test(program):
    run = subprocess.run([program], capture_output=True, text=True, check=False)
    return run.stdout.split(":")[0], run.returncode


@pytest.mark.parametrize(("name", "kernels"), [("overlapping", "inline"), ("pooled", "size"), ("normalised", "inline")])
def test_project_passes_by_hand_and_fails_with_one_weight_changed(export, name, kernels):
    folder = export(name, kernels)
    assert by_hand(folder) == ("PASS", 0)
    weights = folder / f"{name}_parameters.c"
    first = re.compile(r"(-?0x1\.)(\w)")
    text, changed = first.subn(lambda m: m[1] + ("1" if m[2] == "0" else "0"), weights.read_text(), count=1)
    assert changed == 1
    weights.write_text(text)
    assert by_hand(folder) == ("FAIL", 1)


def test_project_with_momentum_and_decay_passes(networks, tmp_path):
    sgd = SGD(momentum=0.9, weight_decay=0.01, clip=0.5)
    assert by_hand(networks["mlp"].train("tinyprop_v2", optimizer=sgd).export(tmp_path / "firmware")) == ("PASS", 0)


def test_project_that_learns_targets_passes(networks, tmp_path):
    folder = networks["pooled"].train("tinyprop_v2", "mse").export(tmp_path / "firmware")
    assert by_hand(folder) == ("PASS", 0)
    assert "tp_train_target" in (folder / "README.md").read_text()


@pytest.mark.skipif(shutil.which("cmake") is None, reason="cmake not installed")
def test_project_passes_with_cmake(export):
    folder = export("mlp", "size")
    for step in (("-B", "build"), ("--build", "build")):
        subprocess.run(["cmake", *step], cwd=folder, check=True, capture_output=True)
    assert self_test(folder / "build" / "selftest") == ("PASS", 0)


@pytest.mark.skipif(shutil.which("cmake") is None, reason="cmake not installed")
@pytest.mark.parametrize("board", [None, "nano33ble", "esp32c3"])
def test_the_readme_builds_the_library_for_a_board(networks, tmp_path, board):
    """The library alone, since programs want startup code; and what was built does not stop the next export."""
    folder = networks["mlp"].train("ours").export(tmp_path / "firmware", board)
    [command] = re.findall(r"^    (cmake .*Generic.*)$", (folder / "README.md").read_text(), flags=re.MULTILINE)
    [compiler] = re.findall(r"C_COMPILER=(\S+)", command)
    if shutil.which(compiler) is None:
        pytest.skip(f"{compiler} is not installed")
    subprocess.run(command, shell=True, cwd=folder, check=True, capture_output=True)
    built = [path.name for path in (folder / "build" / "board").iterdir() if path.suffix in (".a", ".elf", "")]
    assert [name for name in built if "." in name or name in ("selftest", "field")] == ["libmlp.a"]
    networks["mlp"].train("full").export(folder)


def test_a_folder_of_the_users_own_is_left_as_it_is(networks, tmp_path):
    (tmp_path / "notes.txt").write_text("mine")
    with pytest.raises(UserError, match="is not empty and not an earlier export"):
        networks["mlp"].train("ours").export(tmp_path)
    assert [(path.name, path.read_text()) for path in tmp_path.iterdir()] == [("notes.txt", "mine")]


def test_a_file_in_the_way_is_left_as_it_is(networks, tmp_path):
    (tmp_path / "firmware").write_text("mine")
    with pytest.raises(UserError, match="name a new folder"):
        networks["mlp"].train("ours").export(tmp_path / "firmware")
    assert (tmp_path / "firmware").read_text() == "mine"


def test_an_earlier_export_is_replaced_as_a_whole(networks, tmp_path):
    folder = networks["mlp"].train("ours").export(tmp_path / "firmware")
    networks["strided"].train("ours").export(folder)
    assert (folder / "strided.c").is_file()
    assert not (folder / "mlp.c").exists()
    assert [path.name for path in tmp_path.iterdir()] == ["firmware"]


@pytest.mark.parametrize(
    ("word", "becomes"), [("Model", "net_model"), ("Memory", "net_memory"), ("Train", "net_train")]
)
def test_class_names_that_the_generated_code_uses_itself_are_altered(word, becomes):
    assert program_name(word, given=False) == becomes
    with pytest.raises(UserError, match="is taken in the generated C"):
        program_name(word.lower(), given=True)
