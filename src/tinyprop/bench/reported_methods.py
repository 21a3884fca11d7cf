"""The methods in the tables of demo, benchmark and boards, whose results and ceilings are committed with their names.

A new method does not change these tables by itself: `tinyprop compare` takes it by name.
"""

from collections.abc import Mapping
from types import MappingProxyType

from tinyprop.methods import Full, FullZeroSkip, Method, Ours, TinyPropV1, TinyPropV2

REPORTED: Mapping[str, type[Method]] = MappingProxyType(
    {method.name: method for method in (Full, FullZeroSkip, TinyPropV1, TinyPropV2, Ours)}
)
