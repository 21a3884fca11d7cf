"""What every room's tests share."""

import os
from collections.abc import Iterator

import pytest

from tinyprop.targets.toolchain import compiler_environment


@pytest.fixture(scope="session", autouse=True)
def zig_keeps_its_libraries() -> Iterator[None]:
    """zig's run-time libraries are built once, also for tests whose cache of tinyprop's own is a new folder."""
    with pytest.MonkeyPatch.context() as patch:
        for name, value in compiler_environment({}).items():
            if name not in os.environ:
                patch.setenv(name, value)
        yield
