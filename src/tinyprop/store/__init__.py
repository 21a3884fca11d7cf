"""What a device keeps to learn from again: a class-balanced reservoir of samples, of which some sleep.

The twin of tp_buffer.h and tp_flash_store.h: the same decisions, the same values, the same bytes.
"""

from tinyprop.store.flash import ShelfPlan as ShelfPlan
from tinyprop.store.flash import StoreFlash as StoreFlash
from tinyprop.store.sample_store import Awake as Awake
from tinyprop.store.sample_store import SampleStore as SampleStore
from tinyprop.store.settings import StoreSettings as StoreSettings
