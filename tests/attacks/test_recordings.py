"""Hostile recordings: headers, sizes, samples and containers that promise what they do not hold."""

import io
import os
import struct
from functools import cache, partial
from pathlib import Path
from random import Random
from typing import Any

import av
import numpy as np
import pytest
import soundfile

from benchmark.demo.files import registry_path
from tests.support.attacks import Arena, Attack, Kind, draw
from tests.support.hostile_tables import RATE, has_clip
from tests.support.hostile_texts import mutated

MODEL = registry_path().parent / "checkpoints" / "wav2vec2-four"
LIBSNDFILE = ("WAV", "FLAC", "OGG", "MP3", "AIFF", "CAF", "AU", "W64", "RF64", "NIST", "VOC")
FFMPEG = {
    "m4a": ("mp4", "aac"), "webm": ("webm", "libopus"), "mka": ("matroska", "aac"), "wma": ("asf", "wmav2"),
    "aac": ("adts", "aac"),
}  # fmt: skip
WORDS = (0, 1, 2, 3, 7, 8, 16, 24, 32, 64, 255, 1_000, 32_767, 32_768, 65_534, 65_535)
LONG_WORDS = (*WORDS, 8_000, 44_100, 768_001, 2**31 - 1, 2**31, 2**32 - 2, 2**32 - 1)
PLAYLISTS = (
    "#EXTM3U\n{}\n",
    "#EXTM3U\n#EXT-X-TARGETDURATION:1\n#EXTINF:1,\n{}\n#EXT-X-ENDLIST\n",
    "ffconcat version 1.0\nfile '{}'\n",
    "[playlist]\nFile1={}\nNumberOfEntries=1\n",
    "<asx><entry><ref href='{}'/></entry></asx>",
    "v=0\nc=IN IP4 127.0.0.1\nm=audio 9 RTP/AVP 0\na={}\n",
    "<?xml version='1.0'?><!DOCTYPE x [<!ENTITY e SYSTEM '{}'>]><MPD>&e;</MPD>",
    "RTSPtext\r\nrtsp://{}\r\n",
    "{}\n",
)
TARGETS = (
    "file:///etc/passwd",
    "/dev/zero",
    "http://127.0.0.1:9/a.ts",
    "concat:/etc/passwd|/etc/hosts",
    "subfile,,start,0,end,0,,:/dev/zero",
    "../precious/diary.txt",
    "crypto:/etc/passwd",
    "fd:0",
    "pipe:0",
)
ENDINGS = ("wav", "flac", "ogg", "mp3", "m4a", "webm", "amr", "aiff", "wma", "mp4", "opus", "m3u8", "sph", "aac")


def described(random: Random, folder: Path, content: bytes, ending: str) -> Attack:
    """Write a recording beside one that is whole, and describe both, or predict their emotions."""
    clips = folder / "clips" / "anger"
    clips.mkdir(parents=True, exist_ok=True)
    if content:
        (clips / f"bad.{ending}").write_bytes(content)
    soundfile.write(clips / "ok.wav", samples(2), RATE)
    channel = ("--channel", random.choice(("mix", "left", "right", "each")))
    if random.random() < 0.15:
        names = [f"clips/anger/bad.{ending}", "clips/anger/ok.wav"]
        return Attack(("predict", MODEL, *names, "--json", *channel), usable=is_answered)
    speech = random.choice(("--find-speech", "--no-find-speech", "--no-find-speech"))
    return Attack(("corpus", "folder:clips", "--json", speech, *channel), usable=has_clip)


def is_answered(result: Any) -> bool:
    return all(timeline["windows"] for timeline in result["timelines"])


@cache
def samples(channels: int) -> Any:
    return np.random.default_rng(0).normal(0, 0.1, (RATE, channels)).astype(np.float32)


@cache
def encoded(format: str) -> bytes:
    """A recording of a second in a format of libsndfile or FFmpeg."""
    buffer = io.BytesIO()
    if format not in FFMPEG:
        soundfile.write(buffer, samples(2 if format != "MP3" else 1), RATE, format=format)
        return buffer.getvalue()
    container, codec = FFMPEG[format]
    with av.open(buffer, "w", format=container) as output:
        rate = 44_100 if codec == "wmav2" else 48_000
        stream: Any = output.add_stream(codec, rate=rate, layout="mono", options={"b": "64000"})
        for start in range(0, rate, 960):
            sound = np.sin(np.arange(start, start + 960, dtype=np.float32) / 20)[None] / 3
            frame = av.AudioFrame.from_ndarray(sound, format="fltp", layout="mono")
            frame.sample_rate, frame.pts = rate, start
            output.mux(stream.encode(frame))
        output.mux(stream.encode(None))
    return buffer.getvalue()


@cache
def amr() -> bytes:
    """Frames of silence in the narrow-band coding of mobile phones."""
    return b"#!AMR\n" + (b"\x3c" + bytes(31)) * 50


def damaged(format: str, random: Random, folder: Path) -> Attack:
    """Bytes of a recording changed: in its head, anywhere, or its end cut off."""
    content = amr() if format == "amr" else encoded(format)
    head = random.choice((64, 256, 1_024))
    match random.randrange(4):
        case 0 | 1:
            content = mutated(content[:head], random) + content[head:]
        case 2:
            content = mutated(content, random)
        case _:
            content = content[: random.randrange(1, len(content))]
    return described(random, folder, content or b"\0", random.choice((format.lower(), random.choice(ENDINGS))))


def wav_header(random: Random, folder: Path) -> Attack:
    """A header of WAV whose numbers contradict each other and the file."""
    data = samples(1).tobytes()[: random.choice((0, 1, 2, 3, 1_000, 32_000))]
    coding = random.choice((1, 1, 1, 3, 3, 6, 7, 2, 17, 49, 85, 255, 65_534, *WORDS))
    format = struct.pack(
        "<HHIIHH",
        coding, random.choice((1, 1, 2, *WORDS)), random.choice((RATE, RATE, *LONG_WORDS)), random.choice(LONG_WORDS),
        random.choice((2, 4, *WORDS)), random.choice((16, 32, *WORDS)),
    )  # fmt: skip
    chunks = [(b"fmt ", format), (b"data", data)]
    if random.random() < 0.4:
        chunks.insert(
            random.randrange(3),
            (
                random.choice((b"LIST", b"fact", b"cue ", b"data", b"fmt ", b"\0\0\0\0", b"bext")),
                random.randbytes(random.choice((0, 4, 999))),
            ),
        )
    body = b"WAVE"
    for name, content in chunks:
        size = len(content) if random.random() < 0.7 else random.choice(LONG_WORDS)
        body += name + struct.pack("<I", size) + content + b"\0" * (len(content) % 2)
    size = len(body) if random.random() < 0.7 else random.choice(LONG_WORDS)
    return described(
        random, folder, random.choice((b"RIFF", b"RIFF", b"RF64", b"RIFX", b"FFIR")) + struct.pack("<I", size) + body,
        "wav",
    )  # fmt: skip


def many_chunks(random: Random, folder: Path) -> Attack:
    """A header of many pieces before the sound."""
    whole = encoded("WAV")
    pieces = (b"junk" + struct.pack("<I", 0)) * (300_000 + random.randrange(1_000))
    body = whole[8:36] + pieces + whole[36:]
    return described(random, folder, b"RIFF" + struct.pack("<I", len(body)) + body, "wav")


def strange_samples(random: Random, folder: Path) -> Attack:
    """Samples that are no sound: not a number, infinite, huge, tiny, or opposite on two channels."""
    sound = np.array(samples(2))
    value = random.choice((np.nan, np.inf, -np.inf, 3e38, 1e-45, 1e30, 0.0, 2e9))
    sound[random.sample(range(RATE), random.choice((1, 100, RATE)))] = value
    if random.random() < 0.3:
        sound[:, 1] = -sound[:, 0]
    buffer = io.BytesIO()
    rate = random.choice((1, 999, 1_000, 8_000, 192_000, 1_000_000, 1_000_001, 2**31 - 1))
    soundfile.write(buffer, sound, rate, format=random.choice(("WAV", "CAF", "AU")), subtype="FLOAT")
    return described(random, folder, buffer.getvalue(), "wav")


def many_channels(random: Random, folder: Path) -> Attack:
    buffer = io.BytesIO()
    soundfile.write(
        buffer, np.zeros((random.randrange(1, 300), random.choice((9, 64, 255, 1_024))), np.int16), RATE, format="WAV"
    )
    return described(random, folder, buffer.getvalue(), "wav")


def sparse(random: Random, folder: Path) -> Attack:
    """A beginning of a recording, and then gigabytes that take no room on the disk."""
    ending = random.choice(("mp3", "wav", "flac", "m4a", "ogg", "aiff", "amr", "webm"))
    format = {"mp3": "MP3", "wav": "WAV", "flac": "FLAC", "ogg": "OGG", "aiff": "AIFF"}.get(ending, ending)
    size = random.choice((4, 20, 60)) * 10**9 + random.randrange(1_000)
    content = amr() if format == "amr" else encoded(format)
    if ending == "wav" and random.random() < 0.7:
        content = (
            content[:4]
            + struct.pack("<I", min(size, 2**32 - 2))
            + content[8:40]
            + struct.pack("<I", min(size - 44, 2**32 - 46))
        )
    attack = described(random, folder, random.choice((content, content, b"\0")), ending)
    os.truncate(folder / "clips" / "anger" / f"bad.{ending}", size)
    return attack


def long_silence(random: Random, folder: Path) -> Attack:
    """A small file of half an hour; to search three hours for speech takes a minute of work, which is no hang."""
    attack = described(random, folder, b"\0", "flac")
    channels, rate = random.choice(((1, 16_000), (8, 96_000), (2, 655_350)))
    with soundfile.SoundFile(folder / "clips" / "anger" / "bad.flac", "w", rate, channels, format="FLAC") as file:
        for _ in range(random.randrange(25, 35)):
            file.write(np.zeros((1_000_000 // channels, channels), np.int16))
    return attack


def tags(random: Random, folder: Path) -> Attack:
    """Tags before an MP3 whose sizes are wrong, or that never end."""
    size = random.choice((0, 10, 2**28 - 1, 5_000_000))
    head = b"ID3" + bytes((random.choice((2, 3, 4, 255)), 0, random.randrange(256)))
    head += bytes(size >> shift & 127 for shift in (21, 14, 7, 0))
    content = head + random.randbytes(random.choice((0, 10, 5_000_000))) + encoded("MP3")
    return described(random, folder, head * random.choice((0, 1, 50_000)) + content, "mp3")


def playlist(random: Random, folder: Path) -> Attack:
    content = random.choice(PLAYLISTS).format(random.choice(TARGETS)) + f"# {random.random()}\n"
    return described(random, folder, content.encode(), random.choice(ENDINGS))


def box(name: bytes, content: bytes, size: int | None = None) -> bytes:
    return struct.pack(">I4s", len(content) + 8 if size is None else size, name) + content


def boxes(random: Random, folder: Path) -> Attack:
    """Boxes of MPEG-4 inside each other, of sizes that lie, with references to other files."""
    content = random.randbytes(16)
    for _ in range(random.choice((3, 10, 5_000))):
        name = random.choice(
            (b"moov", b"trak", b"mdia", b"minf", b"stbl", b"stsd", b"udta", b"meta", b"dinf", b"dref", b"url ")
        )
        content = box(name, content, random.choice((None, None, None, 0, 1, 7, 8, 2**32 - 1)))
    start = box(b"ftyp", b"M4A \0\0\2\0isomiso2")
    url = box(b"dinf", box(b"dref", bytes(7) + b"\1" + box(b"url ", bytes(4) + b"file:///etc/passwd\0")))
    return described(random, folder, start + url + content + encoded("m4a")[len(start) :], "m4a")


def not_audio(random: Random, folder: Path) -> Attack:
    contents = (
        b"\0",
        b"RIFF",
        b"fLaC",
        b"OggS",
        b"ID3",
        b"\xff\xfb",
        b"MZ" + bytes(500),
        b"\x7fELF" + bytes(500),
        b"PK\3\4" + bytes(500),
        b"version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 9\n",
        b"\x1a\x45\xdf\xa3" + b"\1\xff\xff\xff\xff\xff\xff\xff" * 99,
        b"#!AMR\n" + b"\xff" * 99,
        b"FLV\1" + bytes(99),
        b"caff" + bytes(99),
        b"wvpk" + bytes(99),
        b"MAC " + bytes(99),
        b"\x30\x26\xb2\x75" + bytes(99),
    )
    return described(
        random, folder, random.choice(contents) + random.randbytes(random.choice((0, 1, 1_000))), random.choice(ENDINGS)
    )


def special_files(random: Random, folder: Path) -> Attack:
    """Files of a folder that are none: pipes, devices, circles, and folders with the name of a recording."""
    attack = described(random, folder, b"", random.choice(ENDINGS))
    clips = folder / "clips" / "anger"
    for number in range(random.randrange(1, 5)):
        path = clips / f"bad{number}.{random.choice(ENDINGS)}"
        match random.randrange(5):
            case 0:
                os.mkfifo(path)
            case 1:
                path.symlink_to(
                    random.choice(
                        ("/dev/zero", "/dev/random", "/dev/stdin", "/proc/self/mem", "/proc/kmsg", "/etc/passwd")
                    )
                )
            case 2:
                path.symlink_to(path.name)
            case 3:
                path.mkdir()
                (path / "up").symlink_to(folder)
            case _:
                path.symlink_to(folder.parent / "precious")
    return attack


def names(random: Random, folder: Path) -> Attack:
    """Names of files and folders that are no text, or markup, or commands."""
    attack = described(random, folder, b"", "wav")
    whole = (folder / "clips" / "anger" / "ok.wav").read_bytes()
    for _ in range(6):
        name = random.choice(
            (
                b"\xff\xfe",
                b"\x1b[31m",
                b"<b>x",
                b"$(touch canary)",
                b"a\nb",
                b"\xe2\x80\xaeevil",
                b"-rf",
                b"x" * 240,
                b"%s%n",
                b"=1+1",
                b"`id`",
                b"\x07",
            )
        )
        place = folder / "clips" / random.choice(("anger", "sadness", os.fsdecode(name)))
        place.mkdir(parents=True, exist_ok=True)
        (place / f"{os.fsdecode(name)}.wav").write_bytes(whole)
    return attack


KINDS: dict[str, Kind] = {
    **{f"damaged-{format.lower()}": partial(damaged, format) for format in (*LIBSNDFILE, *FFMPEG, "amr")},
    "wav-header": wav_header, "wav-header-2": wav_header, "wav-header-3": wav_header, "many-chunks": many_chunks,
    "samples": strange_samples, "channels": many_channels, "sparse": sparse, "silence": long_silence, "tags": tags,
    "playlist": playlist, "boxes": boxes, "not-audio": not_audio, "special-files": special_files, "names": names,
}  # fmt: skip


@pytest.mark.parametrize(("make", "seed"), draw(KINDS, 0.2))
def test_a_hostile_recording_is_one_failed_clip(make: Kind, seed: str, arena: Arena) -> None:
    arena.withstands(make, seed)
