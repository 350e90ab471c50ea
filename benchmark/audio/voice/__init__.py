"""A synthetic voice that shows emotions: glottal source, vocal tract, prosody. It stands for no person.

It gives the demo its corpus, and verification its probes. What it says about real speech is nothing.
"""

from benchmark.audio.voice.prosody import EMOTIONS
from benchmark.audio.voice.speaker import Sex, Speaker, invent_speaker
from benchmark.audio.voice.speech import speak
from benchmark.audio.voice.text import invent_text

__all__ = ["EMOTIONS", "Sex", "Speaker", "invent_speaker", "invent_text", "speak"]
