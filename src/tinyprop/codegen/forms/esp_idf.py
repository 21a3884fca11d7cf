"""An ESP-IDF component, and an example project that uses it."""

from tinyprop.codegen.forms.form import Contents, port, with_files
from tinyprop.codegen.source_tree import SourceTree


def esp_idf(contents: Contents) -> SourceTree:
    """The engine as it is; the example is a project of its own, which finds the component above it."""
    return with_files(
        contents.tree,
        {
            **contents.example("examples/selftest/main/", "main.c", entry="app_main"),
            "examples/selftest/CMakeLists.txt": contents.text("esp_idf_example.txt.j2"),
            "examples/selftest/main/CMakeLists.txt": contents.text("esp_idf_main.txt.j2"),
            "examples/selftest/main/idf_component.yml": contents.text("esp_idf_main.yml.j2"),
            "port/tp_port.h": port("tp_port.h"),
            "port/esp_idf.c": port("esp_idf.c"),
            "CMakeLists.txt": contents.text("esp_idf.txt.j2"),
            "idf_component.yml": contents.text("idf_component.yml.j2"),
            "README.md": contents.text("project_readme.md.j2", form="esp-idf"),
        },
    )
