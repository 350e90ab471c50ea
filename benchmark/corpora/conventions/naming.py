"""What the conventions share: a name is taken apart, or the file is left out and named."""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath

from benchmark.corpora.clips import Clip, storable
from benchmark.corpora.folder import FolderContents, find_recordings
from benchmark.corpora.sources import AudioFile
from benchmark.emotions.classes import label_codes
from benchmark.errors import RequestError

_SHOWN_NAMES = 5


@dataclass(frozen=True, kw_only=True)
class Utterance:
    """What the name of a clip says.

    Attributes:
        label: The corpus's code for the emotion, as `Naming.codes` writes it.
        speaker: Who speaks.
        sex: `female` or `male`.
        text_id: What is said.
        intensity: How strongly it is played, in the corpus's own word.
    """

    label: str
    speaker: str
    sex: str | None = None
    text_id: str | None = None
    intensity: str | None = None


@dataclass(frozen=True)
class Excluded:
    """A file that belongs to the corpus and that is no clip, and why; files of one reason are told together."""

    reason: str


Parsed = Utterance | Excluded | None


@dataclass(frozen=True, kw_only=True)
class Naming:
    """The naming rule of one corpus.

    Attributes:
        corpus: The kind of SPEC.
        language: The language spoken.
        form: What a name looks like, for people.
        parse: Takes a path below the corpus's folder apart; None where it does not follow the rule.
        codes: What its codes mean: code → canonical class; None for those that `emotions/codes.yaml` has under the name
            of the corpus.
    """

    corpus: str
    language: str
    form: str
    parse: Callable[[PurePosixPath], Parsed]
    codes: Mapping[str, str] | None = None

    def read(self, folder: Path) -> FolderContents:
        """Read all recordings below a folder whose names follow the rule.

        Args:
            folder: Where to look, at any depth.

        Returns:
            The clips with the codes as labels, what the codes mean, and notes on files that were left out.

        Raises:
            RequestError: There is no such folder or no recording in it, or no name follows the rule.
        """
        paths = find_recordings(folder, kind=self.corpus)
        parsed = [(path, self.parse(PurePosixPath(path.relative_to(folder).as_posix()))) for path in paths]
        clips = tuple(self._clip(path, folder, said) for path, said in parsed if isinstance(said, Utterance))
        excluded = Counter(said.reason for _, said in parsed if isinstance(said, Excluded))
        strange = [path.relative_to(folder).as_posix() for path, said in parsed if said is None]
        if not clips:
            shown = strange[0] if strange else f"{len(paths)} files, but {', '.join(excluded)}"
            raise RequestError(
                f"No recording in {folder} is named as in {self.corpus} ({self.form}); there is {shown}. "
                f"Check the path, or read the folder with `folder:{folder}`."
            )
        notes = tuple(f"{number} files were left out: {reason}." for reason, number in excluded.items())
        codes = label_codes(self.corpus) if self.codes is None else self.codes
        return FolderContents(clips, notes + left_out(strange, self.form), occurring_codes(codes, clips))

    def _clip(self, path: Path, folder: Path, said: Utterance) -> Clip:
        return Clip(
            name=storable(path.relative_to(folder).as_posix()),
            audio=AudioFile(path),
            label=said.label,
            speaker=said.speaker,
            sex=said.sex,
            language=self.language,
            text_id=said.text_id,
            intensity=said.intensity,
        )


def left_out(names: list[str], form: str) -> tuple[str, ...]:
    """Tell which files were left out since their names do not follow the rule."""
    if not names:
        return ()
    shown = ", ".join(names[:_SHOWN_NAMES]) + (", …" if len(names) > _SHOWN_NAMES else "")
    files = "1 file was" if len(names) == 1 else f"{len(names)} files were"
    return (f"{files} left out, since the name is not {form}: {shown}.",)


def occurring_codes(codes: Mapping[str, str], clips: Iterable[Clip]) -> dict[str, str]:
    """What the codes that occur mean, as overrides of labels."""
    present = {clip.label for clip in clips} | {label for clip in clips for label in clip.votes or ()}
    return {code: emotion for code, emotion in codes.items() if code in present}


def with_sexes(contents: FolderContents, sexes: dict[str, str]) -> FolderContents:
    """The same clips with the sex of each speaker."""
    clips = tuple(replace(clip, sex=sexes.get(clip.speaker or "", clip.sex)) for clip in contents.clips)
    return replace(contents, clips=clips)
