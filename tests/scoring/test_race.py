"""A race's looks and decisions, on answers whose rightness is chosen."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime

import numpy as np
import pytest

from benchmark.errors import RequestError
from benchmark.results.environment import Environment
from benchmark.results.predictions import InferenceSetup, Prediction
from benchmark.results.runs import ClipRecord, CorpusRecord, EvaluationRecord, RaceKind, RaceStop, RunRecord
from benchmark.results.status import Status
from benchmark.results.verification import Verification
from benchmark.scoring.race import LOOKS, RaceJudge, deal_clips, require_race, worse_in_table

EMOTIONS = ("anger", "fear", "neutral", "sadness")


def clips_of(speakers: int, *, of_each: int = 8) -> tuple[ClipRecord, ...]:
    return tuple(
        ClipRecord(
            clip=f"{speaker}-{emotion}-{take}",
            clip_hash=f"{speaker}-{emotion}-{take}",
            duration_s=1.0,
            label=emotion,
            speaker=f"s{speaker:02}",
        )
        for speaker in range(speakers)
        for emotion in EMOTIONS
        for take in range(of_each)
    )


def corpus_of(*clips: ClipRecord) -> CorpusRecord:
    return CorpusRecord(name="corpus", source="", clips=clips, available_clips=len(clips))


@dataclass
class Contest:
    """Candidates that answer a given share of each emotion rightly, in a race on a corpus."""

    skills: Mapping[str, float]
    corpus: CorpusRecord = field(default_factory=lambda: corpus_of(*clips_of(10)))
    kind: RaceKind = "speakers"
    trained_on: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    trained_speakers: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    rank_seen: bool = False
    unanswered: Mapping[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.answers = {name: self._answers(name, skill) for name, skill in self.skills.items()}
        run = RunRecord(
            created=datetime.now(UTC),
            environment=Environment.here(),
            registry="",
            min_emotions=2,
            verifications=tuple(map(self._verification, self.skills)),
            corpora=(),
            evaluations=(),
        )
        self.judge = RaceJudge(
            kind=self.kind, run=run, predictions=lambda setup: self.answers[setup.candidate], rank_seen=self.rank_seen
        )
        self.planned = self.judge.plan(self.corpus)

    def stops(self, *, look: int = LOOKS - 1, racing: tuple[str, ...] = (), failed: str = "") -> dict[str, RaceStop]:
        records = [self._record(name, "It crashed." if name == failed else None) for name in self.skills]
        everybody = racing or tuple(self.skills)
        return self.judge.stops(self.planned, records, racing=everybody, entrants=len(self.skills), look=look)

    def _answers(self, name: str, skill: float) -> dict[str, Prediction]:
        generator = np.random.default_rng([7, *name.encode()])
        answers = {}
        for clip in self.corpus.clips:
            if clip.clip_hash is None or clip.clip == self.unanswered.get(name):
                continue
            truth = EMOTIONS.index(clip.label or "")
            own = truth if generator.random() < skill else (truth + 1) % len(EMOTIONS)
            logits = np.eye(len(EMOTIONS), dtype=np.float32)[own]
            answers[clip.clip_hash] = Prediction(
                clip_hash=clip.clip_hash, logits=logits, windows=1, failure=None, seconds=0.1
            )
        return answers

    def _verification(self, name: str) -> Verification:
        return Verification(
            candidate=name, id=name, revision="r1", status=Status.USABLE, reason="", labels=EMOTIONS, emotions=EMOTIONS,
            trained_on=self.trained_on.get(name), trained_speakers=self.trained_speakers.get(name),
        )  # fmt: skip

    def _record(self, name: str, failure: str | None) -> EvaluationRecord:
        setup = InferenceSetup(
            candidate=name, revision="r1", labels=EMOTIONS, head="standard", backend="torch", device="cpu",
            dtype="float32", window_s=30.0, versions={},
        )  # fmt: skip
        return EvaluationRecord(candidate=name, corpus="corpus", setup=setup, failure=failure)


def test_every_look_has_its_share_of_every_speaker_and_emotion() -> None:
    """24 speakers, of whom each says four clips of one emotion and eight of each other one, as in RAVDESS."""
    clips = [clip for clip in clips_of(24) if clip.label != "anger" or not clip.clip.endswith(("4", "5", "6", "7"))]
    emotions, speakers = [clip.label for clip in clips], [clip.speaker for clip in clips]
    looks = deal_clips(emotions, speakers, [clip.clip for clip in clips])
    shares = [float((looks <= look).mean()) for look in range(1, LOOKS + 1)]
    assert shares == pytest.approx([1 / 16, 1 / 8, 1 / 4, 1 / 2, 1], abs=0.005)
    for look, share in zip(range(1, LOOKS + 1), shares, strict=True):
        so_far = np.flatnonzero(looks <= look)
        by_speaker = Counter(speakers[place] for place in so_far)
        assert set(by_speaker.values()) <= {int(28 * share), int(np.ceil(28 * share)), round(28 * share) + 1}
        for emotion, clips_so_far in Counter(emotions[place] for place in so_far).items():
            assert clips_so_far / emotions.count(emotion) == pytest.approx(share, abs=0.05)


def test_speakers_with_as_many_clips_as_hands_do_not_all_begin_with_one_emotion() -> None:
    clips = clips_of(32, of_each=4)
    looks = deal_clips([clip.label for clip in clips], [clip.speaker for clip in clips], [clip.clip for clip in clips])
    first = Counter(clip.label for clip, look in zip(clips, looks, strict=True) if look == 1)
    assert min(first[emotion] for emotion in EMOTIONS) >= 4


def test_looks_do_not_depend_on_the_order_of_the_clips_and_begin_with_all_emotions() -> None:
    clips = [clip for clip in clips_of(12, of_each=1) if clip.label != "fear" or clip.speaker in {"s01", "s07"}]
    names = [clip.clip for clip in clips]
    looks = deal_clips([clip.label for clip in clips], [clip.speaker for clip in clips], names)
    backwards = deal_clips([clip.label for clip in clips[::-1]], [clip.speaker for clip in clips[::-1]], names[::-1])
    assert looks.tolist() == backwards[::-1].tolist()
    first = [clip for clip, look in zip(clips, looks, strict=True) if look == 1]
    for emotion in EMOTIONS:
        assert len({clip.speaker for clip in first if clip.label == emotion}) >= 2


def test_who_is_worse_leaves_and_who_may_be_as_good_stays() -> None:
    contest = Contest({"good": 0.8, "as-good": 0.79, "bad": 0.3})
    assert contest.stops() == {"bad": RaceStop(look=LOOKS - 1, leader="good")}
    assert contest.stops(racing=("good", "as-good")) == {}


def test_the_more_candidates_the_more_it_takes_to_stop_one() -> None:
    skills = {"good": 0.8, "worse": 0.6}
    crowd = {f"good-{number}": 0.8 for number in range(200)}
    assert set(Contest(skills).stops()) == {"worse"}
    assert set(Contest(skills | crowd).stops()) == set()


def test_a_table_is_decided_sooner() -> None:
    skills = {"good": 0.8, "worse": 0.6}
    kinds: tuple[RaceKind, ...] = ("speakers", "table")
    by_kind = {
        kind: [look for look in range(1, LOOKS) if Contest(skills, kind=kind).stops(look=look)] for kind in kinds
    }
    assert min(by_kind["table"]) < min(by_kind["speakers"])


def test_nothing_is_uncertain_once_a_table_is_full() -> None:
    emotions = np.repeat(np.arange(2), 50)
    correct = np.ones((2, 100), dtype=np.bool_)
    correct[1, 0] = False
    worse = worse_in_table(correct, emotions, np.array([50, 50]), [True, True], 2)
    assert worse is not None
    assert worse.are_worse.tolist() == [False, True]
    worse = worse_in_table(correct, emotions, np.array([80, 80]), [True, True], 2)
    assert worse is not None
    assert not worse.are_worse.any()


def test_who_was_trained_on_the_corpus_does_not_lead_unless_it_is_ranked() -> None:
    skills = {"seen": 0.95, "good": 0.7, "bad": 0.3}
    trained_on = {"seen": ("corpus",)}
    assert Contest(skills, trained_on=trained_on).stops() == {"bad": RaceStop(look=LOOKS - 1, leader="good")}
    assert set(Contest(skills, trained_on=trained_on, rank_seen=True).stops()) == {"good", "bad"}


def test_who_was_trained_on_some_speakers_leads_by_the_others() -> None:
    heard = ("s00", "s01")
    contest = Contest(
        {"partly": 0.9, "bad": 0.3}, trained_on={"partly": ("corpus",)}, trained_speakers={"partly": heard}
    )
    assert contest.stops() == {"bad": RaceStop(look=LOOKS - 1, leader="partly")}
    fewer = corpus_of(*clips_of(9))  # seven speakers remain, who are too few
    contest = Contest(
        {"partly": 0.9, "bad": 0.1}, fewer, trained_on={"partly": ("corpus",)}, trained_speakers={"partly": heard}
    )
    assert contest.stops() == {}


def test_who_lacks_an_answer_neither_leads_nor_leaves() -> None:
    skills = {"good": 0.9, "bad": 0.3}
    whole = Contest(skills)
    asked = next(clip.clip for clip in whole.planned.clips if clip.look == 1)
    unasked = next(clip.clip for clip in whole.planned.clips if clip.look == LOOKS)
    for name in skills:
        assert Contest(skills, unanswered={name: asked}).stops() == {}
        assert set(Contest(skills, unanswered={name: unasked}).stops()) == {"bad"}
    assert whole.stops(failed="good") == {}


def test_clips_without_emotion_or_speaker_are_asked_last_and_copies_together() -> None:
    clips = clips_of(10)
    copy = ClipRecord(clip="copy", clip_hash=clips[3].clip_hash, duration_s=1.0, label=clips[3].label, speaker="s00")
    other = [
        ClipRecord(clip="no-label", clip_hash="a", duration_s=1.0, speaker="s00"),
        ClipRecord(clip="no-speaker", clip_hash="b", duration_s=1.0, label="anger"),
        ClipRecord(clip="unreadable", clip_hash=None, duration_s=None, failure="no audio", label="anger"),
    ]
    looks = {clip.clip: clip.look for clip in Contest({"any": 0.5}, corpus_of(*clips, copy)).planned.clips}
    assert looks["copy"] == looks[clips[3].clip]
    judge = Contest({"any": 0.5}).judge
    looks = {clip.clip: clip.look for clip in judge.plan(corpus_of(*clips, *other)).clips}
    assert [looks[clip.clip] for clip in other] == [LOOKS, LOOKS, None]


def test_a_corpus_that_cannot_decide_is_refused() -> None:
    few = corpus_of(*clips_of(7))
    with pytest.raises(RequestError, match=r"needs 8 speakers .* names 7: .* --race table"):
        require_race("speakers", few)
    require_race("table", few)
    unlabelled = corpus_of(*(ClipRecord(clip="a", clip_hash="a", duration_s=1.0, speaker="s") for _ in range(2)))
    with pytest.raises(RequestError, match="0 emotions"):
        require_race("table", unlabelled)
