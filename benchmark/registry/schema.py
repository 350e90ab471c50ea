"""The registry as typed data: candidates, corpora and the checks of their fields."""

import re
import unicodedata
from collections.abc import Callable
from pathlib import Path, PurePosixPath
from typing import Annotated, Any, Final, Literal, Self, TypeVar

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    JsonValue,
    PositiveFloat,
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
from benchmark.emotions.merges import resolve_merges
from benchmark.errors import RequestError, did_you_mean
from benchmark.plugins import Group, plugin_names
from benchmark.registry.locations import absolute, is_hub_id, local_path, resolved_source, what_to_write
from benchmark.registry.prompts import outputs_of
from benchmark.results.status import Status

COLUMN_ROLES = (
    *("file", "label", "speaker", "sex", "language", "text_id", "intensity"),
    *("start", "stop", "duration", "rater"),
)
AnswerRole = Literal["hash", "clip", "predicted", "scores", "seconds"]
"""The columns of a table of answers."""
VERSION: Final = 1
FOLDER = "folder"
"""Key of the validation context: what relative paths are relative to; without it, the current folder."""

_DENSE_OUT = "dense-out"
_OF_MODELS = ("revision", "head", "preprocessor", "onnx", "outputs", "sampling_rate", "prompts")
_NOT_WITH_PROMPTS = ("head", "preprocessor", "onnx", "outputs", "sampling_rate", "labels")
_OF_ONNX = ("outputs", "sampling_rate")
_ELSEWHERE = {"predictions": "a table of answers", "command": "a program"}
"""Fields that make a candidate something else than a model → what."""
_T = TypeVar("_T")


def _one_line(text: str) -> str:
    line = " ".join(text.split())
    if not line:
        raise ValueError("it is empty; write something, or remove the field")
    if any(unicodedata.category(character) == "Cc" for character in line):
        raise ValueError("it holds control characters; remove them")
    return line


def _column_role(role: str) -> str:
    if role not in COLUMN_ROLES:
        raise ValueError(f"unknown column {role!r}{did_you_mean(role, COLUMN_ROLES, otherwise='the columns are')}")
    return role


def _like(pattern: str, problem: str) -> AfterValidator:
    def check(text: str) -> str:
        if re.fullmatch(pattern, text) is None:
            raise ValueError(f"{text!r} {problem}")
        return text

    return AfterValidator(check)


def _not_empty(what: str) -> AfterValidator:
    # Not pydantic's min_length: that also complains where the only item is what is wrong.
    def check(items: tuple[str, ...]) -> tuple[str, ...]:
        if not items:
            raise ValueError(f"the list is empty; name the {what} to take, or remove it to take all")
        return items

    return AfterValidator(check)


def _distinct(names: tuple[str, ...]) -> tuple[str, ...]:
    if len(set(names)) < len(names):
        raise ValueError("two outputs have one name; name each of them differently")
    return names


def _ascending(limits: tuple[float, float]) -> tuple[float, float]:
    if limits[0] > limits[1]:
        raise ValueError("the shortest recording stands before the longest; swap them")
    return limits


def _converted(convert: Callable[[_T], _T]) -> AfterValidator:
    """A validator from a function whose errors are sentences for a user."""

    def check(value: _T) -> _T:
        try:
            return convert(value)
        except RequestError as error:
            raise ValueError(str(error)) from error

    return AfterValidator(check)


def _argument(text: str) -> str:
    if "\0" in text:
        raise ValueError("an argument holds a NUL character; remove it")
    return text


Argument = Annotated[str, AfterValidator(_argument)]
"""An argument of a command."""
Line = Annotated[str, AfterValidator(_one_line)]
"""One line of text without control characters, not empty."""
CorpusWord = Annotated[Line, AfterValidator(str.casefold)]
"""The plain lower-case name of a corpus."""
_NO_LANGUAGE = "is not a language code; write the ISO 639 code, such as en or ko"
Language = Annotated[str, _like(r"[a-z]{2,3}(-[A-Za-z0-9]{2,8})*", _NO_LANGUAGE)]
"""An ISO 639 code, which a region may follow."""
Emotion = Annotated[str, _converted(resolve_emotion)]
"""A canonical class, written as such or as any alias."""
_NO_CORPUS_NAME = "cannot name a corpus; use letters, digits, -, _ and . only"
CorpusName = Annotated[str, _like(r"\w[\w.-]*", _NO_CORPUS_NAME)]
"""What tables and the command line call a corpus."""
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
        sampling_rate: In Hz.
        do_normalize: Scale each clip to zero mean and unit variance.
    """

    sampling_rate: StrictInt = Field(ge=1_000, le=768_000)
    do_normalize: StrictBool = True


class Head(Described):
    """A classification head that transformers has no class for.

    Attributes:
        kind: The layout: `dense-out` is dense, activation, output; installed packages may add others.
        pooling: How frames become one vector before it.
        activation: Between the two layers; checkpoints do not contain it.
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
    """A score that the authors have published, against which a repaired head can be confirmed."""

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
        name: What tables call it.
        revision: Branch, tag or sha on the Hub; None for its default branch.
        expect: The status that verification should find.
        trained_on: Corpora it has seen; None if nothing is declared.
        trained_speakers: Their speakers that it has heard, by the names there; None if nothing is declared.
        trained_seconds: The shortest and the longest recording that it was trained on.
        labels: Label → canonical class, where the label does not say it itself.
        predictions: The table of its answers, for a candidate that runs elsewhere, whose id may be any line; behind a
            `#` the candidate whose rows count, where the table has several and none of this name.
        columns: Role of a column of that table → its name.
        command: The program that computes its answers, with its arguments; it runs in the folder of the registry.
        onnx: The ONNX file to load instead of a checkpoint: its path below the folder or the repository.
        outputs: What its outputs mean, in their order; `labels` may say it as a list. By default as in `config.json`.
        prompts: Canonical class → sentences that describe it, for a model that compares audio with text (CLAP): at
            least three for each, as many for all, in the same order of phrasings.
        sampling_rate: Of the samples that it reads as they are; short for a `preprocessor` that does not normalise.
    """

    predictions: Line | None = None  # first, with the next: they decide what the id may be
    command: Annotated[tuple[Argument, ...], _not_empty("program")] | None = None
    columns: dict[AnswerRole, str] = Field(default_factory=dict)
    id: Line
    name: Line = ""
    revision: Line | None = None
    expect: Status | None = None
    languages: tuple[Language, ...] = ()
    trained_on: tuple[CorpusWord, ...] | None = None
    trained_speakers: tuple[Line, ...] | None = None
    trained_seconds: Annotated[tuple[PositiveFloat, PositiveFloat], AfterValidator(_ascending)] | None = None
    labels: dict[str, Emotion] = Field(default_factory=dict)
    onnx: Line | None = None
    outputs: Annotated[tuple[Line, ...], AfterValidator(_distinct)] = ()
    sampling_rate: StrictInt | None = Field(default=None, ge=1_000, le=768_000)
    prompts: dict[Emotion, tuple[Line, ...]] = Field(default_factory=dict)
    head: Head | None = None
    preprocessor: Preprocessor | None = None
    published: Published | None = None
    note: Line | None = None
    _local_path: Path | None = PrivateAttr(default=None)
    _answers_path: Path | None = PrivateAttr(default=None)
    _answers_of: str = PrivateAttr(default="")
    _command_folder: Path | None = PrivateAttr(default=None)

    @property
    def local_path(self) -> Path | None:
        """The absolute path of a local candidate's folder; None for what is no folder of a model."""
        return self._local_path

    @property
    def answers_path(self) -> Path | None:
        """The absolute path of the table of its answers; None for a model."""
        return self._answers_path

    @property
    def answers_of(self) -> str:
        """Whose rows of the table count, where it holds the answers of several candidates."""
        return self._answers_of

    @property
    def command_folder(self) -> Path | None:
        """Where its program runs; None for a model or a table."""
        return self._command_folder

    @property
    def is_classifier(self) -> bool:
        """Whether it is a checkpoint that transformers' audio classifiers load."""
        return not (self.reads_text or self.onnx or self.command or self.predictions)

    @property
    def reads_text(self) -> bool:
        """Whether it is a model that compares audio with prompts."""
        return bool(self.prompts)

    @property
    def plain_prompts(self) -> dict[str, JsonValue] | None:
        """The prompts, as `LoadOptions.prompts`; None without."""
        if not self.prompts:
            return None
        return {"texts": list(self.outputs), "phrasings": len(next(iter(self.prompts.values())))}

    @model_validator(mode="before")
    @classmethod
    def _only_of_models(cls, fields: Any) -> Any:
        if not isinstance(fields, dict):
            return fields
        chosen = [field for field in _ELSEWHERE if fields.get(field) is not None]
        if len(chosen) > 1:
            raise ValueError("it is a table of answers ('predictions') or a program ('command'), and not both")
        for name in _OF_MODELS if chosen else ():
            if fields.get(name) is not None:
                what = _ELSEWHERE[chosen[0]]
                raise ValueError(f"{name!r} describes a model, and this candidate is {what}; remove it")
        if fields.get("columns") and chosen != ["predictions"]:
            raise ValueError("'columns' describes a table of answers; name it with 'predictions:', or remove them")
        return fields

    @model_validator(mode="before")
    @classmethod
    def _of_prompts(cls, fields: Any) -> Any:
        """Make every prompt an output that means its emotion."""
        prompts = fields.get("prompts") if isinstance(fields, dict) else None
        if prompts is None or fields.get("predictions") is not None or fields.get("command") is not None:
            return fields
        derived = outputs_of(prompts)
        for name in _NOT_WITH_PROMPTS:
            if fields.get(name) and fields[name] != derived.get(name):
                raise ValueError(f"{name!r} describes a classifier, and this candidate has prompts; remove one of them")
        return fields | derived

    @model_validator(mode="before")
    @classmethod
    def _of_onnx_files(cls, fields: Any) -> Any:
        if not isinstance(fields, dict) or fields.get("predictions") is not None:
            return fields
        if isinstance(fields.get("labels"), list):
            if fields.get("outputs") is not None:
                raise ValueError("both 'labels' and 'outputs' are lists of outputs; remove one of them")
            fields = {name: value for name, value in fields.items() if name != "labels"} | {"outputs": fields["labels"]}
        if fields.get("onnx") is None and fields.get("prompts") is None:
            if any(fields.get(name) is not None for name in _OF_ONNX):
                raise ValueError(
                    "a list of labels, 'outputs' and 'sampling_rate' describe an ONNX file; name that with "
                    "'onnx: model.onnx', or remove them"
                )
            return fields
        if fields.get("onnx") is None:
            return fields
        if fields.get("head") is not None:
            raise ValueError("'head' describes a checkpoint, and this candidate is an ONNX file; remove it")
        if fields.get("sampling_rate") is not None:
            if fields.get("preprocessor") is not None:
                raise ValueError("'preprocessor' holds the sampling rate, too; remove 'sampling_rate'")
            return fields | {"preprocessor": {"sampling_rate": fields["sampling_rate"], "do_normalize": False}}
        return fields

    @field_validator("onnx")
    @classmethod
    def _is_inside(cls, file: str) -> str:
        path = PurePosixPath(file)
        if path.suffix != ".onnx" or path.is_absolute() or ".." in path.parts or "\\" in file:
            raise ValueError(f"{file!r} is no ONNX file below the candidate's folder; write it as onnx/model.onnx")
        return path.as_posix()

    @field_validator("id")
    @classmethod
    def _is_path_or_hub_id(cls, candidate_id: str, info: ValidationInfo) -> str:
        if any(info.data.get(field) is not None for field in _ELSEWHERE):
            return candidate_id
        if local_path(candidate_id, _folder(info.context)) is None and not is_hub_id(candidate_id):
            raise ValueError(
                f"{candidate_id!r} is neither a folder nor a possible Hub id; {what_to_write(candidate_id)}"
            )
        return candidate_id

    @field_validator("predictions")
    @classmethod
    def _can_be_followed(cls, file: str, info: ValidationInfo) -> str:
        absolute(file, _folder(info.context))
        return file

    @model_validator(mode="before")
    @classmethod
    def _with_a_name(cls, fields: Any, info: ValidationInfo) -> Any:
        if not isinstance(fields, dict) or not isinstance(fields.get("id"), str) or fields.get("name") is not None:
            return fields
        if any(fields.get(field) is not None for field in _ELSEWHERE):
            return fields | {"name": fields["id"]}
        path = local_path(fields["id"].strip(), _folder(info.context))
        written = Path(fields["id"].strip()).name
        name = fields["id"] if path is None else path.name if written in {"", "..", "~"} else written
        return fields | {"name": name}

    def model_post_init(self, context: Any, /) -> None:
        """Remember where a local candidate, or its table, lies."""
        if self.command is not None:
            self._command_folder = _folder(context)
        elif self.predictions is None:
            self._local_path = local_path(self.id, _folder(context))
        else:
            file, rows = _file_and_rows(self.predictions, _folder(context))
            self._answers_path, self._answers_of = absolute(file, _folder(context)), rows or self.name


class CorpusEntry(Described):
    """A corpus that the registry names.

    Attributes:
        source: A SPEC or a bare path; relative paths are relative to the registry file.
        language: The language spoken.
        speakers: The only speakers to take; None takes all. `languages` and `only_labels` likewise.
        languages: For a corpus that has a language for every clip.
        only_labels: Labels or emotions.
        sample: How many clips to take at most, each label with its share of the whole; None takes all.
        channel: Which channel of recordings with several; `each` makes every channel a clip.
        labels: Label → canonical class, where the label does not say it itself.
        merge: Class → the class that it becomes in the end.
        columns: Role of a column (`COLUMN_ROLES`) → its name.
    """

    source: Line
    language: Language | None = None
    speakers: Annotated[tuple[str, ...], _not_empty("speakers")] | None = None
    languages: Annotated[tuple[Language, ...], _not_empty("languages")] | None = None
    only_labels: Annotated[tuple[str, ...], _not_empty("labels")] | None = None
    sample: StrictInt | None = Field(default=None, ge=1)
    seed: StrictInt = 0
    channel: ChannelChoice = ChannelChoice.MIX
    labels: dict[str, Emotion] = Field(default_factory=dict)
    merge: Annotated[dict[str, str], _converted(resolve_merges)] = Field(default_factory=dict)
    columns: dict[Annotated[str, AfterValidator(_column_role)], str] = Field(default_factory=dict)

    @field_validator("source")
    @classmethod
    def _can_be_followed(cls, source: str, info: ValidationInfo) -> str:
        resolved_source(source, _folder(info.context))
        return source


class RegistryFile(Described):
    """The content of a registry file."""

    version: Literal[1] = VERSION
    candidates: tuple[Candidate, ...]
    corpora: dict[CorpusName, CorpusEntry] = Field(default_factory=dict)


class Registry(RegistryFile):
    """The candidates and corpora of one registry, with the title that reports give it.

    Attributes:
        announced: One sentence on how it was chosen; None if it is the chosen file or the one of this folder.
    """

    path: Path | None = None
    title: str
    announced: str | None = None

    @property
    def folder(self) -> Path:
        """What relative paths of the registry are relative to."""
        return Path.cwd() if self.path is None else self.path.absolute().parent


def _file_and_rows(text: str, folder: Path) -> tuple[str, str]:
    file, mark, rows = text.rpartition("#")
    return (text, "") if not mark or absolute(text, folder).exists() else (file, rows)


def _folder(context: Any) -> Path:
    folder = context.get(FOLDER) if isinstance(context, dict) else None
    return folder if isinstance(folder, Path) else Path.cwd()
