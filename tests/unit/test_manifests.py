"""Manifests of the forms, checked by their own tools where PyPI has them, else against what their makers document.

PlatformIO's parser and Espressif's component manager are installed for this. Arduino's linter is not on PyPI, and
Zephyr keeps its schema in its own tree: their rules stand here, as the library specification (format 1.5, revision 2.2)
and Zephyr's page on modules and twister give them."""

import importlib.util
import os
import re

import pytest
import yaml
from torch import nn, zeros

import tinyprop
from tinyprop.codegen.generate import tool_version
from tinyprop.codegen.project import project

needs_platformio = pytest.mark.skipif(not importlib.util.find_spec("platformio"), reason="platformio not installed")
needs_espressif = pytest.mark.skipif(
    not importlib.util.find_spec("idf_component_tools"), reason="idf-component-manager not installed"
)

CATEGORIES = (
    *("Display", "Communication", "Signal Input/Output", "Sensors", "Device Control", "Timing", "Data Storage"),
    *("Data Processing", "Other"),
)
REQUIRED = ("name", "version", "author", "maintainer", "sentence", "paragraph", "category", "url", "architectures")
NAMES = ("tiny", "Tiny_2", "_tiny")  # all that C takes for a name


@pytest.fixture(scope="module", params=NAMES)
def files(request):
    """files(form) → path → text of the project of a small network."""
    network = tinyprop.capture(nn.Sequential(nn.Linear(4, 3), nn.ReLU(), nn.Linear(3, 2)), zeros(1, 4), request.param)
    trainer = network.train(tinyprop.TinyPropV2())
    return lambda form: project(trainer.sources, trainer.train_program, trainer.plan, (), form).files


def properties(text):
    """library.properties as key → value: lines of key=value, and comments."""
    lines = [line for line in text.splitlines() if line and not line.startswith("#")]
    assert all("=" in line for line in lines)
    pairs = [line.split("=", 1) for line in lines]
    assert len(dict(pairs)) == len(pairs)
    return dict(pairs)


def complaints_of_arduino(given):
    """What the library specification would have otherwise, and what is not there."""
    found = [key for key in REQUIRED if not given.get(key)]
    # Basic letters and numbers, spaces, underscores, dots, dashes; a letter or number first, one letter at least.
    if not re.fullmatch(r"(?=.*[A-Za-z])[A-Za-z0-9][A-Za-z0-9 _.-]{0,62}", given["name"]):
        found.append("name")
    if given["name"].lower().startswith("arduino"):  # for Arduino's own
        found.append("name")
    if not re.fullmatch(r"\d+\.\d+\.\d+([-+][0-9A-Za-z.+-]+)?", given["version"]):
        found.append("version")
    if given["category"] not in CATEGORIES:
        found.append("category")
    if not re.fullmatch(r"https?://\S+", given["url"]):
        found.append("url")
    return found


def test_library_properties(files):
    tree = files("arduino")
    given = properties(tree["library.properties"])
    assert complaints_of_arduino(given) == []
    assert f"src/{given['includes']}" in tree
    assert given["architectures"] == "*"
    assert not [path for path in tree if path.startswith(("src/examples", "utility/"))]
    sketches = [path for path in tree if path.endswith(".ino")]
    assert sketches
    assert all(re.fullmatch(r"examples/(\w+)/\1\.ino", path) for path in sketches)  # a sketch is named as its folder


@pytest.mark.parametrize(
    ("key", "value"), [("name", "_tiny"), ("category", "Learning"), ("version", "1.0"), ("url", ""), ("sentence", "")]
)
def test_rules_for_library_properties_find_mistakes(files, key, value):
    given = properties(files("arduino")["library.properties"])
    assert key in complaints_of_arduino({**given, key: value})


@needs_platformio
def test_library_json(files):
    from platformio.package.manifest.parser import LibraryJsonManifestParser
    from platformio.package.manifest.schema import ManifestSchema

    tree = files("platformio")
    manifest = ManifestSchema().load_manifest(LibraryJsonManifestParser(tree["library.json"]).as_dict())
    assert (manifest["frameworks"], manifest["platforms"]) == (["*"], ["*"])
    assert [f"include/{name}" in tree for name in manifest["headers"]] == [True]
    for example in manifest["examples"]:
        assert [f"{example['base']}/{name}" in tree for name in example["files"]] == [True] * len(example["files"])


@needs_platformio
def test_platformio_finds_mistakes(files):
    from platformio.package.exception import ManifestValidationError
    from platformio.package.manifest.parser import LibraryJsonManifestParser
    from platformio.package.manifest.schema import ManifestSchema

    broken = re.sub(r'"version": ".*"', '"version": "latest, or so"', files("platformio")["library.json"])
    with pytest.raises(ManifestValidationError):
        ManifestSchema().load_manifest(LibraryJsonManifestParser(broken).as_dict())


@needs_platformio
def test_platformio_ini(files, tmp_path):
    from platformio.project.config import ProjectConfig

    path = tmp_path / "platformio.ini"
    path.write_text(files("platformio")["examples/selftest/platformio.ini"])
    config = ProjectConfig(str(path))
    assert config.validate()
    assert config.get("env:nano33ble", "lib_deps") == ["symlink://../.."]


@pytest.fixture
def manifest_of(tmp_path, monkeypatch):
    """manifest_of(text) → what the component manager takes idf_component.yml for."""
    monkeypatch.setenv("IDF_VERSION", "5.3.0")

    def load(text):
        from idf_component_tools.manager import ManifestManager

        (tmp_path / "idf_component.yml").write_text(text)
        return ManifestManager(str(tmp_path), "main").load()

    return load


@needs_espressif
def test_idf_component_yml(files, manifest_of):
    tree = files("esp-idf")
    component = manifest_of(tree["idf_component.yml"])
    assert (str(component.version), component.requirements[0].name) == (tool_version().split()[1], "idf")
    example = manifest_of(tree["examples/selftest/main/idf_component.yml"])
    [needed] = example.requirements
    assert os.path.normpath(f"examples/selftest/main/{needed.path}") == "."


@needs_espressif
def test_the_component_manager_finds_mistakes(files, manifest_of):
    from idf_component_tools.errors import ManifestError

    text = files("esp-idf")["idf_component.yml"]
    for broken in (text.replace('version: "', 'version: "latest '), text.replace(">=5.0", "five")):
        with pytest.raises(ManifestError):
            manifest_of(broken)


def complaints_of_zephyr(tree, manifest):
    """Keys that Zephyr's module files have not, values of another kind, and folders that are not there."""
    kinds = {"name": str, "build": dict, "tests": list, "samples": list, "boards": list}
    found = [key for key, value in manifest.items() if not isinstance(value, kinds.get(key, ()))]
    build = manifest.get("build", {})
    found += [f"build.{key}" for key in build if key not in ("cmake", "kconfig")]
    if f"{build.get('cmake')}/CMakeLists.txt" not in tree:
        found.append("build.cmake")
    if build.get("kconfig") not in tree:
        found.append("build.kconfig")
    samples = [folder for folder in manifest["samples"] if not any(p.startswith(f"{folder}/") for p in tree)]
    return found + samples


def test_module_yml(files):
    tree = files("zephyr")
    manifest = yaml.safe_load(tree["zephyr/module.yml"])
    assert complaints_of_zephyr(tree, manifest) == []
    assert complaints_of_zephyr(tree, {**manifest, "build": {"cmake": "."}, "licence": "x", "samples": ["demo"]}) == [
        *("licence", "build.cmake", "build.kconfig", "demo"),
    ]


def test_sample_yaml_kconfig_and_prj_conf(files):
    tree = files("zephyr")
    for name in ("selftest", "field"):
        assert set(yaml.safe_load(tree[f"samples/{name}/sample.yaml"])) == {"sample", "tests"}
    sample = yaml.safe_load(tree["samples/selftest/sample.yaml"])
    assert set(sample["sample"]) == {"name", "description"}
    [(scenario, test)] = sample["tests"].items()
    assert re.fullmatch(r"\w+(\.\w+)+", scenario)
    assert test["harness_config"]["type"] == "one_line"
    [option] = re.findall(r"^config (\w+)$", tree["zephyr/Kconfig"], re.MULTILINE)
    chosen = [line for line in tree["samples/selftest/prj.conf"].splitlines() if not line.startswith("#")]
    assert all(re.fullmatch(r"CONFIG_[A-Z0-9_]+=(y|n|\d+)", line) for line in chosen)
    assert f"CONFIG_{option}=y" in chosen
    assert f"if(CONFIG_{option})" in tree["zephyr/CMakeLists.txt"]


def test_build_files_name_sources_that_are_there(files):
    for form, path, base in (("zephyr", "zephyr/CMakeLists.txt", ""), ("esp-idf", "CMakeLists.txt", "")):
        tree = files(form)
        named = re.findall(r"[\w./${}]*?(\w[\w/]*\.c)\b", tree[path])
        assert len(named) > 5
        assert not [name for name in named if base + name not in tree]
