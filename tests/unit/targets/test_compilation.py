"""Objects and images are kept, shared, and made anew exactly when something they depend on has changed."""

import pytest

from tinyprop.errors import InternalError, UserError
from tinyprop.targets import load_board, toolchain
from tinyprop.targets.compilation import compile_tree, link
from tinyprop.targets.toolchain import Compiler, board_compiler, cpu_generation, host_compiler

HOST = host_compiler()


def names(tree, compiler=HOST, **settings):
    return [path.name for path in compile_tree(tree, compiler, **settings)]


def test_the_same_tree_is_not_compiled_twice(toy, monkeypatch):
    objects = compile_tree(toy(), HOST)
    image = link(objects, HOST, ".so")
    monkeypatch.setattr("tinyprop.targets.compilation._run_to_file", lambda *_: pytest.fail("compiled again"))
    assert compile_tree(toy(), HOST) == objects
    assert link(objects, HOST, ".so") == image


def test_networks_share_the_engine_and_nothing_else(toy):
    first, second = names(toy()), names(toy(spare_floats=2))
    assert [a == b for a, b in zip(first, second, strict=True)] == [False, True, True]


def test_flags_defines_and_compilers_are_part_of_the_key(toy):
    other = Compiler(HOST.command, HOST.identity, (*HOST.flags, "-O1"), HOST.link_flags)
    renamed = Compiler(HOST.command, "another release", HOST.flags, HOST.link_flags)
    variants = [names(toy())[0], names(toy(), other)[0], names(toy(), renamed)[0]]
    variants.append(names(toy(), defines=("TP_INSTRUMENT",))[0])
    assert len(set(variants)) == 4


def test_nothing_unfinished_is_left(toy, toy_source, tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    objects = compile_tree(toy(), HOST)
    with pytest.raises(InternalError):
        compile_tree(toy(source=toy_source + "not C"), HOST)
    assert sorted(objects[0].parent.iterdir()) == sorted(objects)


def test_missing_tools_are_named_with_what_to_install(monkeypatch):
    monkeypatch.setattr(toolchain.shutil, "which", lambda _name: None)
    with pytest.raises(UserError, match="arm-none-eabi-gcc was not found: install the packages gcc-arm-none-eabi"):
        board_compiler(load_board("nano33ble"), "gcc")
    with pytest.raises(
        UserError, match="riscv64-unknown-elf-gcc was not found: install the packages gcc-riscv64-unkno"
    ):
        board_compiler(load_board("esp32c3"), "gcc")
    with pytest.raises(UserError, match="the compiler gcc was not found: install gcc, or use toolchain='zig'"):
        host_compiler("gcc")


def test_missing_zig(monkeypatch):
    monkeypatch.setattr(toolchain.importlib.util, "find_spec", lambda _name: None)
    with pytest.raises(UserError, match="zig is not installed: run 'pip install ziglang'"):
        host_compiler()


def test_cache_folder_that_cannot_be_made(toy, tmp_path, monkeypatch):
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "file"))
    with pytest.raises(UserError, match=r"cannot be made .*: set XDG_CACHE_HOME"):
        compile_tree(toy(), HOST)


def test_host_libraries_are_for_a_generation_of_cpus():
    flags = "flags\t\t: fpu avx avx2 bmi1 bmi2 f16c fma abm movbe xsave sse2\n"
    assert cpu_generation("x86_64", f"model name : x\n{flags}{flags}") == "x86_64_v3"
    assert cpu_generation("x86_64", flags.replace("avx2 ", "")) == "baseline"
    assert cpu_generation("aarch64", flags) == "baseline"
    assert cpu_generation("x86_64", "") == "baseline"
    assert sum(flag.startswith("-mcpu=") for flag in host_compiler("zig").flags) == 1
