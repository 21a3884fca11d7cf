"""A PlatformIO library for any framework; its example is a project for Arduino boards."""

from tinyprop.codegen.forms.form import Contents, moved, port, with_files
from tinyprop.codegen.source_tree import SourceTree


def platformio(contents: Contents) -> SourceTree:
    """Headers in include/, what is compiled in src/; the example is a project of its own."""
    tree = moved(contents.tree, headers="include/", sources="src/", kernels="include/kernels/")
    return with_files(
        tree,
        {
            **contents.example("examples/selftest/src/", "main.cpp", entry="sketch"),
            "examples/selftest/platformio.ini": contents.text("platformio.ini.j2"),
            "include/tp_port.h": port("tp_port.h"),
            "src/tp_port.cpp": port("arduino.cpp"),
            "library.json": contents.text("library.json.j2"),
            "README.md": contents.text("project_readme.md.j2", form="platformio"),
        },
    )
