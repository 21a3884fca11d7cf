"""What is to train, chosen once on the user's samples before anything is flashed: settings for two methods."""

from tinyprop.choosing.sparse_update import ChosenSparseUpdate as ChosenSparseUpdate
from tinyprop.choosing.sparse_update import choose_sparse_update as choose_sparse_update
from tinyprop.choosing.tiny_train import ChosenTinyTrain as ChosenTinyTrain
from tinyprop.choosing.tiny_train import choose_tiny_train as choose_tiny_train
