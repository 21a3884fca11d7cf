"""tinyprop: PyTorch models that keep learning on a microcontroller.

>>> import tinyprop
>>> [name for name in tinyprop.METHODS if name.startswith("tinyprop")]
['tinyprop_v1', 'tinyprop_v2']
"""

from tinyprop.choosing import choose_sparse_update as choose_sparse_update
from tinyprop.choosing import choose_tiny_train as choose_tiny_train
from tinyprop.errors import InternalError as InternalError
from tinyprop.errors import TinypropError as TinypropError
from tinyprop.errors import UserError as UserError
from tinyprop.ir.choices import CHOICES as CHOICES
from tinyprop.ir.losses import LOSSES as LOSSES
from tinyprop.ir.losses import CrossEntropy as CrossEntropy
from tinyprop.ir.losses import MeanSquaredError as MeanSquaredError
from tinyprop.methods import METHODS as METHODS
from tinyprop.methods import BiasOnly as BiasOnly
from tinyprop.methods import Full as Full
from tinyprop.methods import FullZeroSkip as FullZeroSkip
from tinyprop.methods import LastLayers as LastLayers
from tinyprop.methods import LossSkip as LossSkip
from tinyprop.methods import MemorisedTopK as MemorisedTopK
from tinyprop.methods import Method as Method
from tinyprop.methods import Ours as Ours
from tinyprop.methods import OursAtEffort as OursAtEffort
from tinyprop.methods import PartialUpdates as PartialUpdates
from tinyprop.methods import RandomK as RandomK
from tinyprop.methods import SparseUpdate as SparseUpdate
from tinyprop.methods import TinyPropV1 as TinyPropV1
from tinyprop.methods import TinyPropV2 as TinyPropV2
from tinyprop.methods import TinyTrain as TinyTrain
from tinyprop.methods import TopK as TopK
from tinyprop.methods import Velocity as Velocity
from tinyprop.methods.optimizer import SGD as SGD
from tinyprop.methods.step_decay import StepDecay as StepDecay
from tinyprop.store import SampleStore as SampleStore
from tinyprop.store import StoreFlash as StoreFlash
from tinyprop.surface import Network as Network
from tinyprop.surface import Trainer as Trainer
from tinyprop.surface import apply_ as apply_
from tinyprop.surface import capture as capture
from tinyprop.surface import load as load
from tinyprop.targets import Engine as Engine
from tinyprop.targets import TrainingStopped as TrainingStopped
from tinyprop.trace import StepTrace as StepTrace
from tinyprop.trace import StoreTrace as StoreTrace
