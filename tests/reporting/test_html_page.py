import csv
import os
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Locator, Page, ViewportSize, expect
from pylatexenc.latexwalker import LatexWalker

from benchmark.reporting import numbers
from benchmark.reporting.escaping import latex_text, plain_text
from benchmark.reporting.html_page.page import leaderboard_html
from benchmark.reporting.training import write_training
from benchmark.results.leaderboard import ALL_CORPORA, Leaderboard
from benchmark.results.runs import RaceStop
from performance.leaderboard_page import large_leaderboard
from scripts.chromium import find_chromium, open_chromium
from tests.support.accessibility import barriers
from tests.support.finished_runs import FinishedRun, corpus, verification
from tests.support.report_pages import HOSTILE, hostile_page, usual_page, write_page
from tests.support.trained_folders import demo_answers, fitted_record

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

    def unfold(self) -> None:
        """Open everything that is folded."""
        self.page.evaluate("document.querySelectorAll('details.fold').forEach((fold) => { fold.open = true; })")

    def start_again(self) -> None:
        """Show everything, unfolded, in the order of the ranking."""
        self.page.bring_to_front()  # behind another page, Chromium may draw no frames
        self.go("#overview")
        self.unfold()
        corpora = self.page.get_by_label("Corpus", exact=True)
        self.page.get_by_role("button", name="Reset").click()
        if self.page.locator("#board").locator("[aria-sort=ascending], [aria-sort=descending]").count():
            corpora.select_option(index=1)  # another corpus ends sorting
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


def address_without_clips(opened: Opened) -> None:
    names = ("label", "speaker", "candidate", "answer", "right")
    cleared = dict.fromkeys([*(f"clip-{name}" for name in names), "compare", "compare-show"], "")
    opened.page.evaluate("(cleared) => address.set(cleared)", cleared)


def assert_plays(audio: Locator) -> None:
    audio.evaluate("(audio) => audio.play()")
    audio.page.wait_for_function("(audio) => audio.currentTime > 0", arg=audio.element_handle())
    assert audio.evaluate("(audio) => audio.duration") > 1


def copied(opened: Opened, table: Locator, name: str) -> str:
    """What the clipboard holds after a press of a table's button."""
    opened.page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    below = table.locator("xpath=ancestor::div[contains(@class, 'scrolling')]/following-sibling::p[1]")
    below.get_by_role("button", name=f"Copy as {name}").click()
    expect(below.locator("[aria-live]")).to_have_text(f"{name} copied.")
    return str(opened.page.evaluate("navigator.clipboard.readText()"))


def test_tables_are_copied_as_csv_and_as_latex_as_they_are_shown(demo: Opened) -> None:
    table = demo.page.locator("#board table")
    demo.page.get_by_label("Corpus", exact=True).select_option(label="demo")
    rows = list(csv.reader(copied(demo, table, "CSV").splitlines()))
    assert rows[0][:2] == ["rank", "candidate"]
    place = rows[0].index("UAR")
    assert all(len(row) == len(rows[0]) for row in rows)
    assert {row[1] for row in rows[1:]} == EVALUATED
    assert all(re.fullmatch(r"0\.\d\d \[0\.\d\d–0\.\d\d\]", row[place]) for row in rows[1:])
    latex = copied(demo, table, "LaTeX")
    assert latex.startswith("\\begin{tabular}{")
    LatexWalker(latex, tolerant_parsing=False).get_latex_nodes()
    body = latex.partition("\\midrule")[2].partition("\\bottomrule")[0]
    assert body.count("\\\\\n") == len(rows) - 1
    written = demo.page.locator("section:visible .prose .scrolling table").first
    assert len(copied(demo, written, "CSV").splitlines()) == written.locator("tr").count()
    assert demo.complaints == []


def test_what_comes_from_outside_is_text_in_what_is_copied(hostile: Opened) -> None:
    hostile.go("#overview")
    table = hostile.page.locator("#board table")
    rows = list(csv.reader(copied(hostile, table, "CSV").splitlines()))
    place = rows[0].index("candidate")
    shown = {plain_text(name) for name in HOSTILE}
    assert {row[place] for row in rows[1:]} == shown
    latex = copied(hostile, table, "LaTeX")
    LatexWalker(latex, tolerant_parsing=False).get_latex_nodes()
    assert all(latex_text(name) in latex for name in HOSTILE)


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
    opened.unfold()
    player = opened.page.locator("#clips .player", has=opened.page.locator("audio[src^='../']")).first
    player.locator("audio").evaluate("(audio) => audio.load() || audio.play().catch(() => null)")
    expect(player.get_by_text("cannot be played")).to_be_visible()


def test_ranges_of_ranks_are_shown_and_what_comes_from_outside_stays_text_everywhere(hostile: Opened) -> None:
    page = hostile.page
    assert hostile.column("rank") == [f"1–{len(HOSTILE)}"] * len(HOSTILE)
    assert set(hostile.column("candidate")) == {text.replace("\u202e", "") for text in HOSTILE}
    page.evaluate("document.querySelectorAll('details').forEach((details) => { details.open = true; })")
    page.locator("#clips table").first.wait_for()
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
    expect(page.locator("#shown")).to_have_text("1 of 3 rows on demo; 0 of 1 candidate not evaluated.")
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


def test_contents_lead_to_sections_and_what_is_below_the_plot_is_folded(demo_page: Opened, open_page: OpenPage) -> None:
    opened = open_page(demo_page.path)
    page = opened.page
    expect(page.locator("#plot svg").first).to_be_visible()
    assert page.locator("details.fold").first.evaluate("(fold) => fold.getBoundingClientRect().top") < 2.5 * 900
    assert page.locator("details.fold[open]").count() == 0
    assert page.evaluate("[scrollY, location.hash]") == [0, ""]
    contents = page.get_by_role("navigation", name="Contents")
    titles = page.locator("#overview > section:visible h2").all_inner_texts()
    assert contents.get_by_role("link").all_inner_texts() == titles
    contents.get_by_role("link", name="How to read this").click()
    expect(page.locator(".legend")).to_be_visible()
    expect(page.locator(".legend")).to_be_in_viewport()
    page.close()


def test_an_address_shows_what_was_shown_where_it_was_copied(demo: Opened, open_page: OpenPage) -> None:
    demo.page.get_by_label("Search", exact=True).fill("hubert")
    demo.page.get_by_role("button", name="p50 ms").click()
    order = demo.column("candidate")
    assert len(order) == 2
    copy = open_page(demo.path)
    copy.go(demo.page.evaluate("location.hash"))
    copy.page.reload()
    assert copy.column("candidate") == order
    expect(copy.page.locator("#board th[aria-sort=ascending]")).to_have_text("p50 ms")
    copy.rows().first.get_by_role("link").click()
    copy.page.get_by_role("tab", name="demo-unlabelled").click()
    address = copy.page.evaluate("location.hash")
    copy.page.keyboard.press("Escape")
    expect(copy.rows()).to_have_count(2)
    expect(copy.page.get_by_label("Corpus", exact=True)).to_have_value("1")
    copy.go(address)
    copy.page.reload()
    expect(copy.page.locator("#candidate-title")).to_have_text(order[0])
    expect(copy.page.get_by_role("tab", selected=True)).to_have_text("demo-unlabelled")
    assert copy.complaints == []
    copy.page.close()


def test_all_clips_are_chosen_by_label_speaker_answer_and_who_is_right(demo: Opened, open_page: OpenPage) -> None:
    page = demo.page
    page.get_by_role("tab", name="All clips").click()
    fields = page.get_by_role("form", name="Choose clips")
    status = page.locator("#clips").get_by_role("status")
    clips = page.locator("#clips [role=tabpanel]:visible .clip")
    expect(status).to_have_text("72 of 72 clips.")
    fields.get_by_label("Label").select_option("neutral")
    fields.get_by_label("Speaker").select_option("s1")
    expect(status).to_have_text("3 of 72 clips.")
    assert all("/s1/" in name or "/1/" in name for name in clips.locator("h3").all_inner_texts())
    assert clips.locator("audio").count() == 3
    fields.get_by_label("Label").select_option("any")
    fields.get_by_label("Candidate").select_option("hubert-always-neutral")
    fields.get_by_label("Its answer is").select_option("right")
    expect(status).to_have_text("3 of 72 clips.")
    assert all("neutral" in name for name in clips.locator("h3").all_inner_texts())
    fields.get_by_label("Its answer is").select_option("wrong")
    expect(status).to_have_text("9 of 72 clips.")
    fields.get_by_label("Its answer", exact=True).select_option("neutral")
    expect(status).to_have_text("9 of 72 clips.")
    copy = open_page(demo.path)
    copy.go(page.evaluate("location.hash"))
    copy.page.reload()
    expect(copy.page.locator("#clips").get_by_role("status")).to_have_text("9 of 72 clips.")
    assert copy.complaints == []
    copy.page.close()
    address_without_clips(demo)


def test_two_candidates_stand_side_by_side_with_sound(demo: Opened, open_page: OpenPage) -> None:
    comparison = demo.page.locator("#comparison")
    comparison.get_by_label("First").select_option("wav2vec2-english")
    comparison.get_by_label("Second").select_option("hubert-always-neutral")
    status = comparison.get_by_role("status")
    words = re.match(
        r"They differ on (\d+) of 72 clips: wav2vec2-english alone is right on (\d+), "
        r"hubert-always-neutral alone on (\d+)\.",
        status.inner_text(),
    )
    assert words is not None
    differ, first, second = map(int, words.groups())
    assert differ >= first + second > 40
    comparison.get_by_label("Show").select_option("only the second is right")
    expect(comparison.locator("tbody tr")).to_have_count(second)
    answers = comparison.locator("tbody tr td:nth-child(4)").all_inner_texts()
    assert {answer.split()[0] for answer in answers} == {"neutral"}
    assert_plays(comparison.locator("audio").first)
    copy = open_page(demo.path)
    copy.go(demo.page.evaluate("location.hash"))
    copy.page.reload()
    expect(copy.page.locator("#comparison tbody tr")).to_have_count(second)
    expect(copy.page.locator("#comparison").get_by_role("status")).to_have_text(status.inner_text())
    assert copy.complaints == []
    copy.page.close()
    address_without_clips(demo)


def test_without_labels_there_are_answers_and_agreement_and_no_scores(demo: Opened) -> None:
    page = demo.page
    page.get_by_label("Corpus", exact=True).select_option("demo-unlabelled")
    titles = {text.strip() for text in page.locator("#board thead th").all_inner_texts()}
    assert {"UAR", "rank", "top answer"} & titles == {"top answer"}
    expect(page.locator("#plot-section")).to_be_hidden()
    expect(page.get_by_role("tab")).to_have_text(["Most disagreed on", "All clips"])
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
    expect(focused).to_have_role("group")
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
    assert barriers(demo_page.page) == []
    assert demo_page.page.evaluate(Path(__file__).with_name("page_structure.js").read_text("utf-8")) == []


def test_the_page_of_a_training_has_no_barriers(chromium: Browser, tmp_path: Path) -> None:
    answers = demo_answers()
    write_training(fitted_record(answers), answers, tmp_path)
    page = chromium.new_page(viewport=DESKTOP)
    page.goto((tmp_path / "training.html").as_uri())
    assert barriers(page) == []
    page.close()


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
            # A plot takes a while to become narrower.
            opened.page.wait_for_function("document.documentElement.scrollWidth <= window.innerWidth")
        opened.go("#overview")
        expect(opened.page.locator("#board .scrolling[data-scrolls]")).to_have_count(1)
        opened.page.set_viewport_size(DESKTOP)


def test_a_phone_shows_flags_without_scrolling_sideways(demo: Opened) -> None:
    demo.page.set_viewport_size(PHONE)
    collapsed = demo.rows().filter(has_text="hubert-always-neutral").locator("th .chip", has_text="collapsed")
    collapsed.scroll_into_view_if_needed()
    box = collapsed.bounding_box()
    demo.page.set_viewport_size(DESKTOP)
    assert box is not None
    assert box["x"] + box["width"] < PHONE["width"]
    expect(demo.page.locator("#board th .chip")).to_have_count(0)


def test_on_paper_there_is_nothing_to_press_and_nothing_is_folded(demo_page: Opened) -> None:
    demo_page.go("#overview")
    demo_page.page.evaluate(
        "document.querySelector('#legend details').open = false; dispatchEvent(new Event('beforeprint'))"
    )
    expect(demo_page.page.locator(".legend")).to_be_visible()
    demo_page.page.evaluate("dispatchEvent(new Event('afterprint'))")
    expect(demo_page.page.locator(".legend")).to_be_hidden()
    demo_page.page.emulate_media(media="print")
    expect(demo_page.page.locator("#filters")).to_be_hidden()
    expect(demo_page.page.locator("#board .copies")).to_be_hidden()
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
    board = large_leaderboard(candidates=40, corpora=3)
    summaries = [
        row.model_copy(update={"corpus": ALL_CORPORA, "adjusted_uar": 0.01 * place, "uar": None})
        for place, row in enumerate(board.rows[:40])
    ]
    update = {"rows": (*board.rows, *summaries), "summary_corpora": ("corpus-0", "corpus-1")}
    opened = open_page(written(board.model_copy(update=update), tmp_path))
    opened.rows().nth(39).wait_for()
    opened.page.get_by_role("button", name="overall").click()
    assert opened.column("overall")[:2] == ["0.39", "0.38"]
    assert opened.column("candidate")[0] == board.rows[39].candidate
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


def test_a_candidate_that_a_race_has_stopped_shows_where_in_place_of_its_score(
    open_page: OpenPage, tmp_path: Path
) -> None:
    whole = corpus("demo")
    clips = tuple(replace(clip, look=1 + (place % 3 > 0)) for place, clip in enumerate(whole.clips))
    run = FinishedRun(tmp_path / "cache", whole.model_copy(update={"clips": clips, "race": "speakers"}))
    run.add(verification("good"), wrong=0.1)
    run.add(verification("bad"), wrong=0.7)
    stopped = run.evaluations[1].model_copy(update={"stopped": RaceStop(look=1, leader="good")})
    opened = open_page(write_page(run.record(evaluations=(run.evaluations[0], stopped)), tmp_path, embed=0))
    words = f"stopped after {len(clips) // 3} of {len(clips)} clips"
    assert opened.column("UAR")[1] == words
    assert opened.column("rank") == ["1", "–\nnot ranked"]
    opened.rows().nth(1).get_by_role("link").click()
    expect(opened.page.locator("#candidate-title")).to_have_text("bad")
    expect(opened.page.get_by_role("tabpanel", name="demo").get_by_text(words, exact=True)).to_be_visible()
    assert opened.complaints == []
