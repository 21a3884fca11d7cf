"""Methods that between them use every rule; the others are settings of these, and need not be built again and again."""

EVERY_RULE = ("full", "full_zero_skip", "tinyprop_v1", "tinyprop_v2", "ours")
