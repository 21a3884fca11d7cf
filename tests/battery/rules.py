"""Methods whose rules reach into every kernel.

What the others select by is held equal by the contract and the rules' own tests, and need not be built again and again.
"""

EVERY_RULE = ("full", "full_zero_skip", "tinyprop_v1", "tinyprop_v2", "ours")
