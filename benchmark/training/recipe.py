"""Recipes: short typed TOML files that say what is trained and how; users copy and edit them."""

import tomllib
from importlib import resources
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError

from benchmark.errors import RequestError, did_you_mean
from benchmark.settings import expanded

_LARGEST_FILE_BYTES = 100_000
Share = Annotated[float, Field(ge=0, lt=1)]
Positive = Annotated[float, Field(gt=0)]
Pool = Annotated[int, Field(ge=1, le=8)]


class Part(BaseModel):
    """A part of a recipe: immutable; an unknown key is an error."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


class WaveformAugmentation(Part):
    """Changed copies of training clips; made after the split, of training clips only.

    Attributes:
        speed: Factors of tempo and pitch, one of which is drawn for a clip.
        noise_db: Lowest and highest signal-to-noise ratio of added white noise, in dB.
        gain_db: Largest change of level in either direction.
        room: Probability of a simulated room: noise with an exponential decay as its impulse response.
    """

    speed: Annotated[tuple[Annotated[float, Field(ge=0.5, le=2)], ...], Field(min_length=1, max_length=16)] = (1.0,)
    noise_db: tuple[float, float] | None = None
    gain_db: Annotated[float, Field(ge=0, le=40)] = 0.0
    room: Annotated[float, Field(ge=0, le=1)] = 0.0

    @property
    def is_random(self) -> bool:
        """Whether a copy differs from the clip in more than its speed."""
        return self.noise_db is not None or self.gain_db > 0 or self.room > 0


class Augmentation(WaveformAugmentation):
    """Augmentation of networks that are fitted in epochs.

    Attributes:
        mixup: Parameter of the Beta distribution of the weights of two mixed clips; 0 mixes none.
        mask_count: How often SpecAugment masks bands and frames of a clip.
        mask_bands: Most bands of one mask.
        mask_frames: Most frames of one mask.
    """

    mixup: Annotated[float, Field(ge=0, le=10)] = 0.0
    mask_count: Annotated[int, Field(ge=0, le=20)] = 0
    mask_bands: Annotated[int, Field(ge=0)] = 8
    mask_frames: Annotated[int, Field(ge=0)] = 20


class Weighting(Part):
    """What is done about classes of different sizes.

    Attributes:
        class_weights: Weigh the loss of a class by the inverse of its size, relative to the mean.
        max_class_weight: The largest of these weights.
        balanced_sampler: Draw clips so that each class comes equally often.
    """

    class_weights: bool = True
    max_class_weight: Positive = 5.0
    balanced_sampler: bool = False


class Fit(Weighting):
    """How a network is fitted.

    Attributes:
        epochs: Passes over the training clips.
        learning_rate: The highest of a cycle that rises for 30 % of the steps and falls to zero.
        label_smoothing: Share of the probability that is spread over all classes.
        validation: Share of the training speakers that is held out of the fit, to monitor it and to stop early.
        patience: Stop when the validation UAR has not risen for so many epochs, and take the best one; 0 never stops.
    """

    epochs: Annotated[int, Field(ge=1, le=10_000)] = 30
    batch_size: Annotated[int, Field(ge=2, le=4096)] = 16
    learning_rate: Positive = 2e-3
    weight_decay: Annotated[float, Field(ge=0)] = 0.02
    label_smoothing: Share = 0.1
    validation: Share = 0.0
    patience: Annotated[int, Field(ge=0)] = 0


class NetworkRecipe(Part):
    """A network from scratch on log-mel spectrograms.

    Attributes:
        channels: Of its stages; empty for the network's own.
        pools: By what each stage divides bands and frames; empty for the network's own.
        crop_s: Length of the excerpts that are trained on, in seconds.
    """

    kind: Literal["network"] = "network"
    network: Literal["cnn", "multiscale", "resnet18"]
    channels: Annotated[tuple[Annotated[int, Field(ge=1, le=4096)], ...], Field(max_length=16)] = ()
    pools: Annotated[tuple[tuple[Pool, Pool], ...], Field(max_length=16)] = ()
    dropout: Share = 0.3
    crop_s: Annotated[float, Field(ge=0.2, le=30)] = 1.6
    fit: Fit = Fit()
    augmentation: Augmentation = Augmentation()


class FunctionalsRecipe(Part):
    """A linear model on statistics over time of log-mels: a baseline, and a member of ensembles.

    Attributes:
        strengths: Strengths of L2 (C of scikit-learn), of which one is chosen on inner speakers.
    """

    kind: Literal["functionals"] = "functionals"
    strengths: Annotated[tuple[Positive, ...], Field(min_length=1, max_length=32)] = (0.0001, 0.001, 0.01, 0.1)
    weighting: Weighting = Weighting()


class ProbeRecipe(Part):
    """A linear head on a frozen encoder.

    Attributes:
        layers: `weighted` fits a weight per layer, `best` takes one layer and cuts the encoder off behind it.
        strengths: Strengths of L2 (C of scikit-learn), of which one is chosen on inner speakers.
        copies: Augmented copies of each training clip.
    """

    kind: Literal["probe"] = "probe"
    layers: Literal["weighted", "best"] = "weighted"
    strengths: Annotated[tuple[Positive, ...], Field(min_length=1, max_length=32)] = (0.001, 0.01, 0.1, 1.0)
    weighting: Weighting = Weighting()
    copies: Annotated[int, Field(ge=0, le=20)] = 0
    augmentation: WaveformAugmentation = WaveformAugmentation()


class AttentionFit(Fit):
    """How a head is fitted on a very small corpus."""

    epochs: Annotated[int, Field(ge=1, le=10_000)] = 60
    learning_rate: Positive = 1e-3
    validation: Share = 0.2
    patience: Annotated[int, Field(ge=0)] = 10


class AttentionRecipe(Part):
    """Attention pooling over the frames of a frozen encoder."""

    kind: Literal["attention"] = "attention"
    hidden: Annotated[int, Field(ge=1, le=4096)] = 64
    dropout: Share = 0.5
    fit: AttentionFit = AttentionFit()
    copies: Annotated[int, Field(ge=0, le=20)] = 0
    augmentation: WaveformAugmentation = WaveformAugmentation()


class FinetuneFit(Fit):
    """How an encoder is fitted further; the learning rate is that of its last layer."""

    epochs: Annotated[int, Field(ge=1, le=10_000)] = 10
    batch_size: Annotated[int, Field(ge=2, le=4096)] = 8
    learning_rate: Positive = 5e-5
    weight_decay: Annotated[float, Field(ge=0)] = 0.01
    validation: Share = 0.2
    patience: Annotated[int, Field(ge=0)] = 3


class FinetuneRecipe(Part):
    """An encoder that is trained with its head, from a layer on.

    Attributes:
        unfreeze_from: The first layer that is trained, counted from 0; a negative number counts from the last.
        layer_decay: Factor of the learning rate from each layer to the one below it.
        head_learning_rate: Of the head, which starts at random.
        crop_s: The longest excerpt that is trained on, in seconds.
    """

    kind: Literal["finetune"] = "finetune"
    unfreeze_from: int = -4
    layer_decay: Annotated[float, Field(gt=0, le=1)] = 0.8
    head_learning_rate: Positive = 1e-3
    crop_s: Annotated[float, Field(ge=0.2, le=30)] = 5.0
    fit: FinetuneFit = FinetuneFit()
    augmentation: WaveformAugmentation = WaveformAugmentation()


MemberRecipe = NetworkRecipe | FunctionalsRecipe | ProbeRecipe | AttentionRecipe | FinetuneRecipe


class EnsembleRecipe(Part):
    """Several recipes whose probabilities are averaged.

    Attributes:
        members: Names or files of recipes; relative paths are relative to the file of this one.
        repeats: How often each member is fitted, with another seed each time.
        recipes: Those of the members; filled where the recipe is loaded.
    """

    kind: Literal["ensemble"] = "ensemble"
    members: Annotated[tuple[str, ...], Field(min_length=1, max_length=32)]
    repeats: Annotated[int, Field(ge=1, le=32)] = 1
    recipes: tuple[Annotated[MemberRecipe, Field(discriminator="kind")], ...] = ()


Recipe = MemberRecipe | EnsembleRecipe
_ADAPTER: TypeAdapter[Recipe] = TypeAdapter(Annotated[Recipe, Field(discriminator="kind")])


def parts_of(recipe: Recipe) -> tuple[MemberRecipe, ...]:
    """The members of an ensemble, or the recipe itself."""
    return recipe.recipes if isinstance(recipe, EnsembleRecipe) else (recipe,)


def needs_encoder(recipe: Recipe) -> bool:
    """Whether a recipe starts from a checkpoint.

    Examples:
        >>> needs_encoder(ProbeRecipe()), needs_encoder(FunctionalsRecipe())
        (True, False)
    """
    return any(isinstance(part, ProbeRecipe | AttentionRecipe | FinetuneRecipe) for part in parts_of(recipe))


def validation_share(recipe: Recipe) -> float:
    """The share of the training speakers that a recipe holds out of each fit; an ensemble's members hold out alike.

    Examples:
        >>> validation_share(AttentionRecipe())
        0.2
    """
    fits = [part.fit for part in parts_of(recipe) if not isinstance(part, ProbeRecipe | FunctionalsRecipe)]
    return max((fit.validation for fit in fits), default=0.0)


def recipe_names() -> tuple[str, ...]:
    """Name the recipes of this package."""
    files = resources.files("benchmark.training").joinpath("recipes").iterdir()
    return tuple(sorted(file.name.removesuffix(".toml") for file in files if file.name.endswith(".toml")))


def recipe_text(name: str) -> str:
    """The text of a recipe of this package.

    Raises:
        RequestError: There is none of that name.
    """
    names = recipe_names()
    if name not in names:
        raise RequestError(f"there is no recipe {name!r}{did_you_mean(name, names, otherwise='the recipes are')}")
    return resources.files("benchmark.training").joinpath("recipes", f"{name}.toml").read_text("utf-8")


def load_recipe(name: str | Path) -> Recipe:
    """Read a recipe of this package by its name, or a file; an ensemble with its members.

    Raises:
        RequestError: It does not exist or is no recipe.

    Examples:
        >>> load_recipe("cnn").kind
        'network'
    """
    recipe = _read_recipe(name)
    if not isinstance(recipe, EnsembleRecipe):
        return recipe
    folder = Path() if str(name) in recipe_names() else expanded(name).parent
    members = [
        _read_recipe(member if member in recipe_names() else folder / expanded(member)) for member in recipe.members
    ]
    for own, member in zip(members, recipe.members, strict=True):
        if isinstance(own, EnsembleRecipe):
            raise RequestError(f"{member} is an ensemble itself: name its members instead.")
    return recipe.model_copy(update={"recipes": tuple(members)})


def _read_recipe(name: str | Path) -> Recipe:
    if str(name) in recipe_names():
        return parse_recipe(recipe_text(str(name)), str(name))
    path = expanded(name)
    if path.suffix != ".toml" and not path.exists():
        recipe_text(str(name))
    try:
        if path.stat().st_size > _LARGEST_FILE_BYTES:
            raise RequestError(f"{path} is too large for a recipe: copy one with `bench train --show-recipe cnn`.")
        return parse_recipe(path.read_text("utf-8"), str(path))
    except (OSError, UnicodeDecodeError) as error:
        raise RequestError(f"the recipe {path} cannot be read ({error}): check the path.") from error


def parse_recipe(text: str, source: str) -> Recipe:
    """Parse the TOML text of a recipe.

    Raises:
        RequestError: It is no recipe; the message says where.
    """
    try:
        return _ADAPTER.validate_python(tomllib.loads(text))
    except tomllib.TOMLDecodeError as error:
        raise RequestError(f"{source} is not TOML: {error}.") from error
    except RecursionError as error:
        raise RequestError(f"{source} is nested too deeply for a recipe.") from error
    except ValidationError as error:
        raise RequestError(f"{source}: {_first_problem(error)}") from error


def parse_plain(plain: dict[str, Any]) -> Recipe:
    """Take a recipe from what its `model_dump` gives."""
    return _ADAPTER.validate_python(plain)


def _first_problem(error: ValidationError) -> str:
    first: Any = error.errors(include_url=False)[0]
    where = ".".join(str(part) for part in first["loc"][1:]) or "kind"
    if first["type"] == "extra_forbidden":
        return f"this kind of recipe has no {where}; `bench train --show-recipe` shows what there is."
    return f"{where}: {first['msg'][0].lower()}{first['msg'][1:]}."
