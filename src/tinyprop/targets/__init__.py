"""Where a network runs: this machine, or a board in an emulator. `build` makes an engine; all engines are alike."""

from tinyprop.targets.board import Board as Board
from tinyprop.targets.board import board_names as board_names
from tinyprop.targets.board import load_board as load_board
from tinyprop.targets.building import build as build
from tinyprop.targets.device import DeviceEngine as DeviceEngine
from tinyprop.targets.emulated import EmulatedEngine as EmulatedEngine
from tinyprop.targets.engine import Engine as Engine
from tinyprop.targets.engine import TrainingStopped as TrainingStopped
from tinyprop.targets.host import HostEngine as HostEngine
from tinyprop.targets.machine import DeviceFault as DeviceFault
from tinyprop.targets.qemu import QemuEngine as QemuEngine
