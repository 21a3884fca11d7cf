"""From PyTorch to the IR; apart from the bench the only room that imports torch."""

from tinyprop.frontend.capture import capture as capture
from tinyprop.frontend.saved import load as load
