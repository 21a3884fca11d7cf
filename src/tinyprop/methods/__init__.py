"""Training methods: one file and one line of METHODS each. A method turns layers into a TrainSpec, plain data."""

from dataclasses import fields

from tinyprop.errors import UserError, unknown_name
from tinyprop.methods.bias_only import BiasOnly as BiasOnly
from tinyprop.methods.full import Full as Full
from tinyprop.methods.full_zero_skip import FullZeroSkip as FullZeroSkip
from tinyprop.methods.last_layers import LastLayers as LastLayers
from tinyprop.methods.loss_skip import LossSkip as LossSkip
from tinyprop.methods.memorised_top_k import MemorisedTopK as MemorisedTopK
from tinyprop.methods.method import Method as Method
from tinyprop.methods.ours import Ours as Ours
from tinyprop.methods.ours_at_effort import OursAtEffort as OursAtEffort
from tinyprop.methods.partial_updates import PartialUpdates as PartialUpdates
from tinyprop.methods.random_k import RandomK as RandomK
from tinyprop.methods.sparse_update import SparseUpdate as SparseUpdate
from tinyprop.methods.spec import LayerInfo as LayerInfo
from tinyprop.methods.spec import TrainSpec as TrainSpec
from tinyprop.methods.tiny_train import TinyTrain as TinyTrain
from tinyprop.methods.tinyprop_v1 import TinyPropV1 as TinyPropV1
from tinyprop.methods.tinyprop_v2 import TinyPropV2 as TinyPropV2
from tinyprop.methods.top_k import TopK as TopK
from tinyprop.methods.velocity import Velocity as Velocity

METHODS: dict[str, type[Method]] = {
    method.name: method
    for method in (
        Full,
        FullZeroSkip,
        LastLayers,
        BiasOnly,
        SparseUpdate,
        TinyTrain,
        TopK,
        MemorisedTopK,
        RandomK,
        PartialUpdates,
        Velocity,
        LossSkip,
        TinyPropV1,
        TinyPropV2,
        Ours,
        OursAtEffort,
    )
}


def method_named(name: str, **settings: float) -> Method:
    """The method of that name, with its defaults where `settings` says nothing.

    Raises UserError for a name not in METHODS, for a setting the method does not have, and for one out of range.
    """
    if name not in METHODS:
        raise unknown_name("method", name, METHODS)
    known = [field.name for field in fields(METHODS[name])]
    for setting in settings:
        if setting not in known:
            has = f"it has {', '.join(known)}" if known else "it has none"
            raise UserError(f"method '{name}' was given '{setting}', which is not one of its settings: {has}.")
    return METHODS[name](**settings)
