"""The user's own data, as the record that every loader returns."""

from tinyprop.data.own.arrays import from_arrays as from_arrays
from tinyprop.data.own.arrays import from_npz as from_npz
from tinyprop.data.own.image_folder import from_image_folder as from_image_folder
from tinyprop.data.own.torch_dataset import from_torch_dataset as from_torch_dataset
from tinyprop.data.own.window_csv import from_window_csv as from_window_csv
