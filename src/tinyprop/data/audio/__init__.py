"""Clips of sound as they were recorded, one at a time, from the official distribution files; features come later.

16-bit samples at 16 kHz, one channel. Another rate is refused: resampling would make other data of them.
"""

from tinyprop.data.audio.detection import Detection as Detection
from tinyprop.data.audio.detection import detection as detection
from tinyprop.data.audio.detection import detection_by_machine as detection_by_machine
from tinyprop.data.audio.machine_sound import MachineClip as MachineClip
from tinyprop.data.audio.machine_sound import MachineSound as MachineSound
from tinyprop.data.audio.speech_commands import KeywordTask as KeywordTask
from tinyprop.data.audio.speech_commands import SpeechClip as SpeechClip
from tinyprop.data.audio.speech_commands import SpeechCommands as SpeechCommands
