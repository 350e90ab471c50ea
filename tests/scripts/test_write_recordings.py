import numpy as np

from benchmark.audio.decoding import decode
from benchmark.demo.files import registry_path
from scripts.demo.clips import TRAINING_SPEAKER_SEEDS, training_speakers
from scripts.demo.speakers import invent_speaker
from scripts.write_recordings import SPEAKER_SEEDS, make_recordings

FOLDER = registry_path().parent / "recordings"
ROUNDING = 0.51 / 32768
"""Half a step of 16 bits, and what other versions of numpy and scipy may round differently."""


def test_the_committed_recordings_are_what_the_script_makes() -> None:
    made = {recording.path: recording.samples for recording in make_recordings()}
    committed = {path.relative_to(FOLDER).as_posix(): path for path in FOLDER.rglob("*") if path.is_file()}
    assert committed.keys() == made.keys()
    for name, samples in made.items():
        np.testing.assert_allclose(decode(committed[name]).samples, samples, rtol=0, atol=ROUNDING, err_msg=name)


def test_nobody_in_the_demo_was_trained_on() -> None:
    assert set(SPEAKER_SEEDS.values()).isdisjoint(TRAINING_SPEAKER_SEEDS)
    trained_on = {(speaker.pitch_hz, speaker.tract_length) for speaker in training_speakers()}
    recorded = [
        invent_speaker(name, "female" if name.startswith("f") else "male", seed) for name, seed in SPEAKER_SEEDS.items()
    ]
    assert trained_on.isdisjoint((speaker.pitch_hz, speaker.tract_length) for speaker in recorded)
