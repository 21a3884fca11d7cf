"""With what an outcome was made: versions of libraries, and a hash of tinyprop's own code."""

import hashlib
from functools import cache
from importlib.metadata import version
from pathlib import Path

import tinyprop

DISTRIBUTIONS = ("tinyprop", "torch", "numpy", "scikit-learn", "scipy", "ziglang")


@cache
def provenance() -> dict[str, str]:
    """Distribution → version, and "code": SHA-256 over all files of the package."""
    return {name: version(name) for name in DISTRIBUTIONS} | {"code": code_hash()}


@cache
def code_hash() -> str:
    """Over the names and contents of the package's files, in order."""
    folder = Path(tinyprop.__file__).parent
    content = hashlib.sha256()
    for path in sorted(path for path in folder.rglob("*") if path.is_file() and "__pycache__" not in path.parts):
        content.update(path.relative_to(folder).as_posix().encode() + b"\0" + path.read_bytes())
    return content.hexdigest()
