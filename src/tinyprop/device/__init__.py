"""A line to a device: the protocol of tp_link.h from the host's side."""

from tinyprop.device.line import DeviceLine, DeviceRefused, DeviceRestarted, DeviceSilent
from tinyprop.device.records import Answer, DeviceFacts

__all__ = ["Answer", "DeviceFacts", "DeviceLine", "DeviceRefused", "DeviceRestarted", "DeviceSilent"]
