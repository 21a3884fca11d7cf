"""Plain C with CMakeLists.txt: a library, and its examples for this computer or a bare Cortex-M."""

from tinyprop.codegen.forms.form import Contents, port, with_files
from tinyprop.codegen.source_tree import SourceTree


def cmake(contents: Contents) -> SourceTree:
    """The engine as it is, main.c and field.c beside the network, the ports in a folder."""
    return with_files(
        contents.tree,
        {
            **contents.selftest("", "main.c"),
            **contents.field("field.c"),
            "tp_port.h": port("tp_port.h"),
            "port/host.c": port("host.c"),
            "port/cortex_m.c": port("cortex_m.c"),
            "CMakeLists.txt": contents.text("CMakeLists.txt.j2"),
            "README.md": contents.text("project_readme.md.j2", form="cmake"),
        },
    )
