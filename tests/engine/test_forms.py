"""Each form of a project builds as its build system builds it, with every compiler there is, and its self-test passes.

Build systems that cannot be installed here (Arduino, PlatformIO, Zephyr, ESP-IDF) are imitated: their choice of
sources, folders and flags, and in the place of their headers a few declarations, `c/stand_ins`."""

import re
import shutil
import struct
import subprocess
from importlib.metadata import version
from pathlib import Path
from typing import NamedTuple

import pytest
import unicorn
from elftools.elf.elffile import ELFFile
from unicorn import arm_const

from tinyprop.codegen.forms import FORMS
from tinyprop.codegen.forms.form import with_files
from tinyprop.codegen.generate import tool_version
from tinyprop.codegen.project import project
from tinyprop.codegen.source_tree import SourceTree
from tinyprop.errors import UserError
from tinyprop.targets import load_board
from tinyprop.targets.compilation import compile_tree, link
from tinyprop.targets.toolchain import LANGUAGE, WARNINGS, Compiler, board_compiler, host_compiler, zig_command

C_FOLDER = Path(__file__).parent / "c"
CORTEX_M4F = ("-mcpu=cortex-m4", "-mthumb", "-mfloat-abi=hard", "-mfpu=fpv4-sp-d16")
BARE = ("-Wl,--section-start=.vectors=0x0", "-Wl,-Ttext=0x400", "-Wl,-Tdata=0x20000000", "-Wl,-u,mps2_vectors")
BOARD_LINK = ("-nostartfiles", "-Wl,--gc-sections", *BARE)
# Beyond the project's own: what the imitated build systems are known to call their compilers with.
ARDUINO = ("-Os", "-w", "-ffunction-sections", "-fdata-sections", "-DARDUINO=10819")
ARDUINO_C = ("-std=gnu11", *ARDUINO)
ARDUINO_CPP = ("-std=gnu++17", "-fno-exceptions", "-fno-threadsafe-statics", "-fno-rtti", *ARDUINO)
STRICT = (*LANGUAGE, *WARNINGS, "-O2")
# As the engine's are checked: no C++ project need share our wish for warnings.
CPP_WARNINGS = ("-Wall", "-Wextra", "-Wpedantic", "-Wconversion", "-Werror", "-Wno-long-long")
PUBLIC_HEADERS = (
    *("tinyprop.h", "tp_buffer.h", "tp_buffer_values.h", "tp_checkpoint.h", "tp_crc32.h", "tp_flash_store.h"),
    *("tp_guard.h", "tp_link.h", "tp_port.h"),
)


class Build(NamedTuple):
    """What a build system compiles of a project, for a program: each source alone."""

    tree: SourceTree
    c_flags: tuple[str, ...]
    cpp_flags: tuple[str, ...] = ()


@pytest.fixture(scope="session")
def exported(networks):
    """exported(form, kernels, network) → the project as a SourceTree."""
    made = {}

    def export(form, kernels="inline", network="pooled"):
        if (form, kernels, network) not in made:
            trainer = networks[network].train("tinyprop_v2", kernels=kernels)
            made[form, kernels, network] = project(trainer.sources, trainer.train_program, trainer.plan, (), form)
        return made[form, kernels, network]

    return export


def stand_ins(name):
    """Path → text of the headers and sources in tests/engine/c/stand_ins/<name>."""
    folder = C_FOLDER / "stand_ins" / name
    return {f"stand_ins/{p.relative_to(folder).as_posix()}": p.read_text() for p in folder.rglob("*.*") if p.is_file()}


def below(tree, folder, *endings):
    return [path for path in tree.files if path.startswith(folder) and path.endswith(endings)]


def arduino(tree, example="selftest", core="core.cpp"):
    """All below src/ and all beside the sketch, as the builder finds them; the .ino becomes a .cpp."""
    sketch = f"examples/{example}/{example}.ino"
    files = {**stand_ins("arduino"), f"{sketch}.cpp": "#include <Arduino.h>\n" + tree.files[sketch]}
    sources = [*below(tree, "src/", ".c", ".cpp"), *below(tree, f"examples/{example}/", ".c"), f"{sketch}.cpp"]
    whole = with_files(SourceTree(tree.name, tree.files, (*sources, f"stand_ins/{core}"), ("src", "stand_ins")), files)
    return Build(whole, ARDUINO_C, ARDUINO_CPP)


def platformio(tree, example="selftest"):
    """All below src/, and all below the example's own src/."""
    sources = [*below(tree, "src/", ".c", ".cpp"), *below(tree, f"examples/{example}/src/", ".c", ".cpp")]
    folders = ("include", "src", "stand_ins")
    whole = SourceTree(tree.name, tree.files, (*sources, "stand_ins/core.cpp"), folders)
    whole = with_files(whole, stand_ins("arduino"))
    return Build(whole, STRICT, (*ARDUINO_CPP, "-ffp-contract=off"))


def listed(tree, sources, folders, system):
    """What build files that name their sources compile, and stand-ins of the system."""
    whole = SourceTree(tree.name, tree.files, (*tree.sources, *sources, "stand_ins/system.c"), folders)
    return Build(with_files(whole, stand_ins(system)), STRICT)


def zephyr(tree, example="selftest"):
    own = below(tree, f"samples/{example}/src/", ".c")
    return listed(tree, [*own, "port/zephyr.c"], (".", "engine/include", "port", "stand_ins"), "zephyr")


def esp_idf(tree, example="selftest"):
    own = below(tree, f"examples/{example}/main/", ".c")
    return listed(tree, [*own, "port/esp_idf.c"], (".", "engine/include", "port", "stand_ins"), "esp_idf")


def cmake(tree, example="selftest", port="port/host.c"):
    own = {"selftest": ("main.c", f"{tree.name}_golden.c"), "field": ("field.c",)}[example]
    return Build(SourceTree(tree.name, tree.files, (*tree.sources, *own, port), tree.include_dirs), STRICT)


BUILDS = {"cmake": cmake, "arduino": arduino, "platformio": platformio, "zephyr": zephyr, "esp-idf": esp_idf}


def compiler_of(command, flags, link_flags=()):
    """The compiler `command`; the test is skipped where it is not installed."""
    if command == "zig":
        return Compiler(zig_command(), f"zig {version('ziglang')}", flags, link_flags)
    path = shutil.which(command)
    if path is None:
        pytest.skip(f"{command} not installed")
    printed = subprocess.run([path, "--version"], capture_output=True, text=True, check=True).stdout
    return Compiler((path,), printed.partition("\n")[0], flags, link_flags)


def objects_of(build, prefix="", machine=()):
    """Objects of C and C++, each by its own compiler."""
    c = [path for path in build.tree.sources if path.endswith(".c")]
    cpp = [path for path in build.tree.sources if path.endswith(".cpp")]
    made = compile_tree(part(build.tree, c), compiler_of(f"{prefix}gcc", (*machine, *build.c_flags)))
    if cpp:
        made += compile_tree(part(build.tree, cpp), compiler_of(f"{prefix}g++", (*machine, *build.cpp_flags)))
    return made


def part(tree, sources):
    return SourceTree(tree.name, tree.files, tuple(sources), tree.include_dirs)


def on_this_computer(build):
    """What the program prints."""
    linker = "g++" if any(path.endswith(".cpp") for path in build.tree.sources) else "gcc"
    program = link(objects_of(build), compiler_of(linker, ()), "")
    return subprocess.run([program], capture_output=True, text=True, check=False).stdout


def image_of(build):
    """The program for the emulated board, linked against newlib-nano."""
    flags = (*CORTEX_M4F, "--specs=nano.specs", "--specs=nosys.specs")
    objects = objects_of(build, "arm-none-eabi-", CORTEX_M4F)
    return link(objects, compiler_of("arm-none-eabi-gcc", flags, BOARD_LINK), ".elf")


def on_the_emulated_board(build):
    """What the program prints through the UART of a Cortex-M4F in QEMU."""
    if shutil.which("qemu-system-arm") is None:
        pytest.skip("qemu-system-arm not installed")
    image = image_of(build)
    machine = ("-M", "mps2-an386", "-display", "none", "-monitor", "none", "-serial", "stdio")
    command = ["qemu-system-arm", *machine, "-semihosting-config", "enable=on,target=native", "-kernel", image]
    return subprocess.run(command, capture_output=True, text=True, timeout=60, check=False).stdout


def with_board(build):
    """The build with what a user adds for the emulated board."""
    files = {"board/mps2.c": (C_FOLDER / "mps2.c").read_text()}
    tree = with_files(build.tree, files)
    return build._replace(tree=part(tree, (*tree.sources, *files)))


def expected(tree):
    """The first two words that every build prints: PASS, and the hash of the weights."""
    header = next(text for path, text in tree.files.items() if path.endswith("_golden.h"))
    [crc] = re.findall(r"GOLDEN_CRC32 0x([0-9A-F]+)U", header)
    return f"PASS: {tree.name} learns bit for bit\nweights {int(crc, 16):x}, each step "


def test_every_form_is_built_here():
    assert set(BUILDS) == set(FORMS)


# Zephyr and ESP-IDF compile the very files of the CMake form.
ON_THIS_COMPUTER = [*((form, "inline") for form in BUILDS), *((f, "size") for f in ("cmake", "arduino", "platformio"))]


@pytest.mark.parametrize(("form", "kernels"), ON_THIS_COMPUTER)
def test_self_test_passes_on_this_computer(exported, form, kernels):
    tree = exported(form, kernels)
    printed = on_this_computer(BUILDS[form](tree))
    assert printed.startswith(expected(tree))
    counter = {"cmake": "0 (no counter)", "arduino": "3 microseconds", "platformio": "3 microseconds"}
    assert printed.endswith(f"each step {counter.get(form, '3 cycles')}\n") or form == "zephyr"


@pytest.mark.parametrize("form", BUILDS)
def test_self_test_sees_a_wrong_weight(exported, form):
    tree = exported(form)
    [path] = below(tree, "", "_parameters.c")
    broken, changed = re.subn(r"(0x1\.)(\w)", lambda m: m[1] + ("1" if m[2] == "0" else "0"), tree.files[path], count=1)
    assert changed == 1
    assert on_this_computer(BUILDS[form](with_files(tree, {path: broken}))).startswith("FAIL: ")


@pytest.mark.parametrize("form", BUILDS)
def test_firmware_for_the_field_compiles(exported, form):
    assert objects_of(BUILDS[form](exported(form), "field"))


@pytest.mark.parametrize("command", ["clang", "zig"])
def test_plain_c_with_other_compilers(exported, command):
    build = cmake(exported("cmake"))
    flags = host_compiler("zig").flags if command == "zig" else STRICT  # those whose run-time library is built already
    objects = compile_tree(build.tree, compiler_of(command, flags))
    program = link(objects, compiler_of(command, flags), "")
    printed = subprocess.run([program], capture_output=True, text=True, check=False).stdout
    assert printed.startswith(expected(build.tree))


@pytest.mark.parametrize("kernels", ["inline", "size"])
def test_arduino_library_keeps_its_bits_on_a_core_that_would_fuse(exported, kernels):
    """-std=gnu11 lets gcc fuse multiply-adds, and a Cortex-M4F can: only the engine's own pragmas stand against it."""
    tree = exported("arduino", kernels)
    printed = on_the_emulated_board(with_board(arduino(tree, core="core_mps2.cpp")))
    assert printed.startswith(expected(tree))


def test_self_test_sees_fused_multiply_adds(exported):
    tree = exported("arduino")
    config = tree.files["src/tp_config.h"]
    fused = config.replace('#pragma GCC optimize("fp-contract=off")\n', "")
    assert fused != config
    build = with_board(arduino(with_files(tree, {"src/tp_config.h": fused}), core="core_mps2.cpp"))
    assert on_the_emulated_board(build).startswith("FAIL: ")


def test_plain_c_runs_through_the_port_to_cortex_m(exported):
    tree = exported("cmake")
    printed = on_the_emulated_board(with_board(cmake(tree, port="port/cortex_m.c")))
    assert printed == expected(tree) + "0 (no counter)\n"  # QEMU has no DWT unit


@pytest.mark.parametrize("form", ["cmake", "arduino"])
def test_ports_to_cortex_m_switch_the_cycle_counter_on(exported, form):
    """In Unicorn, with a DWT unit that counts what is executed, once the debug exception register lets it."""
    tree = exported(form)
    image = image_of(
        with_board(cmake(tree, port="port/cortex_m.c") if form == "cmake" else arduino(tree, core="core_mps2.cpp"))
    )
    printed, executed = in_unicorn(image)
    assert printed.startswith(expected(tree))
    [counted] = re.findall(r"each step (\d+) cycles\n", printed)
    assert executed / 10 < 3 * int(counted) < executed  # the rest is a CRC, bit by bit, and text


def in_unicorn(image):
    """What the program sends to its UART, and how many instructions it executed."""
    uc = unicorn.Uc(unicorn.UC_ARCH_ARM, unicorn.UC_MODE_THUMB)
    uc.ctl_set_cpu_model(arm_const.UC_CPU_ARM_CORTEX_M4)
    sent, registers, executed = bytearray(), {}, 0

    def count(*_):
        nonlocal executed
        executed += 1

    def read_system(_, offset, *__):
        enabled = registers.get(0xEDFC, 0) >> 24 & registers.get(0x1000, 0) & 1
        return executed if offset == 0x1004 and enabled else registers.get(offset, 0)

    uc.mem_map(0, 1 << 20, unicorn.UC_PROT_READ | unicorn.UC_PROT_EXEC)
    uc.mem_map(0x20000000, 0x400000, unicorn.UC_PROT_READ | unicorn.UC_PROT_WRITE)
    uc.mmio_map(0x40004000, 4096, lambda *_: 0, None, lambda _, at, __, byte, ___: at == 0 and sent.append(byte), None)
    uc.mmio_map(
        0xE0000000, 1 << 16, read_system, None, lambda _, at, __, value, ___: registers.update({at: value}), None
    )
    with image.open("rb") as stream:
        elf = ELFFile(stream)
        for segment in elf.iter_segments("PT_LOAD"):
            uc.mem_write(segment["p_vaddr"], segment.data())
    stack, entry = struct.unpack("<II", uc.mem_read(0, 8))
    uc.reg_write(arm_const.UC_ARM_REG_SP, stack)
    uc.hook_add(unicorn.UC_HOOK_CODE, count)
    uc.hook_add(unicorn.UC_HOOK_INTR, lambda *_: uc.emu_stop())  # semihosting: the program has ended
    uc.emu_start(entry, 1 << 20, timeout=60_000_000)
    return sent.decode(), executed


BARE_METAL = {
    "Cortex-M0+, newlib-nano": ("arm-none-eabi-gcc", ("-mcpu=cortex-m0plus", "-mthumb", "--specs=nano.specs")),
    "RV32IMC, picolibc": ("riscv64-unknown-elf-gcc", ("-march=rv32imc", "-mabi=ilp32", "--specs=picolibc.specs")),
    "Cortex-M4F, zig": ("zig", board_compiler(load_board("nano33ble")).flags),
}


@pytest.mark.parametrize("target", BARE_METAL)
def test_plain_c_links_for_bare_metal(exported, target):
    """Nothing is missing: no heap, no standard output, no libm."""
    command, machine = BARE_METAL[target]
    build = cmake(exported("cmake"), port="port/cortex_m.c")
    files = {"start.c": "int main(void);\nvoid start(void);\nvoid start(void)\n{\n    (void)main();\n}\n"}
    if command == "zig":  # which brings no C library when freestanding
        folder = Path(__file__).parents[2] / "src/tinyprop/targets/c/freestanding"
        files["string.h"] = (folder / "string.h").read_text()
    tree = with_files(build.tree, files)
    flags = (*machine, *STRICT, "-ffunction-sections", "-fdata-sections")
    compiler = compiler_of(command, flags, ("-nostartfiles", "-Wl,--gc-sections", "-Wl,-e,start"))
    assert link(compile_tree(part(tree, (*tree.sources, "start.c")), compiler), compiler, ".elf").stat().st_size > 0


OTHER_CORES = {
    "zephyr": ("arm-none-eabi-gcc", (*CORTEX_M4F, "--specs=nano.specs")),
    "esp-idf": ("riscv64-unknown-elf-gcc", ("-march=rv32imc", "-mabi=ilp32", "--specs=picolibc.specs")),
}


@pytest.mark.parametrize("form", OTHER_CORES)
def test_component_compiles_for_the_cores_it_is_for(exported, form):
    command, machine = OTHER_CORES[form]
    tree = BUILDS[form](exported(form)).tree
    sources = [path for path in tree.sources if path != "stand_ins/system.c"]
    assert len(compile_tree(part(tree, sources), compiler_of(command, (*machine, *STRICT)))) == len(sources)


@pytest.mark.parametrize("command", ["g++", "clang++"])
@pytest.mark.parametrize("standard", ["c++98", "c++20"])
def test_every_public_header_is_cpp(exported, tmp_path, command, standard):
    if shutil.which(command) is None:
        pytest.skip(f"{command} not installed")
    tree = exported("cmake")
    headers = (*PUBLIC_HEADERS, f"{tree.name}.h", f"{tree.name}_golden.h")
    with_files(tree, {f"alone_{h}.cpp": f'#include "{h}"\n' for h in headers}).write(tmp_path)
    run = [command, f"-std={standard}", *CPP_WARNINGS, "-fsyntax-only", "-I.", "-Iengine/include"]
    done = subprocess.run([*run, *(f"alone_{h}.cpp" for h in headers)], cwd=tmp_path, capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.skipif(shutil.which("cmake") is None, reason="cmake not installed")
def test_library_is_part_of_another_cmake_project(exported, tmp_path):
    tree = exported("cmake", network="mlp")
    tree.write(tmp_path / "mlp")
    (tmp_path / "CMakeLists.txt").write_text(
        "cmake_minimum_required(VERSION 3.14)\nproject(firmware C)\ninclude(FetchContent)\n"
        "FetchContent_Declare(mlp SOURCE_DIR ${CMAKE_CURRENT_SOURCE_DIR}/mlp)\nFetchContent_MakeAvailable(mlp)\n"
        "add_executable(firmware main.c)\ntarget_link_libraries(firmware PRIVATE mlp)\n"
    )
    (tmp_path / "main.c").write_text('#include "mlp.h"\nint main(void) { return mlp.layers == MLP_LAYERS ? 0 : 1; }\n')
    for step in (("-B", "build"), ("--build", "build")):
        subprocess.run(["cmake", *step], cwd=tmp_path, check=True, capture_output=True)
    assert subprocess.run([tmp_path / "build" / "firmware"], check=False).returncode == 0
    assert not list((tmp_path / "build").rglob("selftest"))  # theirs to build, not every project's


@pytest.mark.parametrize("form", BUILDS)
def test_an_example_is_sixty_lines_at_most(exported, form):
    tree = exported(form)
    names = re.compile(r"(^|/)(main\.c|field\.c|main\.cpp|\w+\.ino)$")
    lengths = {path: text.count("\n") for path, text in tree.files.items() if names.search(path)}
    assert len(lengths) == 2
    assert max(lengths.values()) <= 60, lengths


def test_a_library_that_is_compiled_whole_holds_nothing_to_leave_out(exported):
    """Arduino and PlatformIO compile every .c they find: kernels that a network inlines must not be among them."""
    for form in ("arduino", "platformio"):
        for kernels in ("inline", "size"):
            tree = exported(form, kernels)
            assert set(below(tree, "src/", ".c")) == set(tree.sources)


def test_an_unknown_form_is_refused_and_nothing_written(networks, tmp_path):
    with pytest.raises(UserError, match="unknown form 'ardunio': did you mean 'arduino'\\? known are arduino, cmake, "):
        networks["mlp"].train("ours").export(tmp_path / "firmware", form="ardunio")
    assert not (tmp_path / "firmware").exists()


def test_a_project_of_one_form_becomes_one_of_another(networks, tmp_path):
    trainer = networks["mlp"].train("ours")
    folder = trainer.export(tmp_path / "mlp", form="zephyr")
    assert tool_version() in (trainer.export(folder, form="arduino") / "library.properties").read_text()
    assert not (folder / "zephyr").exists()
