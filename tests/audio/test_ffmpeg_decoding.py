import io
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest
import soundfile

from benchmark.audio.channels import Channel
from benchmark.audio.decoding import UndecodableAudio, decode, open_audio
from benchmark.corpora.audio_sources import AudioFile
from tests.audio.conftest import Samples, refusal, tone
from tests.audio.conftest import encoded as encoded_by_libsndfile

SECONDS = 2.0
# Format, coding and sampling rate of what libsndfile refuses.
FORMS = {
    "m4a": ("ipod", "aac", 44_100),
    "mp4 with opus": ("mp4", "libopus", 48_000),
    "webm": ("webm", "libopus", 48_000),
    "matroska": ("matroska", "pcm_s16le", 16_000),
    "amr": ("amr", "libopencore_amrnb", 8_000),
    "aac": ("adts", "aac", 16_000),
    "wma": ("asf", "wmav2", 44_100),
    "flash": ("flv", "aac", 44_100),
    "wavpack": ("wv", "wavpack", 16_000),
}


def encoded(form: str, *channels: Samples, file: Path | None = None, **options: str) -> bytes:
    container_format, coding, rate = FORMS[form]
    samples = np.stack(channels or (tone(440, SECONDS, 0.3, rate),))
    layout = {1: "mono", 2: "stereo"}[len(samples)]
    buffer = io.BytesIO()
    with av.open(file or buffer, "w", format=container_format, options=options) as container:
        stream = container.add_stream(coding, rate=rate, layout=layout)
        assert isinstance(stream, av.AudioStream)
        stream.bit_rate = 12_200 if form == "amr" else 64_000
        whole = av.AudioFrame.from_ndarray(samples, format="fltp", layout=layout)
        whole.sample_rate, whole.pts, whole.time_base = rate, 0, Fraction(1, rate)
        context = stream.codec_context
        context.open()
        frame_size = context.frame_size or 1024
        converter = av.AudioResampler(context.format.name, context.layout.name, context.rate, frame_size)
        for frame in [*converter.resample(whole), *converter.resample(None), None]:
            for packet in stream.encode(frame):
                container.mux(packet)
    return file.read_bytes() if file else buffer.getvalue()


@pytest.mark.parametrize("form", FORMS)
def test_what_libsndfile_refuses_is_decoded_from_a_file_and_from_its_bytes(form: str, tmp_path: Path) -> None:
    content = encoded(form)
    with pytest.raises(soundfile.LibsndfileError):
        soundfile.info(io.BytesIO(content))
    path = tmp_path / "call.raw"
    path.write_bytes(content)
    waveform = decode(path)
    assert waveform.content_hash == decode(content).content_hash
    assert waveform.sampling_rate == FORMS[form][2]
    assert waveform.duration_s == pytest.approx(SECONDS, abs=0.13)
    spectrum = np.abs(np.fft.rfft(waveform.samples))
    assert np.argmax(spectrum) * waveform.sampling_rate / waveform.samples.size == pytest.approx(440, abs=2)
    assert waveform.samples.std() == pytest.approx(0.3 / 2**0.5, rel=0.25)


def test_a_lossless_coding_gives_the_same_samples_as_a_wav_file() -> None:
    samples = (np.round(tone(440) * 2**15) / 2**15).astype(np.float32)
    wav = encoded_by_libsndfile(samples)
    assert decode(encoded("matroska", samples)).content_hash == decode(wav).content_hash


def test_channels_are_averaged_or_chosen_as_in_other_formats() -> None:
    left, right = tone(440), tone(1000)
    content = encoded("matroska", left, right)
    np.testing.assert_allclose(decode(content).samples, (left + right) / 2, atol=1e-4)
    np.testing.assert_allclose(decode(content, Channel.RIGHT).samples, right, atol=1e-4)
    with open_audio(content) as stream:
        assert stream.channels == 2
    with pytest.raises(UndecodableAudio, match="no right one"):
        decode(encoded("webm"), Channel.RIGHT)
    assert "opposite phase" in refusal(encoded("matroska", left, -left))


def test_a_long_recording_comes_in_blocks() -> None:
    with open_audio(encoded("amr", tone(440, seconds=30, rate=8_000))) as stream:
        sizes = [block.size for block in stream.blocks]
    assert len(sizes) > 5
    assert sum(sizes) == pytest.approx(30 * 8_000, rel=0.01)


def test_a_clip_may_be_a_stretch_of_such_a_recording(tmp_path: Path) -> None:
    samples = tone(440)
    (tmp_path / "call.mka").write_bytes(encoded("matroska", samples))
    stretch = AudioFile(tmp_path / "call.mka", 0.5, 1.0).waveform()
    np.testing.assert_allclose(stretch.samples, samples[8_000:16_000], atol=1e-4)


@pytest.mark.parametrize("form", FORMS)
def test_a_part_of_a_file_is_not_passed_off_as_a_whole_one(form: str) -> None:
    content = encoded(form)
    for share in (0.3, 0.6, 0.9):
        assert "cut off" in refusal(content[: int(len(content) * share)])


def test_the_length_in_the_header_tells_how_much_is_missing(tmp_path: Path) -> None:
    content = encoded("mp4 with opus", file=tmp_path / "call.mp4", movflags="faststart")
    assert "of 2.0" in refusal(content[: len(content) // 2])


def test_a_film_without_sound_is_told() -> None:
    buffer = io.BytesIO()
    with av.open(buffer, "w", format="mp4") as container:
        stream = container.add_stream("mpeg4", rate=25, width=16, height=16, pix_fmt="yuv420p")
        picture = av.VideoFrame.from_ndarray(np.zeros((16, 16, 3), dtype=np.uint8), format="rgb24")
        for packet in [*stream.encode(picture), *stream.encode(None)]:
            container.mux(packet)
    assert refusal(buffer.getvalue()) == "It holds no sound."


@pytest.mark.parametrize(
    "beginning",
    [b"\0\0\0\x20ftypM4A ", b"\x1a\x45\xdf\xa3", b"\x30\x26\xb2\x75", b"\xff\xf1\x50\x80\x20\x1f\xfc", b"wvpk", b"FLV"],
)
def test_what_only_begins_like_a_recording_is_damaged(beginning: bytes) -> None:
    assert "damaged or was cut off" in refusal(beginning + bytes(2000))


def test_a_playlist_is_no_recording_and_opens_no_other_file(tmp_path: Path) -> None:
    (tmp_path / "secret.webm").write_bytes(encoded("webm"))
    for text in (f"ffconcat version 1.0\nfile {tmp_path}/secret.webm\n", f"#EXTM3U\n{tmp_path}/secret.webm\n"):
        assert "not audio in a known format" in refusal(text.encode())


def test_what_ffmpeg_lacks_is_named_with_what_converts_it() -> None:
    assert "AAC, which cannot be decoded here: convert it" in refusal(b"ADIF" + bytes(2000))
