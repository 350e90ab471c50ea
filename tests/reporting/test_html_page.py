import os
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Locator, Page, ViewportSize, expect

from benchmark.reporting import numbers
from benchmark.reporting.html_page.page import leaderboard_html
from benchmark.results.leaderboard import Leaderboard
from performance.leaderboard_page import large_leaderboard
from scripts.chromium import find_chromium, open_chromium
from tests.support.finished_runs import FinishedRun, corpus, verification
from tests.support.report_pages import HOSTILE, hostile_page, usual_page, write_page

DESKTOP = ViewportSize(width=1280, height=900)
PHONE = ViewportSize(width=375, height=740)
EVALUATED = {"wav2vec2-english", "hubert-german", "hubert-always-neutral"}


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    executable = find_chromium()
    if executable is None:
        reason = "there is no Chromium here; install one (Debian: apt-get install chromium) or set BENCH_CHROMIUM"
        if os.environ.get("BENCH_REQUIRE_BROWSER"):
            pytest.fail(reason)
        pytest.skip(reason)
    with open_chromium(executable) as browser:
        yield browser


@dataclass
class Opened:
    """A page in a browser, with its messages on the console and its requests."""

    path: Path
    page: Page
    complaints: list[str] = field(default_factory=list)
    requests: list[str] = field(default_factory=list)

    def rows(self) -> Locator:
        return self.page.locator("#board tbody tr")

    def column(self, title: str) -> list[str]:
        titles = [text.strip() for text in self.page.locator("#board thead th").all_inner_texts()]
        number = titles.index(title) + 1
        return self.page.locator(f"#board tbody tr > :nth-child({number})").all_inner_texts()

    def go(self, anchor: str) -> None:
        """Follow a link within the page, which is not loaded again."""
        self.page.goto(self.path.as_uri() + anchor)

    def start_again(self) -> None:
        """Show what a reader sees first: everything, in the order of the ranking."""
        self.go("#overview")
        corpora = self.page.get_by_label("Corpus", exact=True)
        self.page.get_by_role("button", name="Reset").click()
        corpora.select_option(index=1)
        corpora.select_option(index=0)
        self.page.evaluate("window.scrollTo(0, 0); document.activeElement.blur()")
        self.page.mouse.move(0, 0)
        expect(self.page.locator("#plot svg").first).to_be_visible()
        self.settle()

    def settle(self) -> None:
        """Wait for two frames: events of scrolling, which hides hints, come before a frame is drawn."""
        self.page.evaluate("new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))")


OpenPage = Callable[[Path], Opened]


@pytest.fixture(scope="module")
def open_page(chromium: Browser) -> OpenPage:
    def opening(path: Path) -> Opened:
        opened = Opened(path, chromium.new_page(viewport=DESKTOP, color_scheme="light"))
        opened.page.on("console", lambda message: opened.complaints.append(message.text))
        opened.page.on("pageerror", lambda error: opened.complaints.append(str(error)))
        opened.page.on("request", lambda request: opened.requests.append(request.url))
        opened.page.goto(path.as_uri())
        return opened

    return opening


@pytest.fixture(scope="module")
def demo_page(open_page: OpenPage, tmp_path_factory: pytest.TempPathFactory) -> Opened:
    return open_page(usual_page(tmp_path_factory.mktemp("demo")))


@pytest.fixture
def demo(demo_page: Opened) -> Opened:
    """The page of a usual run, loaded once for all tests."""
    demo_page.start_again()
    return demo_page


@pytest.fixture(scope="module")
def hostile(open_page: OpenPage, tmp_path_factory: pytest.TempPathFactory) -> Opened:
    return open_page(hostile_page(tmp_path_factory.mktemp("hostile")))


@pytest.fixture(scope="module")
def real(open_page: OpenPage, demo_run: Path) -> Opened:
    """The page of a run of real models, which other tests share."""
    return open_page(demo_run / "reports" / "leaderboard.html")


def written(leaderboard: Leaderboard, folder: Path) -> Path:
    path = folder / "leaderboard.html"
    path.write_text(leaderboard_html(leaderboard, folder), encoding="utf-8")
    return path


@pytest.mark.parametrize("name", ["demo", "real"])
def test_a_page_opens_sorts_and_shows_a_candidate_without_a_complaint_or_a_request(
    name: str, request: pytest.FixtureRequest
) -> None:
    opened: Opened = request.getfixturevalue(name)
    page = opened.page
    expect(page.locator("#plot svg").first).to_be_visible()
    best = opened.column("UAR")[0]
    page.get_by_role("button", name="UAR", exact=True).click()
    page.get_by_role("button", name="UAR", exact=True).click()
    assert page.locator("#board th[aria-sort]", has_text="UAR").first.get_attribute("aria-sort") == "ascending"
    scores = [float(text.split()[0]) for text in opened.column("UAR")]
    assert scores == sorted(scores)
    assert best in opened.column("UAR")
    opened.rows().first.get_by_role("link").click()
    expect(page.get_by_role("heading", name="What it takes for what")).to_be_visible()
    expect(page.get_by_role("heading", name="What the verdict rests on")).to_be_visible()
    page.go_back()
    expect(opened.rows().first).to_be_visible()
    assert opened.complaints == []
    assert [url for url in opened.requests if not url.startswith((opened.path.as_uri(), "data:audio"))] == []


def assert_plays(audio: Locator) -> None:
    audio.evaluate("(audio) => audio.play()")
    audio.page.wait_for_function("(audio) => audio.currentTime > 0", arg=audio.element_handle())
    assert audio.evaluate("(audio) => audio.duration") > 1


def test_recordings_that_are_embedded_play(demo: Opened) -> None:
    audio = demo.page.locator("#clips audio").first
    assert str(audio.get_attribute("src")).startswith("data:audio/flac;base64,")
    assert_plays(audio)
    assert demo.complaints == []
    expect(demo.page.locator("footer")).to_contain_text(re.compile(r"holds \d+ recordings: who gets the page"))


def test_recordings_that_are_linked_play_from_their_files_and_say_if_they_are_gone(
    hostile: Opened, open_page: OpenPage, tmp_path: Path
) -> None:
    audio = hostile.page.locator("#clips audio[src^='../']").first
    assert re.fullmatch(r"\.\./recordings/\d+%20%231%3F%2520%20javascript%3A\.wav", str(audio.get_attribute("src")))
    assert_plays(audio)
    assert hostile.complaints == []
    alone = tmp_path / "sent" / "leaderboard.html"
    alone.parent.mkdir()
    alone.write_bytes(hostile.path.read_bytes())
    opened = open_page(alone)
    player = opened.page.locator("#clips .player", has=opened.page.locator("audio[src^='../']")).first
    player.locator("audio").evaluate("(audio) => audio.load() || audio.play().catch(() => null)")
    expect(player.get_by_text("cannot be played")).to_be_visible()


def test_ranges_of_ranks_are_shown_and_what_comes_from_outside_stays_text_everywhere(hostile: Opened) -> None:
    page = hostile.page
    assert hostile.column("rank") == [f"1–{len(HOSTILE)}"] * len(HOSTILE)
    assert set(hostile.column("candidate")) == {text.replace("\u202e", "") for text in HOSTILE}
    for summary in page.locator("summary").all():
        summary.click()
    links = page.locator("a").evaluate_all("(links) => links.map((link) => link.getAttribute('href'))")
    assert [href for href in links if not re.match(r"#|\.\./recordings/", href)] == []
    for number in range(len(HOSTILE) * 2):
        hostile.go(f"#candidate-{number}")
        expect(page.locator("#candidate-title")).to_contain_text(HOSTILE[number % len(HOSTILE)].replace("\u202e", ""))
    hostile.go("#candidate-99")
    expect(hostile.rows().first).to_be_visible()
    assert page.title() == "Speech-emotion leaderboard"
    assert "\u202e" not in page.locator("body").inner_text()
    assert page.locator("body img, body b b, body iframe").count() == 0
    assert hostile.complaints == []


def test_filters_say_how_many_rows_are_left(demo: Opened) -> None:
    page = demo.page
    assert demo.rows().count() == 3
    page.get_by_label("Search", exact=True).fill("german")
    assert demo.column("candidate") == ["hubert-german"]
    expect(page.get_by_role("status")).to_have_text("1 of 3 rows on demo; 0 of 1 candidate not evaluated.")
    page.get_by_label("Search", exact=True).fill("Freude")  # what one of its labels is called
    assert demo.column("candidate") == ["hubert-german"]
    page.get_by_role("button", name="Reset").click()
    assert demo.rows().count() == 3
    page.get_by_label("Status", exact=True).select_option("wrong-task")
    assert demo.rows().count() == 0
    expect(page.locator("#others tbody tr")).to_have_count(1)
    page.get_by_role("button", name="Reset").click()
    page.get_by_label("Emotions", exact=True).select_option("at least 7")
    assert set(demo.column("candidate")) == EVALUATED


def test_without_labels_there_are_answers_and_agreement_and_no_scores(demo: Opened) -> None:
    page = demo.page
    page.get_by_label("Corpus", exact=True).select_option("demo-unlabelled")
    titles = {text.strip() for text in page.locator("#board thead th").all_inner_texts()}
    assert {"UAR", "rank", "top answer"} & titles == {"top answer"}
    expect(page.locator("#plot-section")).to_be_hidden()
    expect(page.get_by_role("tab")).to_have_text(["Most disagreed on"])
    expect(page.get_by_role("heading", name="What they answer, and how far they agree")).to_be_visible()
    demo.rows().first.get_by_role("link").click()
    expect(page.get_by_role("heading", name="What it answers", exact=True)).to_be_visible()
    expect(page.get_by_role("heading", name="What it takes for what")).to_have_count(0)
    assert demo.complaints == []


def test_what_answers_always_the_same_is_not_on_the_front_and_the_plot_shows_guessing(demo: Opened) -> None:
    plot = demo.page.locator("#plot")
    plot.locator("summary").click()
    fronts = {
        row.get_by_role("link").inner_text(): row.locator("td").last.inner_text()
        for row in plot.locator("tbody tr").all()
    }
    assert fronts == {
        "hubert-german": "on the front",
        "wav2vec2-english": "on the front",
        "hubert-always-neutral": "never recommended",
    }
    expect(plot.locator("caption")).to_contain_text("; guessing gives 0.25")
    assert demo.complaints == []


def test_flags_are_explained_on_focus_and_in_text(demo: Opened) -> None:
    page = demo.page
    chip = page.locator("#board .chip", has_text="collapsed")
    chip.scroll_into_view_if_needed()
    demo.settle()
    chip.focus()
    expect(page.get_by_role("tooltip")).to_contain_text("answers are one emotion")
    assert chip.get_attribute("aria-describedby") == "hint"
    page.keyboard.press("Escape")
    expect(page.get_by_role("tooltip")).to_be_hidden()
    chip.hover()
    expect(page.get_by_role("tooltip")).to_be_visible()
    expect(page.locator(".legend")).to_contain_text("collapsed: At least 90 %")


def test_everything_can_be_reached_with_the_keyboard(demo: Opened) -> None:
    page = demo.page
    page.reload()  # so that the first key comes before everything else
    focused = page.locator(":focus")
    page.keyboard.press("Tab")
    expect(focused).to_have_text("Skip to the table")
    page.keyboard.press("Enter")
    for label in ("corpus", "text", "emotions", "status"):
        page.keyboard.press("Tab")
        expect(focused).to_have_attribute("name", label)
    page.keyboard.press("Tab")
    expect(focused).to_have_text("Reset")
    page.keyboard.press("Tab")
    expect(focused).to_have_role("region")
    for title in ("rank", "candidate"):
        page.keyboard.press("Tab")
        expect(focused).to_have_text(title)
    page.keyboard.press("Enter")
    expect(page.locator("#board th", has_text="candidate")).to_have_attribute("aria-sort", "ascending")
    first = page.locator("#board tbody a").first
    name = first.inner_text()
    first.focus()
    page.keyboard.press("Enter")
    expect(focused).to_have_text(name)
    expect(focused).to_have_attribute("id", "candidate-title")
    page.get_by_role("tab").first.focus()
    page.keyboard.press("ArrowRight")
    expect(focused).to_have_text("demo-unlabelled")
    expect(focused).to_have_attribute("aria-selected", "true")
    page.keyboard.press("Home")
    expect(focused).to_have_text("demo")
    page.get_by_role("link", name="All candidates").focus()
    page.keyboard.press("Enter")
    expect(focused).to_have_text(name)


@pytest.mark.parametrize("anchor", ["#overview", "#candidate-0"])
def test_screen_readers_find_names_labels_and_headings(demo_page: Opened, anchor: str) -> None:
    demo_page.go(anchor)
    demo_page.page.locator("svg").first.wait_for(state="attached")
    demo_page.page.wait_for_timeout(300)
    for summary in demo_page.page.locator("summary:visible").all():
        summary.click()
    assert demo_page.page.evaluate(Path(__file__).with_name("page_structure.js").read_text("utf-8")) == []


@pytest.mark.parametrize("scheme", ["dark", "light"])
def test_light_and_dark_follow_the_reader_and_can_be_read(demo_page: Opened, scheme: str) -> None:
    page = demo_page.page
    page.emulate_media(color_scheme="dark" if scheme == "dark" else "light")
    background = page.evaluate("getComputedStyle(document.body).backgroundColor")
    brightness = sum(int(part) for part in re.findall(r"\d+", background)[:3]) / 3
    contrasts = page.evaluate(Path(__file__).with_name("page_contrasts.js").read_text("utf-8"))
    page.emulate_media(color_scheme="light")
    assert (brightness < 60) if scheme == "dark" else (brightness > 240)
    assert {pair: round(contrast, 2) for pair, contrast in contrasts.items() if contrast < 4.5} == {}


def test_a_phone_shows_all_of_it_without_scrolling_sideways(demo_page: Opened, hostile: Opened) -> None:
    for opened in (demo_page, hostile):
        opened.page.set_viewport_size(PHONE)
        for anchor in ("#overview", "#candidate-0"):
            opened.go(anchor)
            opened.page.wait_for_timeout(300)
            assert not opened.page.evaluate("document.documentElement.scrollWidth > window.innerWidth")
        opened.page.set_viewport_size(DESKTOP)


def test_on_paper_there_is_nothing_to_press(demo_page: Opened) -> None:
    demo_page.go("#overview")
    demo_page.page.emulate_media(media="print")
    expect(demo_page.page.locator("#filters")).to_be_hidden()
    expect(demo_page.page.locator("#board table")).to_be_visible()
    demo_page.page.emulate_media(media="screen")


@pytest.mark.parametrize("number", [1, 0])
def test_a_run_of_one_candidate_and_a_run_of_none_have_pages(open_page: OpenPage, tmp_path: Path, number: int) -> None:
    finished = FinishedRun(tmp_path / "cache", *([corpus()] if number else []))
    if number:
        finished.add(verification("alone"))
    record = finished.record(verifications=tuple(finished.verifications) or (verification("idle"),))
    opened = open_page(write_page(record, tmp_path, embed=0))
    assert opened.rows().count() == number
    expect(opened.page.locator("#others tbody tr")).to_have_count(1 - number)
    opened.page.wait_for_timeout(200)
    assert opened.complaints == []


def test_many_candidates_on_several_corpora_are_sorted_by_numbers(open_page: OpenPage, tmp_path: Path) -> None:
    opened = open_page(written(large_leaderboard(candidates=40, corpora=3), tmp_path))
    opened.rows().nth(39).wait_for()
    opened.page.get_by_role("button", name="p50 ms").click()
    times = [float(text.replace(",", "")) for text in opened.column("p50 ms")]
    assert times == sorted(times)
    opened.page.get_by_label("Corpus", exact=True).select_option("every corpus")
    assert opened.rows().count() == 120
    assert opened.complaints == []


FRACTIONS = (0, 1, 0.5, 0.125, 0.375, 0.715, 0.9949, 0.995, 0.997, 0.9995, 0.99999, 0.00049, 0.004, 0.005, 1 / 3)
AMOUNTS = (0, 0.042, 0.0995, 0.5, 1.005, 3.14159, 9.994, 9.995, 12.25, 42.04, 99.94, 99.96, 100.5, 101.5, 1234.5, 1e6)
WEIGHTS = (950, 4_300, 94_568_000, 315_438_000)


def test_numbers_are_written_as_in_the_other_reports(demo_page: Opened) -> None:
    def on_the_page(function: str, values: Sequence[float]) -> list[str]:
        return list(demo_page.page.evaluate(f"(values) => values.map(numbers.{function})", list(values)))

    assert on_the_page("fraction", FRACTIONS) == list(map(numbers.fraction, FRACTIONS))
    assert on_the_page("quantity", AMOUNTS) == list(map(numbers.quantity, AMOUNTS))
    assert on_the_page("milliseconds", AMOUNTS[1:]) == list(map(numbers.milliseconds, AMOUNTS[1:]))
    assert on_the_page("weights", WEIGHTS) == list(map(numbers.parameter_count, WEIGHTS))


def test_a_board_without_its_run_still_has_a_page(
    realistic_board: Leaderboard, open_page: OpenPage, tmp_path: Path
) -> None:
    opened = open_page(written(realistic_board, tmp_path))
    opened.rows().first.get_by_role("link").click()
    expect(opened.page.locator("#candidate-title")).to_be_visible()
    assert opened.complaints == []
