"""The keys of an experiment file, section by section.

Each key is one entry: `says` and `allowed` appear in error messages and in
docs/experiment-files.md, which a test keeps equal to this file; `axis` declares the axis of the
grid that sets the key. Checks that involve several sections are in `checks`.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from itertools import islice
from math import inf
from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    GetCoreSchemaHandler,
    GetJsonSchemaHandler,
    ValidationInfo,
    WithJsonSchema,
    create_model,
    model_validator,
)
from pydantic.fields import FieldInfo
from pydantic_core import core_schema

from harness.calls import is_number, is_whole
from harness.errors import printable, shown
from harness.experiment.generators import GENERATORS, KEYS, Key
from harness.experiment.initialisation import SCHEMES
from harness.experiment.network import SCALES
from harness.experiment.scaling import SCALINGS
from harness.experiment.schedules import CONSTANT, SCHEDULES
from harness.experiment.selection import MOST_COLUMNS
from harness.kernels.activations import ACTIVATIONS
from harness.kernels.descent import BATCHES
from harness.kernels.losses import LOSSES
from harness.kernels.measures import MEASURES
from harness.kernels.metrics import METRICS
from harness.kernels.optimisers import OPTIMISERS
from harness.kernels.settings import Setting
from harness.kernels.simd.rows import FLOATS

NATURAL = "a whole number from 0 to 2^63 - 1"

NAME = r"^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$"

# Keys of a table that are reported as wrong; a table can have a million.
_MOST_ERRORS = 20

# Stop at the first error; a list can have a million, too.
_FIRST_ERROR = Field(fail_fast=True)


def _unicode(text: str) -> str:
    """Refuse text that UTF-8 cannot encode, as command-line arguments may contain."""
    text.encode()
    return text


def _few_wrong_numbers(table: Any) -> Any:
    """Drop all but the first invalid values: each would be an error of its own."""
    if isinstance(table, dict):
        wrong = ((name, value) for name, value in table.items() if not is_number(value))
        few = {printable(str(name)): value for name, value in islice(wrong, _MOST_ERRORS)}
        return few or table
    return table


# TOML has types: "0.1" is not a number and 1 is not true. A float may be written without a point.
Number = Annotated[float, Field(strict=True, allow_inf_nan=False)]
Positive = Annotated[float, Field(strict=True, allow_inf_nan=False, gt=0)]
NotNegative = Annotated[float, Field(strict=True, allow_inf_nan=False, ge=0)]
Count = Annotated[int, Field(strict=True, ge=1, le=2**53)]
HeldOut = Count | Annotated[float, Field(strict=True, gt=0, lt=1)]
UpToAMillion = Annotated[int, Field(strict=True, ge=1, le=1_000_000)]
Natural = Annotated[int, Field(strict=True, ge=0, lt=2**63)]
Epochs = Annotated[int, Field(strict=True, ge=0, le=2**53)]
Text = Annotated[str, Field(strict=True), AfterValidator(_unicode)]
Switch = Annotated[bool, Field(strict=True)]

_Numbers = Annotated[tuple[Number, ...], _FIRST_ERROR]
_Rows = Annotated[tuple[_Numbers, ...], _FIRST_ERROR]
_Factors = Annotated[tuple[NotNegative, ...], _FIRST_ERROR]
_Texts = Annotated[tuple[Text, ...], _FIRST_ERROR]
# Numbers of columns are written as text before they are checked.
_Columns = Annotated[
    _Texts, WithJsonSchema({"type": "array", "items": {"type": ["string", "integer"]}})
]


@dataclass(frozen=True, eq=False)  # pydantic needs a hash, which a table of names lacks
class OneOf:
    """Mark a text as one of the names of a table."""

    names: Iterable[str]

    def __get_pydantic_core_schema__(
        self, source: Any, handler: GetCoreSchemaHandler
    ) -> core_schema.CoreSchema:
        """Accept only the names."""
        allowed = frozenset(self.names)

        def check(text: str) -> str:
            if text not in allowed:
                raise ValueError("not one of the names")
            return text

        return core_schema.no_info_after_validator_function(check, handler(source))

    def __get_pydantic_json_schema__(
        self, schema: core_schema.CoreSchema, handler: GetJsonSchemaHandler
    ) -> dict[str, Any]:
        """Return the names for the JSON Schema of the file, from which editors complete them."""
        return {"type": "string", "enum": [*self.names]}


Activation = Annotated[Text, OneOf(ACTIVATIONS)]
Loss = Annotated[Text, OneOf(LOSSES)]
Scale = Annotated[Text, OneOf(SCALES)]
Scheme = Annotated[Text, OneOf(SCHEMES)]
Generator = Annotated[Text, OneOf(GENERATORS)]
Batches = Annotated[Text, OneOf(BATCHES)]
Optimiser = Annotated[Text, OneOf(OPTIMISERS)]
Scaling = Annotated[Text, OneOf(SCALINGS)]
Precision = Annotated[Text, OneOf(FLOATS)]
Schedule = Annotated[Text, OneOf(SCHEDULES)]


def listed(names: Iterable[str]) -> str:
    """Join the allowed names to a phrase.

    >>> listed(["a", "b", "c"])
    '"a", "b" or "c"'
    """
    *most, last = [f'"{name}"' for name in names]
    return f"{', '.join(most)} or {last}" if most else last


Kind = Literal["number", "whole", "word", "number or word", "whole or word"]
Layers = Literal["hidden", "all"]


@dataclass(frozen=True, slots=True)
class KeyAxis:
    """The axis that sets a key; for a list, also the axes that set it layer by layer.

    The runs of a kernel call may differ in an axis that is `per_run`; each value of any other axis
    needs a call of its own. The axis has the name `name`, by default that of the key. It sets the
    key as a whole, or the layers `together` of its list. The layers `single` have axes such as
    `<name>_2`. A key, or each layer of a list, that the file leaves out has the value `unset`.
    """

    kind: Kind
    per_run: bool = False
    name: str = ""
    together: Layers | None = None
    single: Layers | None = None
    unset: Any = None


@dataclass(frozen=True, slots=True)
class OnlyFor:
    """The entries of a table that have a setting.

    The key `owner`, such as "training.optimiser", chooses entries by name. `defaults` has the names
    of those that have the setting, with their defaults.
    """

    owner: str
    defaults: Mapping[str, float]


def key(
    default: Any = ...,
    *,
    says: str,
    allowed: str,
    axis: KeyAxis | None = None,
    only_for: OnlyFor | None = None,
    alias: str | None = None,
) -> Any:
    """Declare a key: default (required if left out), meaning, allowed values, and axis of the grid.

    `alias` is the name in the file; Python uses the attribute's name. `only_for` names the entries
    of a table that have this setting. Sections can also be made from a table of such entries, with
    ``pydantic.create_model``.
    """
    extra: Any = {"allowed": allowed, "axis": axis, "only_for": only_for}
    return Field(default, alias=alias, description=says, json_schema_extra=extra)


def declared(field: FieldInfo) -> Any:
    """Return `allowed`, `axis` and `only_for` of a key, by these names."""
    return field.json_schema_extra


def keys_of(section: type[BaseModel]) -> dict[str, FieldInfo]:
    """Return the keys of a section, by their names in the file."""
    return {field.alias or name: field for name, field in section.model_fields.items()}


class Section(BaseModel):
    """A table of the file; it is immutable and refuses unknown keys."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    @model_validator(mode="before")
    @classmethod
    def _keep_few_unknown_keys(cls, given: Any) -> Any:
        """Drop all unknown keys but the first ones: each would be an error of its own."""
        if not isinstance(given, Mapping):
            return given
        keys = keys_of(cls)
        known = {key: given[key] for key in keys if key in given}
        unknown = (key for key in given if key not in keys)
        return known | {printable(str(key)): given[key] for key in islice(unknown, _MOST_ERRORS)}


def settings_of(
    key_of_entry: str, entries: Mapping[str, Iterable[Setting]], *, per_run: bool = False
) -> dict[str, Any]:
    """Return type and key of each setting of the entries of a table.

    `key_of_entry` is the key that chooses an entry, such as "training.optimiser".
    """
    takers: dict[str, dict[str, Setting]] = {}
    for name, settings in entries.items():
        for setting in settings:
            takers.setdefault(setting.name, {})[name] = setting
    return {
        name: _setting(
            found,
            OnlyFor(key_of_entry, {entry: setting.default for entry, setting in found.items()}),
            of_all=len(found) == len(entries),
            per_run=per_run,
        )
        for name, found in takers.items()
    }


def _one(setting: Setting | None) -> tuple[Setting, ...]:
    return () if setting is None else (setting,)


def _setting(
    by_entry: Mapping[str, Setting], only_for: OnlyFor, *, of_all: bool, per_run: bool
) -> Any:
    """Return type and key of a setting of some entries of a table, or of all of them."""
    setting = next(iter(by_entry.values()))
    bounds: dict[str, Any] = {"ge": setting.at_least, "gt": setting.above, "lt": setting.below}
    if setting.whole:
        number: Any = Annotated[int, Field(strict=True, **bounds)]
    else:
        number = Annotated[float, Field(strict=True, allow_inf_nan=False, **bounds)]
    if setting.by_layer:
        number = number | Annotated[tuple[number, ...], _FIRST_ERROR]
    kind: Kind = "whole" if setting.whole else "number"
    axis = KeyAxis(kind, per_run=per_run)
    if setting.by_layer:
        axis = KeyAxis(kind, per_run=per_run, single="all", unset=setting.default)
    says = f"{setting.says}; {_defaults(by_entry, of_all=of_all)}"
    return number | None, key(
        None, says=says, allowed=setting.allowed, axis=axis, only_for=only_for
    )


def _defaults(by_entry: Mapping[str, Setting], *, of_all: bool) -> str:
    """Say which entries have a setting, with which default."""
    texts = {
        entry: "none" if setting.default == setting.neutral == inf else f"{setting.default:g}"
        for entry, setting in by_entry.items()
    }
    if not of_all:
        return _only_for(texts)
    most, *others = sorted(set(texts.values()), key=[*texts.values()].count, reverse=True)
    having = {text: [f'"{entry}"' for entry in texts if texts[entry] == text] for text in others}
    exceptions = [f"{text} for {' and '.join(entries)}" for text, entries in having.items()]
    return ", ".join([f"default {most}", *exceptions])


def _only_for(defaults: Mapping[str, str]) -> str:
    """Name the entries of a table that have a key, by its default for each of them."""
    takers: dict[str, list[str]] = {}
    for entry, default in defaults.items():
        takers.setdefault(default, []).append(f'"{entry}"')
    return "only for " + " and ".join(
        f"{', '.join(names)} (default {default})" for default, names in takers.items()
    )


class _LayersSection(Section):
    """The keys of [network] before the settings of activations and losses."""

    layers: Annotated[tuple[UpToAMillion, ...], Field(min_length=2, fail_fast=True)] = key(
        says="number of units of each layer, from the inputs to the outputs",
        allowed="a list of two or more whole numbers, each from 1 to 1000000",
        axis=KeyAxis("whole", name="width", together="hidden", single="hidden"),
    )
    activations: Annotated[tuple[Activation, ...], _FIRST_ERROR] = key(
        says="activation of each layer after the input",
        allowed=f"a list with one of {listed(ACTIVATIONS)} for each layer after the input",
        axis=KeyAxis("word", name="activation", together="hidden", single="all"),
    )
    biases: Switch | Annotated[tuple[Switch, ...], _FIRST_ERROR] = key(
        True,
        says="whether the layers after the input have biases",
        allowed="true, false, or a list with one of them for each layer after the input",
    )
    scales: Annotated[tuple[Positive | Scale, ...], _FIRST_ERROR] | None = key(
        None,
        says="factor on the pre-activation (weights and bias) of each layer after the input;"
        " 1 by default",
        allowed=f"a list with a number above 0 or one of {listed(SCALES)} for each layer after"
        " the input",
        axis=KeyAxis("number or word", name="scale", together="all", single="all", unset=1.0),
    )
    output_scale: Positive = key(
        1.0,
        says="factor on the output of the last layer",
        allowed="a number above 0",
        axis=KeyAxis("number"),
    )
    loss: Loss = key(
        "ssr",
        says="function that training minimises",
        allowed=listed(LOSSES),
        axis=KeyAxis("word"),
    )


if TYPE_CHECKING:  # no type checker can know keys that are made from a table
    _NetworkSettings = _LayersSection
else:
    _NetworkSettings = create_model(
        "_NetworkSettings",
        __base__=_LayersSection,
        **settings_of(
            "network.activations", {n: _one(entry.setting) for n, entry in ACTIVATIONS.items()}
        ),
        **settings_of("network.loss", {n: _one(entry.setting) for n, entry in LOSSES.items()}),
    )


class NetworkSection(_NetworkSettings):
    """The network."""


class _GivenData(Section):
    """The keys of [data] before those of generators."""

    inputs: _Numbers | _Rows | _Columns | Literal["all but targets"] | None = key(
        None,
        says="inline: the inputs of each data point; with `file`: its input columns",
        allowed="a list of finite numbers, of lists of finite numbers, or of columns; or, with"
        ' `file`, "all but targets"',
    )
    targets: _Numbers | _Rows | _Columns | None = key(
        None,
        says="inline: the targets of each data point; with `file`: its target columns",
        allowed="a list of finite numbers, of lists of finite numbers, or of columns",
    )
    file: Text | None = key(
        None,
        says="CSV file in UTF-8, or Parquet file with a name that ends in .parquet",
        allowed="a path relative to the folder of the experiment file",
    )
    header: Switch | None = key(
        None,
        says="whether the first line of a CSV file has the names of the columns; by default,"
        " detected",
        allowed="true or false",
    )
    separator: Annotated[str, Field(strict=True, pattern=r'^[^"\r\n\x00]$')] | None = key(
        None,
        says="separator of the cells of a CSV file; by default, detected",
        allowed='one character, such as ",", ";", "\\t" (a tab) or " " (any number of spaces)',
    )
    decimal: Literal[".", ","] | None = key(
        None,
        says="decimal sign of a CSV file; by default, detected",
        allowed='"." or ","',
    )
    missing: Literal["error", "drop", "mean"] = key(
        "error",
        says="what to do with missing cells of a file: refuse them, drop their data points, or"
        " replace those of inputs by the mean of their column",
        allowed=listed(["error", "drop", "mean"]),
    )
    generator: Generator | None = key(None, says="generated data", allowed=listed(GENERATORS))


def _for_generators(name: str, entry: Key) -> Any:
    """Return type and key of an entry of `KEYS`."""
    axis = KeyAxis(entry.kind, name=entry.axis) if entry.axis else None
    defaults = {g: shown(rule.keys[name]) for g, rule in GENERATORS.items() if name in rule.keys}
    says = f"{entry.says}; {_only_for(defaults)}"
    return entry.values | None, key(None, says=says, allowed=entry.allowed, axis=axis)


if TYPE_CHECKING:  # no type checker can know keys that are made from a table
    _GeneratedData = _GivenData
else:
    _GeneratedData = create_model(
        "_GeneratedData",
        __base__=_GivenData,
        **{name: _for_generators(name, entry) for name, entry in KEYS.items()},
    )


class DataSection(_GeneratedData):
    """The data points, in one of three forms, how to scale them, and which to hold out."""

    standardise: Annotated[
        tuple[Literal["inputs", "targets"], ...], Field(fail_fast=True, max_length=2)
    ] = key(
        (),
        says="columns to bring to mean 0 and population standard deviation 1",
        allowed='a list of "inputs", "targets", both or none',
    )
    scale: (
        Annotated[dict[Literal["inputs", "targets"], Scaling | Positive], Field(max_length=2)]
        | None
    ) = key(
        None,
        says="how to scale inputs, targets or both: as by `standardise`, from 0 to 1, or divided by"
        " a number",
        allowed='a table such as { inputs = "min_max", targets = 100 }, with '
        + ", ".join(f'"{name}"' for name in SCALINGS)
        + " or a number above 0",
    )
    validation: HeldOut | None = key(
        None,
        says="data points to hold out for validation: a share or a number of them; a number of"
        " generated ones, if there is a key `samples`, are generated in addition",
        allowed="a number above 0 and below 1, or a whole number of at least 1",
    )
    folds: Annotated[int, Field(strict=True, ge=2, le=2**53)] | None = key(
        None,
        says="number of parts to divide the data points into; one of them is held out for"
        " validation",
        allowed="a whole number of at least 2, and at most the number of data points",
    )
    fold: Natural = key(
        0,
        says="part that is held out, only for `folds`",
        allowed="a whole number from 0 to folds - 1",
        axis=KeyAxis("whole"),
    )
    validation_file: Text | None = key(
        None,
        says="file of the data points for validation, with the columns of `file`",
        allowed="a path relative to the folder of the experiment file",
    )
    stratify: Switch = key(
        False,
        says="whether to hold out the same share of each class; data points with the same targets"
        " are a class",
        allowed="true or false",
    )
    split_seed: Natural = key(
        0,
        says="seed of the random choice of data points to hold out",
        allowed=NATURAL,
        axis=KeyAxis("whole"),
    )

    @model_validator(mode="before")
    @classmethod
    def _numbers_of_columns_as_text(cls, given: Any, info: ValidationInfo) -> Any:
        """Write numbers of columns as text, which tells them from inline data."""
        is_table = (info.context or {}).get("table") is not None
        if not isinstance(given, Mapping) or not (is_table or given.get("file") is not None):
            return given
        columns = {
            name: [str(n) if is_whole(n) and 0 <= n <= MOST_COLUMNS else n for n in given[name]]
            for name in ("inputs", "targets")
            if isinstance(given.get(name), list | tuple)
        }
        return {**given, **columns}

    @property
    def scales(self) -> dict[str, tuple[str, str | float]]:
        """How to scale inputs and targets, each with the key that says so."""
        scales: dict[str, tuple[str, str | float]] = {
            name: ("data.scale", how) for name, how in (self.scale or {}).items()
        }
        return scales | dict.fromkeys(self.standardise, ("data.standardise", "standardise"))


class _OptimiserSection(Section):
    """The keys of [training] before the settings of the optimiser."""

    epochs: Epochs = key(
        says="number of passes over the data",
        allowed="a whole number from 0 to 2^53",
        axis=KeyAxis("whole", name="max_epochs"),
    )
    learning_rate: NotNegative | Annotated[tuple[NotNegative, ...], _FIRST_ERROR] = key(
        says="factor on the gradient in an update",
        allowed="a finite number of at least 0, or a list with one for each layer after the input",
        axis=KeyAxis("number", per_run=True, single="all"),
    )
    optimiser: Optimiser = key(
        "sgd",
        says="rule that turns a gradient into an update",
        allowed=listed(OPTIMISERS),
        axis=KeyAxis("word"),
    )
    schedule: Schedule | _Factors = key(
        CONSTANT,
        says="factor on the learning rate, by epoch",
        allowed=f"{listed(SCHEDULES)}, or a list with a factor of at least 0 for each epoch",
        axis=KeyAxis("word"),
    )
    warm_up: Epochs = key(
        0,
        says="number of epochs in which the learning rate rises, before the schedule begins",
        allowed="a whole number from 0 to 2^53",
        axis=KeyAxis("whole"),
    )


if TYPE_CHECKING:  # no type checker can know keys that are made from a table
    _SettingsSection = _OptimiserSection
else:
    _SettingsSection = create_model(
        "_SettingsSection",
        __base__=_OptimiserSection,
        **settings_of(
            "training.optimiser",
            {name: entry.all_settings for name, entry in OPTIMISERS.items()},
            per_run=True,
        ),
        **settings_of(
            "training.schedule", {name: entry.settings for name, entry in SCHEDULES.items()}
        ),
    )


class TrainingSection(_SettingsSection):
    """Epochs, update rule, batches and stopping."""

    penalise_biases: Switch = key(
        True,
        says="whether `l2` and `weight_decay` apply to biases",
        allowed="true or false",
    )
    precision: Precision = key(
        "float64",
        says="format of the numbers that a network computes with: float32 is about twice as fast,"
        " with 7 significant digits instead of 16; the SSR is always summed in float64",
        allowed=listed(FLOATS),
        axis=KeyAxis("word"),
    )
    batch_size: Count | Literal["all"] = key(
        "all",
        says="data points per update",
        allowed='"all", or a whole number from 1 to the number of data points',
        axis=KeyAxis("whole or word"),
    )
    batches: Batches = key(
        "in_order",
        says="data points of a batch: in the order of the file, shuffled anew for each epoch, or"
        " drawn with replacement",
        allowed=listed(BATCHES),
        axis=KeyAxis("word"),
    )
    updates_per_epoch: UpToAMillion | None = key(
        None,
        says='updates per epoch, only for `batches = "drawn"`; by default, as many as one pass'
        " over the data takes",
        allowed="a whole number from 1 to 1000000",
        axis=KeyAxis("whole"),
    )
    seed: Natural = key(
        0,
        says="seed of shuffled and drawn batches",
        allowed=NATURAL,
        axis=KeyAxis("whole", name="batch_seed"),
    )
    train: Literal["all"] | _Texts = key(
        "all",
        says="parameters to train; the others keep their initial values",
        allowed='"all", or a list of parameter names such as ["b3"]',
    )
    tolerance: NotNegative | None = key(
        None,
        says="a run ends as converged once its loss is at or below this value; never by default",
        allowed="a finite number of at least 0",
        axis=KeyAxis("number", per_run=True),
    )
    limit: Positive | None = key(
        None,
        says="a run ends as diverged once its loss is above this value; by default, only once the"
        " loss or a parameter is not finite",
        allowed="a finite number above 0",
        axis=KeyAxis("number", per_run=True),
    )
    patience: Count | None = key(
        None,
        says="a run ends as stopped once the loss of the held-out data points has not improved for"
        " this many epochs; never by default",
        allowed="a whole number from 1 to 2^53",
        axis=KeyAxis("whole", per_run=True),
    )

    @property
    def settings(self) -> dict[str, Any]:
        """Settings of the optimiser by name: those of the file, and defaults."""
        return self._resolved(OPTIMISERS[self.optimiser].all_settings)

    @property
    def schedule_settings(self) -> dict[str, Any]:
        """Settings of the schedule by name: those of the file, and defaults."""
        schedule = self.schedule
        return self._resolved(SCHEDULES[schedule].settings if isinstance(schedule, str) else ())

    def _resolved(self, settings: Iterable[Setting]) -> dict[str, Any]:
        given = {setting.name: getattr(self, setting.name) for setting in settings}
        return {s.name: s.default if given[s.name] is None else given[s.name] for s in settings}


class InitialisationSection(Section):
    """Initial values of the parameters."""

    scheme: Scheme = key(
        "normal",
        says="distribution of the initial weights",
        allowed=listed(SCHEMES),
        axis=KeyAxis("word", name="init_scheme"),
    )
    scale: Number = key(
        1.0,
        says="factor on the drawn numbers",
        allowed="a finite number",
        axis=KeyAxis("number", per_run=True, name="init_scale"),
    )
    offset: Number = key(
        0.0,
        says="added to the scaled numbers",
        allowed="a finite number",
        axis=KeyAxis("number", per_run=True, name="init_offset"),
    )
    biases: Literal["zeros", "same"] | Number = key(
        "zeros",
        says="initial biases: 0, drawn like the weights of their layer, or a number",
        allowed='"zeros", "same" or a finite number',
        axis=KeyAxis("number or word", name="init_biases"),
    )
    seed: Natural = key(
        0,
        says="seed of all initialisations",
        allowed=NATURAL,
        axis=KeyAxis("whole", per_run=True, name="init_seed"),
    )
    init_id: Natural = key(
        0,
        says="number of the initialisation, if the grid has no axis `init_id`",
        allowed=NATURAL,
        axis=KeyAxis("whole", per_run=True),
    )
    parameters: Annotated[dict[str, Number], BeforeValidator(_few_wrong_numbers)] = key(
        {},
        says="initial values by parameter name; they override the scheme",
        allowed="a table of finite numbers by parameter name, such as { w1 = 3.34, b1 = -1.43 }",
    )


class Every(Section):
    """Every k-th epoch."""

    every: Count


class Linear(Section):
    """Epochs at equal distances, n of them."""

    linear: Count


class Log(Section):
    """Epochs at equal ratios, n of them."""

    log: Count


Measure = Annotated[Text, OneOf(MEASURES)]
Metric = Annotated[Text, OneOf(METRICS)]


class RecordSection(Section):
    """Quantities to record of each run."""

    epochs: Literal["all", "none"] | Every | Linear | Log = key(
        Log(log=50),
        says="epochs to record in the trajectory; epoch 0 and the last epoch of the run are always"
        ' recorded, except with "none"',
        allowed='"all", "none", { every = k }, or n epochs, { linear = n } at equal distances or'
        " { log = n } at equal ratios",
    )
    parameters: Switch | Literal["trajectory"] = key(
        False,
        says='record the final parameters, as columns w1_final, ... of the runs; with "trajectory",'
        " also the parameters at the recorded epochs, as columns w1, ... of the trajectories",
        allowed='true, false or "trajectory"',
    )
    best_parameters: Switch = key(
        False,
        says="record the parameters at the recorded epoch with the least loss of the held-out data"
        " points, or with the least loss if there are none, as columns w1_best, ... of the runs",
        allowed="true or false",
    )
    state: Switch = key(
        False,
        says="record the final state of the optimiser, as columns such as w1_velocity of the runs;"
        " with it, and the final parameters, runs can go on with more epochs",
        allowed="true or false",
    )
    sharpness: Switch = key(
        False,
        says="record the largest eigenvalue of the Hessian of the loss, with its penalty, at the"
        " recorded epochs, as a column `sharpness` of the trajectories",
        allowed="true or false",
    )
    measures: Annotated[tuple[Measure, ...], Field(fail_fast=True, max_length=len(MEASURES))] = key(
        (),
        says="further columns: "
        + ", ".join(f"{measure.says} (`{name}`)" for name, measure in MEASURES.items()),
        allowed=f"a list of {listed(MEASURES)}",
    )
    metrics: Annotated[tuple[Metric, ...], Field(fail_fast=True, max_length=len(METRICS))] = key(
        (),
        says="metrics of the predictions, as columns of the trajectories and of the runs: "
        + ", ".join(f"{metric.says} (`{name}`)" for name, metric in METRICS.items()),
        allowed=f"a list of {listed(METRICS)}",
    )
