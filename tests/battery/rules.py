"""Methods that between them use every rule; the others are settings of these, and need not be built again and again."""

EVERY_RULE = ("full", "full_zero_skip", "random_k", "tinyprop_v1", "tinyprop_v2", "ours", "ours_at_effort")
