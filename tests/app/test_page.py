"""The app in Chromium and through its endpoint: one `bench app` that all tests share, with nothing else in reach."""

import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import psutil
import pytest
import soundfile
from gradio_client import Client, handle_file
from gradio_client.exceptions import AppError
from playwright.sync_api import Browser, Page, expect

from benchmark.demo.files import demo_clips
from scripts.chromium import find_chromium, open_chromium

ROOT = Path(__file__).parents[2]
NOWHERE = "http://127.0.0.1:9"
IDLE_S = 4.0
PATIENT_MS = 30_000
expect.set_options(timeout=PATIENT_MS)
# Runs in the app and in all of its workers: notes who reaches for another machine, and lets nobody.
NO_NETWORK = """
import os, socket
look_up, connect = socket.getaddrinfo, socket.socket.connect
def refuse(host):
    if isinstance(host, bytes): host = host.decode()
    if host not in (None, "", "localhost", "127.0.0.1", "::1"):
        with open(os.environ["REACHED_FOR"], "a") as file: print(host, file=file)
        raise OSError("there is no network")
def guarded_look_up(host, *args, **kwargs):
    refuse(host)
    return look_up(host, *args, **kwargs)
def guarded_connect(self, address):
    if self.family in (socket.AF_INET, socket.AF_INET6): refuse(address[0])
    return connect(self, address)
socket.getaddrinfo, socket.socket.connect = guarded_look_up, guarded_connect
"""


@dataclass(frozen=True)
class App:
    """A running `bench app`."""

    process: "subprocess.Popen[str]"
    address: str
    candidates: list[str]
    pick: str
    reached_for: Path

    def models(self) -> int:
        """How many workers hold a model: the children of the fork server."""
        children = psutil.Process(self.process.pid).children(recursive=True)
        parents = [own.parent() for own in children]
        return sum("multiprocessing.forkserver" in " ".join(own.cmdline()) for own in parents if own is not None)


@pytest.fixture(scope="module")
def app(demo_run: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[App]:
    folder = tmp_path_factory.mktemp("app")
    (folder / "sitecustomize.py").write_text(NO_NETWORK)
    reached_for = folder / "reached.txt"
    reached_for.touch()
    environment = {
        **os.environ,
        "PYTHONPATH": f"{folder}{os.pathsep}{ROOT}",
        "BENCH_CACHE": str(demo_run / ".bench"),
        "REACHED_FOR": str(reached_for),
        "HTTP_PROXY": NOWHERE,
        "HTTPS_PROXY": NOWHERE,
        "ALL_PROXY": NOWHERE,
    }
    limits = ("--max-clip-mb", "4", "--max-minutes", "1.6", "--idle-seconds", str(IDLE_S))
    process = subprocess.Popen(
        [sys.executable, "-m", "benchmark", "app", "--json", *limits],
        cwd=folder,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=(folder / "errors.txt").open("w"),
        text=True,
    )
    assert process.stdout is not None
    lines: list[str] = []
    while not lines or lines[-1] not in {"}\n", ""}:
        lines.append(process.stdout.readline())
    errors = folder / "errors.txt"
    assert lines[-1], errors.read_text()
    ready = json.loads("".join(lines))
    yield App(process, ready["address"], ready["candidates"], ready["pick"], reached_for)
    process.send_signal(signal.SIGTERM)
    assert process.wait(30) == 0, errors.read_text()
    assert "Traceback" not in errors.read_text()
    assert list((demo_run / ".bench" / "temporary").glob("*")) == []


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    executable = find_chromium()
    if executable is None:
        if os.environ.get("BENCH_REQUIRE_BROWSER"):
            pytest.fail("there is no Chromium: install it, or name it with BENCH_CHROMIUM")
        pytest.skip("there is no Chromium")
    with open_chromium(executable) as browser:
        yield browser


@pytest.fixture(scope="module")
def page(app: App, browser: Browser) -> Page:
    page = browser.new_page(viewport={"width": 1400, "height": 900})
    page.set_default_timeout(PATIENT_MS)
    page.on("request", lambda request: requests.append(request.url))
    page.goto(app.address)
    return page


requests: list[str] = []


@pytest.fixture(scope="module")
def recordings(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("recordings")
    (voice,) = demo_clips("long")
    samples = np.resize(voice.waveform().samples, 16_000 * 200)
    for name, seconds in (("call", 90), ("endless", 100), ("huge", 200)):
        soundfile.write(folder / f"{name}.wav", samples[: 16_000 * seconds], 16_000)
    (folder / "broken.wav").write_bytes(b"RIFF this is no sound")
    return folder


def upload(page: Page, recording: Path) -> None:
    remove = page.get_by_label("Clear")
    if remove.count():
        remove.first.click()
        expect(page.get_by_text("Upload or record something")).to_be_visible()  # else that may come after the answer
    page.locator("input[type=file]").first.set_input_files(recording)


def test_an_upload_of_90_seconds_is_answered_with_a_timeline_by_the_pick_of_the_run(
    app: App, page: Page, recordings: Path
) -> None:
    upload(page, recordings / "call.wav")
    heading = page.locator(".bench h2")
    expect(heading).to_have_text(re.compile(r"^[a-z]+ \d+%$"))
    assert f"{app.pick} on call.wav, 1:30.0, 88 windows of 3 s" in page.locator(".bench").inner_text()
    assert page.locator(".bench .window").count() == 88
    page.get_by_text(re.compile(r"Timeline: \d+ stretches")).click()
    assert page.locator(".bench details[open] li").first.inner_text().startswith("0:00.0–")
    assert "Flags in the run of" in page.locator(".bench").inner_text()


def test_all_candidates_stand_side_by_side_and_can_be_saved(app: App, page: Page, tmp_path: Path) -> None:
    page.get_by_role("button", name="Ask all candidates").click()
    for name in app.candidates:
        expect(page.locator(".bench .row", has_text=f"{name}: ")).to_be_visible()
    with page.expect_download() as download:
        page.get_by_role("button", name="JSON").click()
    download.value.save_as(tmp_path / "saved.json")
    saved = json.loads((tmp_path / "saved.json").read_text())
    assert [timeline["model"] for timeline in saved["timelines"]] == app.candidates
    assert app.models() <= 3


@pytest.mark.parametrize(
    ("name", "sentence"),
    [
        ("broken.wav", "broken.wav: It is not audio in a known format"),
        ("endless.wav", "endless.wav is longer than 1.6 minutes"),
    ],
)
def test_a_recording_that_cannot_be_answered_gives_a_sentence(
    page: Page, recordings: Path, name: str, sentence: str
) -> None:
    upload(page, recordings / name)
    expect(page.locator(".bench [role=alert]")).to_have_text(re.compile(sentence))


def test_a_file_that_is_too_large_is_refused(page: Page, recordings: Path) -> None:
    upload(page, recordings / "huge.wav")
    expect(page.get_by_text(re.compile("maximum allowed size"))).to_be_visible()


def test_programs_ask_the_endpoint(app: App, recordings: Path) -> None:
    client = Client(app.address, verbose=False, analytics_enabled=False)
    answer = client.predict(handle_file(recordings / "call.wav"), "hubert-german", api_name="/predict")
    assert answer["candidate"] == "hubert-german"
    assert answer["emotion"] == max(answer["scores"], key=answer["scores"].get)
    assert sum(answer["scores"].values()) == pytest.approx(1)
    assert answer["stretches"][-1]["end_s"] == 90
    with pytest.raises(AppError, match="There is no candidate 'hubert-germn'; did you mean 'hubert-german'"):
        client.predict(handle_file(recordings / "call.wav"), "hubert-germn", api_name="/predict")
    with pytest.raises(AppError, match="fetches nothing"):
        client.predict({"path": f"{NOWHERE}/call.wav", "meta": {"_type": "gradio.FileData"}}, "", api_name="/predict")


def test_models_that_nobody_asks_are_closed_and_nothing_was_fetched_from_elsewhere(app: App) -> None:
    deadline = time.monotonic() + 3 * IDLE_S
    while app.models() and time.monotonic() < deadline:
        time.sleep(0.2)
    assert app.models() == 0
    assert app.reached_for.read_text() == ""
    assert {url.split("/")[2] for url in requests if "//" in url} == {app.address.split("/")[2]}
