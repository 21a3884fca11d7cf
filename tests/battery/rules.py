"""Methods whose rules reach into every kernel.

What the others select by is held equal by the contract and the rules' own tests, and need not be built again and again.
"""

from tinyprop.methods import Method, method_named

EVERY_RULE = ("full", "full_zero_skip", "tinyprop_v1", "tinyprop_v2", "ours")


def for_any_network(name: str) -> Method:
    """The method with settings that no network, however small, is refused for."""
    return method_named(name, effort=1.0) if name == "ours_at_effort" else method_named(name)
