"""Estimated cycles: a table per core of what the maker says of each instruction, over what was really executed."""

from tinyprop.targets.cycles.estimate import estimated_cycles as estimated_cycles
from tinyprop.targets.cycles.timing import Timing as Timing
from tinyprop.targets.cycles.timing import load_timing as load_timing
from tinyprop.targets.cycles.timing import timing_names as timing_names
