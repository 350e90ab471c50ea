"""The registry as typed data: candidates, corpora and the checks of their fields."""

import re
import unicodedata
from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    PrivateAttr,
    StrictBool,
    StrictFloat,
    StrictInt,
    ValidationInfo,
    field_validator,
    model_validator,
)

from benchmark.audio.channels import ChannelChoice
from benchmark.emotions.aliases import resolve_emotion
from benchmark.emotions.merges import Merges
from benchmark.emotions.suggestions import did_you_mean
from benchmark.errors import RequestError
from benchmark.plugins import Group, plugin_names
from benchmark.registry import locations
from benchmark.registry.locations import is_hub_id, what_to_write
from benchmark.results.status import Status

COLUMN_ROLES = (
    *("file", "label", "speaker", "sex", "language", "text_id", "intensity"),
    *("start", "stop", "duration", "rater"),
)


_LANGUAGE = re.compile(r"[a-z]{2,3}(-[A-Za-z0-9]{2,8})*")


_CORPUS_NAME = re.compile(r"\w[\w.-]*")


def _one_line(text: str) -> str:
    line = " ".join(text.split())
    if not line:
        raise ValueError("it is empty; write something, or remove the field")
    if any(unicodedata.category(character) == "Cc" for character in line):
        raise ValueError("it holds control characters; remove them")
    return line


def _language(text: str) -> str:
    if _LANGUAGE.fullmatch(text) is None:
        raise ValueError(f"{text!r} is not a language code; write the ISO 639 code, such as en or ko")
    return text


def _emotion(text: str) -> str:
    try:
        return resolve_emotion(text)
    except RequestError as problem:
        raise ValueError(str(problem)) from problem


def _merges(merges: dict[str, str]) -> dict[str, str]:
    try:
        return Merges(merges).as_dict()
    except RequestError as problem:
        raise ValueError(str(problem)) from problem


def _some_speakers(speakers: tuple[str, ...]) -> tuple[str, ...]:
    # Not pydantic's min_length: that also complains where the only item is what is wrong.
    if not speakers:
        raise ValueError("the list is empty; name the speakers to take, or remove it to take all")
    return speakers


def _some_languages(languages: tuple[str, ...]) -> tuple[str, ...]:
    if not languages:
        raise ValueError("the list is empty; name the languages to take, or remove it to take all")
    return languages


def _some_labels(labels: tuple[str, ...]) -> tuple[str, ...]:
    if not labels:
        raise ValueError("the list is empty; name the labels to take, or remove it to take all")
    return labels


def _column_role(role: str) -> str:
    if role not in COLUMN_ROLES:
        hint = did_you_mean(role, COLUMN_ROLES) or f"; the columns are {', '.join(COLUMN_ROLES)}"
        raise ValueError(f"unknown column {role!r}{hint}")
    return role


def _corpus_name(name: str) -> str:
    if _CORPUS_NAME.fullmatch(name) is None:
        raise ValueError(f"{name!r} cannot name a corpus; use letters, digits, -, _ and . only")
    return name


Line = Annotated[str, AfterValidator(_one_line)]
"""One line of text without control characters, not empty."""


CorpusWord = Annotated[Line, AfterValidator(str.casefold)]
"""The plain lower-case name of a corpus."""


Language = Annotated[str, AfterValidator(_language)]
"""An ISO 639 code, which a region may follow."""


Emotion = Annotated[str, AfterValidator(_emotion)]
"""A canonical class, written as such or as any alias."""


MergeTable = Annotated[dict[str, str], AfterValidator(_merges)]
"""Class → the class it becomes in the end, canonical on both sides."""


Speakers = Annotated[tuple[str, ...], AfterValidator(_some_speakers)]
"""The only speakers to take, as the corpus writes them."""


Languages = Annotated[tuple[Language, ...], AfterValidator(_some_languages)]
"""The only languages to take."""


OnlyLabels = Annotated[tuple[str, ...], AfterValidator(_some_labels)]
"""The only labels to take, as the corpus writes them, or emotions."""


ColumnRole = Annotated[str, AfterValidator(_column_role)]
"""What a column of a table holds."""


CorpusName = Annotated[str, AfterValidator(_corpus_name)]
"""What tables and the command line call a corpus."""


VERSION = 1


FOLDER = "folder"
"""Key of the validation context: what relative paths are relative to; without it, the current folder."""


_DENSE_OUT = "dense-out"


Fraction = Annotated[StrictFloat | StrictInt, Field(ge=0, le=1)]


class Described(BaseModel):
    """A part of the registry: immutable; an unknown field is an error, and an empty one is absent."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    @model_validator(mode="before")
    @classmethod
    def _without_empty_fields(cls, fields: Any) -> Any:
        if not isinstance(fields, dict):
            return fields
        return {name: value for name, value in fields.items() if value is not None}


class Preprocessor(Described):
    """How audio is prepared for a model whose repository does not say it.

    Attributes:
        sampling_rate: What the model hears, in samples per second.
        do_normalize: Whether each clip is brought to zero mean and unit variance.
    """

    sampling_rate: StrictInt = Field(ge=1_000, le=768_000)
    do_normalize: StrictBool = True


class Head(Described):
    """A classification head that transformers has no class for.

    Attributes:
        kind: Its layout: `dense-out` is dense, activation, output; installed packages may add others.
        pooling: How frames become one vector before it.
        activation: What is between its two layers; checkpoints do not tell.
    """

    kind: str = _DENSE_OUT
    pooling: Literal["mean", "sum", "max"] = "mean"
    activation: Literal["tanh", "relu", "none"] = "tanh"

    @field_validator("kind")
    @classmethod
    def _known(cls, kind: str) -> str:
        known = (_DENSE_OUT, *plugin_names(Group.HEADS))
        if kind not in known:
            raise ValueError(f"unknown kind of head {kind!r}; known are {', '.join(known)}")
        return kind


class Published(Described):
    """A score that the authors have published, against which a repaired head can be confirmed.

    Attributes:
        corpus: The corpus it was measured on, by its plain lower-case name.
        uar: Unweighted average recall, a fraction.
        accuracy: Accuracy, a fraction.
    """

    corpus: CorpusWord
    uar: Fraction | None = None
    accuracy: Fraction | None = None

    @model_validator(mode="after")
    def _with_a_score(self) -> Self:
        if self.uar is None and self.accuracy is None:
            raise ValueError("a published score needs uar or accuracy, a fraction such as 0.82")
        return self


class Candidate(Described):
    """A model repository under test.

    Attributes:
        id: The Hub id, or the path as the registry writes it.
        name: What tables call it; the id, or the folder's name, where nothing else is given.
        revision: Branch, tag or sha on the Hub; None for its default branch.
        expect: The status that a person expects.
        languages: What it was made for, as ISO 639 codes.
        trained_on: Corpora it has seen, by their plain lower-case names; None where nothing is declared.
        labels: Label → canonical class, where the label does not say it itself.
        head: The layout of a head that transformers has no class for.
        preprocessor: How audio is prepared, where the repository does not say it.
        published: A score that its authors have published.
        note: One line for people.
    """

    id: Line
    name: Line = ""
    revision: Line | None = None
    expect: Status | None = None
    languages: tuple[Language, ...] = ()
    trained_on: tuple[CorpusWord, ...] | None = None
    labels: dict[str, Emotion] = Field(default_factory=dict)
    head: Head | None = None
    preprocessor: Preprocessor | None = None
    published: Published | None = None
    note: Line | None = None
    _local_path: Path | None = PrivateAttr(default=None)

    @property
    def local_path(self) -> Path | None:
        """The absolute path of a local candidate's folder; None for a repository on the Hub."""
        return self._local_path

    @field_validator("id")
    @classmethod
    def _is_path_or_hub_id(cls, candidate_id: str, info: ValidationInfo) -> str:
        if locations.local_path(candidate_id, _folder(info.context)) is None and not is_hub_id(candidate_id):
            raise ValueError(
                f"{candidate_id!r} is neither a folder nor a possible Hub id; {what_to_write(candidate_id)}"
            )
        return candidate_id

    @model_validator(mode="before")
    @classmethod
    def _with_a_name(cls, fields: Any, info: ValidationInfo) -> Any:
        if not isinstance(fields, dict) or not isinstance(fields.get("id"), str) or fields.get("name") is not None:
            return fields
        path = locations.local_path(fields["id"].strip(), _folder(info.context))
        written = Path(fields["id"].strip()).name
        name = fields["id"] if path is None else path.name if written in {"", "..", "~"} else written
        return fields | {"name": name}

    def model_post_init(self, context: Any, /) -> None:
        """Remember where a local candidate lies."""
        self._local_path = locations.local_path(self.id, _folder(context))


class CorpusEntry(Described):
    """A corpus that the registry names.

    Attributes:
        source: `folder:DIR`, `table:FILE`, a convention such as `ravdess:DIR`, `hf:ID[:split]`, or a bare path;
            relative paths are relative to the registry file.
        language: The language spoken, as an ISO 639 code.
        speakers: The only speakers to take; None takes all.
        languages: The only languages to take, where the corpus says of each clip which it is; None takes all.
        only_labels: The only labels, or emotions, to take; None takes all.
        sample: How many clips to take at most, each label with its share of the whole; None takes all.
        seed: Which sample.
        channel: What of recordings with several channels is heard: `mix`, `left`, `right`, or `each` as a clip.
        labels: Label → canonical class, where the label does not say it itself.
        merge: Class → the class it counts as.
        columns: What a column holds (`file`, `label`, `speaker`, `sex`, `language`, `text_id`, `intensity`, `start`,
            `stop`, `duration`, `rater`) → its name.
    """

    source: Line
    language: Language | None = None
    speakers: Speakers | None = None
    languages: Languages | None = None
    only_labels: OnlyLabels | None = None
    sample: StrictInt | None = Field(default=None, ge=1)
    seed: StrictInt = 0
    channel: ChannelChoice = ChannelChoice.MIX
    labels: dict[str, Emotion] = Field(default_factory=dict)
    merge: MergeTable = Field(default_factory=dict)
    columns: dict[ColumnRole, str] = Field(default_factory=dict)

    @property
    def merges(self) -> Merges:
        """The merges of this corpus."""
        return Merges(self.merge)

    def resolved_source(self, registry_folder: Path) -> str:
        """The source with an absolute path in it.

        Args:
            registry_folder: The folder of the registry file (`Registry.folder`).

        Returns:
            The source; what is on the Hub as it is.

        Raises:
            ValueError: The path cannot be followed.

        Examples:
            >>> CorpusEntry(source="folder:calls/2026").resolved_source(Path("/data"))
            'folder:/data/calls/2026'
        """
        return locations.resolved_source(self.source, registry_folder)

    @field_validator("source")
    @classmethod
    def _can_be_followed(cls, source: str, info: ValidationInfo) -> str:
        locations.resolved_source(source, _folder(info.context))
        return source


class RegistryFile(Described):
    """What the file itself holds.

    Attributes:
        version: The version of this format.
        candidates: The models, in the order of the file.
        corpora: The corpora by name.
    """

    version: Literal[1]
    candidates: tuple[Candidate, ...]
    corpora: dict[CorpusName, CorpusEntry] = Field(default_factory=dict)


class Registry(Described):
    """The candidates and corpora of one registry.

    Attributes:
        path: The file; None where there is none.
        title: What reports call the registry.
        candidates: The models, in order.
        corpora: The corpora by name.
    """

    path: Path | None = None
    title: str
    candidates: tuple[Candidate, ...]
    corpora: dict[CorpusName, CorpusEntry] = Field(default_factory=dict)

    @property
    def folder(self) -> Path:
        """The folder that relative paths of the registry are relative to."""
        return Path.cwd() if self.path is None else self.path.absolute().parent


def _folder(context: Any) -> Path:
    folder = context.get(FOLDER) if isinstance(context, dict) else None
    return folder if isinstance(folder, Path) else Path.cwd()
