"""Reading a corpus by the names of its files; files with other names are left out and listed."""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from benchmark.corpora.audio_sources import AudioFile
from benchmark.corpora.clips import Clip
from benchmark.corpora.folder import FolderContents, find_recordings
from benchmark.emotions.classes import label_codes
from benchmark.errors import RequestError
from benchmark.hub.repository_facts import storable
from benchmark.results.left_out import LeftOut, left_out


@dataclass(frozen=True, kw_only=True)
class Utterance:
    """What the name of a clip encodes.

    Attributes:
        label: The corpus's code for the emotion.
        sex: `female` or `male`.
        text_id: Identifies the sentence spoken.
        intensity: How strongly the emotion is played, in the corpus's own word.
    """

    label: str
    speaker: str
    sex: str | None = None
    text_id: str | None = None
    intensity: str | None = None


@dataclass(frozen=True)
class Excluded:
    """A file of the corpus that is no clip; files of one reason are counted together."""

    reason: str


Parsed = Utterance | Excluded | None


@dataclass(frozen=True, kw_only=True)
class Naming:
    """The naming rule of one corpus.

    Attributes:
        corpus: The kind of SPEC.
        form: What a name looks like, for users.
        parse: Parses a path below the corpus's folder; None where it does not follow the rule.
        codes: Code → canonical class; None for those that `emotions/codes.yaml` has under the name of the corpus.
    """

    corpus: str
    language: str
    form: str
    parse: Callable[[PurePosixPath], Parsed]
    codes: Mapping[str, str] | None = None

    def read(self, folder: Path) -> FolderContents:
        """Read all recordings below a folder, at any depth, whose names follow the rule; note those left out.

        Raises:
            RequestError: There is no such folder or no recording in it, or no name follows the rule.
        """
        clips: list[Clip] = []
        excluded: Counter[str] = Counter()
        strange: list[str] = []
        for path in find_recordings(folder, kind=self.corpus):
            name = path.relative_to(folder).as_posix()
            parsed = self.parse(PurePosixPath(name))
            if isinstance(parsed, Utterance):
                clips.append(Clip(name=storable(name), audio=AudioFile(path), language=self.language, **vars(parsed)))
            elif isinstance(parsed, Excluded):
                excluded[parsed.reason] += 1
            else:
                strange.append(name)
        if not clips:
            shown = strange[0] if strange else f"{excluded.total()} files, but {', '.join(excluded)}"
            raise RequestError(
                f"No recording in {folder} is named as in {self.corpus} ({self.form}); there is {shown}. "
                f"Check the path, or read the folder with `folder:{folder}`."
            )
        others = tuple(
            left_out("other-file", number, (), f"[file is|files are] no clips: {reason}", "not read")
            for reason, number in excluded.items()
        )
        codes = label_codes(self.corpus) if self.codes is None else self.codes
        left_out_files = others + strange_files(strange, self.form)
        return FolderContents(tuple(clips), codes=occurring_codes(codes, clips), left_out=left_out_files)


def strange_files(names: Sequence[str], form: str) -> tuple[LeftOut, ...]:
    """List the files that are not read because of their names."""
    if not names:
        return ()
    what = f"[file has|files have] a name that is not {form}"
    option = "--corpus folder:DIR"
    then = f"not read; {option} reads all"
    return (left_out("other-file", len(names), [storable(name) for name in names], what, then, option=option),)


def occurring_codes(codes: Mapping[str, str], clips: Iterable[Clip]) -> dict[str, str]:
    """Keep the codes that occur as a label or in votes."""
    present: set[str | None] = set()
    for clip in clips:
        present |= {clip.label, *(clip.votes or ())}
    return {code: emotion for code, emotion in codes.items() if code in present}
