"""The class `Experiment`: checked, immutable, hashed, and written as a file."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Annotated, Any, Self

import numpy as np
import tomli_w
from numpy.typing import NDArray
from pydantic import (
    BeforeValidator,
    Field,
    ModelWrapValidatorHandler,
    PrivateAttr,
    ValidationError,
    ValidationInfo,
    model_validator,
)

from harness.calls import check_path, check_type, is_whole
from harness.errors import ExperimentError, printable, shown
from harness.experiment import checks, conditional
from harness.experiment.axes import AllowedAxes, allowed_axes
from harness.experiment.card import card, experiment_rows
from harness.experiment.complaints import Complaints
from harness.experiment.data import Dataset
from harness.experiment.grid import Grid, Listed, Projection, is_absent, project
from harness.experiment.held_out import Divisions, Points, check_axes
from harness.experiment.messages import complaints_of
from harness.experiment.network import Network
from harness.experiment.parse_grid import check_size, parse_grid
from harness.experiment.recording import recorded_epochs
from harness.experiment.schema import (
    NAME,
    DataSection,
    InitialisationSection,
    NetworkSection,
    OnlyFor,
    RecordSection,
    Section,
    Text,
    TrainingSection,
    key,
)
from harness.experiment.source import build_source, check_generated
from harness.formatting import plural
from harness.hints import suggest

# Each variant needs a kernel call of its own, and each is checked before training.
MOST_VARIANTS = 10_000


def _with_names(grid: Any) -> Any:
    """Convert keys that TOML cannot express to text, so that they are refused as unknown axes."""
    return (
        {printable(str(name)): spec for name, spec in grid.items()}
        if isinstance(grid, dict)
        else grid
    )


def _check_axes_alone(given: Mapping[str, Any], complaints: Complaints) -> None:
    """Check the network and the axes of a document with errors in other sections."""
    grid = given.get("grid", {})
    try:
        section = NetworkSection.model_validate(given.get("network"))
    except ValidationError:
        return
    network = checks.build_network(section)
    if isinstance(grid, dict):
        parse_grid(_with_names(grid), allowed_axes(network), complaints)


def check_experiment(value: object) -> None:
    """Raise a HarnessError unless the argument `experiment` is an Experiment."""
    check_type(
        "experiment",
        value,
        Experiment,
        "an Experiment",
        "Read a file with harness.load_experiment(FILE), or check a mapping with"
        " harness.Experiment.from_mapping(MAPPING).",
    )


class Experiment(Section):
    """An experiment: network, data, training, initialisation, grid, and what to record.

    Use `load_experiment` or `Experiment.from_mapping`. An experiment is checked when it is made,
    and immutable.

    Examples
    --------
    >>> experiment = Experiment.from_mapping(
    ...     {
    ...         "name": "two_rates",
    ...         "network": {"layers": [1, 2, 1], "activations": ["softplus", "identity"]},
    ...         "data": {"generator": "dosage"},
    ...         "training": {"epochs": 10, "learning_rate": 0.1},
    ...         "grid": {"learning_rate": [0.1, 0.2], "init_id": 5},
    ...     }
    ... )
    >>> experiment.grid.size
    10
    """

    name: Annotated[str, Field(strict=True, pattern=NAME)] = key(
        says="name of the results folder",
        allowed="1 to 64 letters, digits, dots, underscores or hyphens, the first of them a letter"
        " or a digit",
    )
    question: Text = key("", says="question that the experiment answers", allowed="a text")
    network_section: NetworkSection = key(alias="network", says="the network", allowed="a table")
    data_section: DataSection = key(alias="data", says="the data points", allowed="a table")
    training: TrainingSection = key(
        says="epochs, update rule, batches and stopping", allowed="a table"
    )
    initialisation: InitialisationSection = key(
        InitialisationSection(), says="initial values of the parameters", allowed="a table"
    )
    grid_section: Annotated[dict[str, Any], BeforeValidator(_with_names)] = key(
        {}, alias="grid", says="axes of the sweep", allowed="a table of axes"
    )
    record: RecordSection = key(
        RecordSection(), says="quantities to record of each run", allowed="a table"
    )

    _network: Network = PrivateAttr()
    _divisions: Divisions = PrivateAttr()
    _points: Points = PrivateAttr()
    _written_grid: Grid = PrivateAttr()
    _grid: Grid = PrivateAttr()
    _variants: Projection = PrivateAttr()
    _allowed_axes: AllowedAxes = PrivateAttr()

    @classmethod
    def from_mapping(
        cls, mapping: Mapping[str, Any], *, folder: Path | None = None, data: Any = None
    ) -> Self:
        """Check a mapping with the keys of an experiment file.

        Parameters
        ----------
        mapping : mapping
            Sections and keys as in the file.
        folder : Path, optional
            Folder of a relative `data.file`; by default, the current folder.
        data : DataFrame, array, list of rows or mapping of columns, optional
            Table to take the data points from, instead of `data.file`: the section has the columns
            in `inputs` and `targets`, and may have `missing`, `standardise` and `scale`. A
            `Dataset` is used as it is, as the `source` of another experiment: the section only says
            what is held out, and how the others are scaled then.

        Raises
        ------
        ExperimentError
            The experiment is not valid; the message names the key.
        """
        if not isinstance(mapping, Mapping):
            raise ExperimentError(
                "experiment",
                f"= {shown(mapping)} must be a mapping with the keys of an experiment file.",
                "To read a file, use harness.load_experiment.",
            )
        if folder is not None:
            check_path("folder", folder)
        given = {"data" if isinstance(data, Dataset) else "table": data}
        context = {"folder": Path(folder or ""), **given}
        return cls.model_validate(dict(mapping), context=context)

    @model_validator(mode="wrap")
    @classmethod
    def _complain(
        cls, given: Any, check: ModelWrapValidatorHandler[Self], info: ValidationInfo
    ) -> Self:
        """Raise an ExperimentError instead of pydantic's ValidationError."""
        try:
            return check(given)
        except ValidationError as error:
            found = complaints_of(error, cls)
        complaints = (info.context or {}).get("complaints") or Complaints()
        complaints.add(found)
        _check_axes_alone(given, complaints)
        raise found[0]

    @model_validator(mode="after")
    def _check(self, info: ValidationInfo) -> Self:
        context = info.context or {}
        complaints = context.get("complaints") or Complaints()
        self._network = checks.build_network(self.network_section)
        complaints.check(self._check_data, context, complaints)
        for check in (checks.check_layers, checks.check_trained):
            complaints.check(check, self.training, self._network)
        for check_alone in (checks.check_schedule, checks.check_step_sizes):
            complaints.check(check_alone, self.training)
        complaints.check(checks.check_initialisation, self.initialisation, self._network)
        # Without a grid there are none: making them would double the time of `at`.
        self._allowed_axes = (
            allowed_axes(self._network) if self.grid_section else AllowedAxes({}, self._network)
        )
        self._written_grid = parse_grid(self.grid_section, self._allowed_axes, complaints)
        complaints.stop_if_any()
        document = self.document()
        self._grid = conditional.fold(self._written_grid, self._allowed_axes, document)
        check_size(self._grid)
        self._variants = project(self._grid, lambda name: not self._allowed_axes[name].per_run)
        self._check_points()
        # In a former experiment, axes of the present one may have no effect.
        if not context.get("is_former"):
            conditional.check_settings(document, self._written_grid, self._allowed_axes)
        return self

    def _check_data(self, context: Mapping[str, Any], complaints: Complaints) -> None:
        """Load the data points, and check all that depends on them."""
        self._divisions = context.get("divisions") or Divisions(
            context.get("data")
            or build_source(
                self.data_section,
                self._network,
                context.get("folder", Path()),
                context.get("table"),
            )
        )
        checks.check_shapes(self._divisions.source, self.data_section, self._network)
        self._points = self._divisions.points(self.data_section)
        is_file = self.data_section.validation_file is not None
        held_out = " of data.validation_file" if is_file else ", which is held out"
        for part, of in ((self.data, ""), (self.validation, held_out)):
            if part is not None:
                complaints.check(checks.check_targets, part, self._network, of)
                complaints.check(checks.check_precision, part, self.training, of)
        complaints.check(checks.check_batches, self.training, len(self.data.inputs))
        has_held_out = self.validation is not None
        complaints.check(checks.check_patience, self.training, has_held_out=has_held_out)
        complaints.check(
            checks.check_record,
            self.record,
            self.training,
            self._network,
            has_held_out=has_held_out,
        )
        complaints.check(checks.check_metrics, self.record, self.source)

    def _check_points(self) -> None:
        """Check every variant, and the ends of every other axis."""
        if self.variant_grid.size > MOST_VARIANTS:
            names = ", ".join(axis.name for axis in self.variant_grid.axes)
            raise ExperimentError(
                "grid",
                f"has {shown(self.variant_grid.size)} different networks or kinds of training"
                f" ({names}); at most {MOST_VARIANTS} are allowed.",
                "Shorten one of these axes, or use several experiments.",
            )
        parameters = {
            axis.name: axis.values.ends()[0]
            for axis in self._grid.axes
            if self._allowed_axes.is_parameter(axis.name)
        }
        check_axes(self.data_section, {axis.name for axis in self._grid.axes})
        check_generated(self.data_section, self._network, self.variant_grid)
        if self.variant_grid.axes:
            for variant in range(self.variant_grid.size):
                # With the parameters that are axes: a smaller network may not have them.
                self.at({**self.variant_grid.point(variant), **parameters})
        for axis in self._grid.axes:
            if self._allowed_axes[axis.name].per_run:
                for value in axis.values.ends():
                    self._check_value(axis.name, value)
        self._check_pairs(*checks.ORDERED)

    def _check_value(self, name: str, value: Any, **further: Any) -> None:
        """Check a value of an axis that single runs have, with an entry that has the setting."""
        self.at(conditional.point_with(self._grid, self._allowed_axes, name, value) | further)

    def _check_pairs(self, low: str, high: str) -> None:
        """Check the values of two axes together: no value of the first is above the second."""
        pairs = project(self._grid, {low, high}.__contains__).grid
        values = {axis.name: axis.values for axis in pairs.axes}
        if len(values) < 2:
            return
        if len(pairs.dimensions) == 2:  # all combinations, so also that of the ends
            self._check_value(low, values[low].ends()[1], **{high: values[high].ends()[0]})
            return
        columns = pairs.columns(np.arange(min(pairs.size, conditional.MOST_FOLDED)))
        for index in np.flatnonzero(columns[low] > columns[high])[:1].tolist():
            self._check_value(low, values[low].value(index), **{high: values[high].value(index)})

    @property
    def grid(self) -> Grid:
        """The grid: axes, and the arithmetic between run ids and coordinates."""
        return self._grid

    @property
    def written_grid(self) -> Grid:
        """The grid as it is written in the file, with all values of an axis for all runs.

        It is another one than `grid` if only some of the runs have a setting that is an axis.
        """
        return self._written_grid

    @property
    def variants(self) -> Projection:
        """The axes whose values must agree for runs of one kernel call, and which run has which."""
        return self._variants

    @property
    def variant_grid(self) -> Grid:
        """The axes whose values must agree for runs of one kernel call."""
        return self._variants.grid

    @property
    def data_axes(self) -> list[str]:
        """Names of the axes whose values have data points of their own."""
        axes = self._grid.axes
        return [axis.name for axis in axes if self._allowed_axes[axis.name].makes_data]

    def entries_with(self, axis: str) -> list[str]:
        """Return which optimisers, for example, have the setting of an axis; none if all have it.

        The axis is NaN in runs of the others.
        """
        only_for = self._allowed_axes[axis].only_for
        values = next(each.values for each in self._grid.axes if each.name == axis)
        if only_for is None or not (isinstance(values, Listed) and values.has_absent):
            return []
        entries = conditional.entries_in_use(
            only_for.owner, self.document(), self._written_grid, self._allowed_axes
        )
        return [entry for entry in entries if entry in only_for.defaults]

    @property
    def varied(self) -> frozenset[str]:
        """Keys that an axis sets, such as "training.learning_rate"."""
        targets = (self._allowed_axes[axis.name] for axis in self._grid.axes)
        return frozenset(f"{target.section}.{target.key}" for target in targets)

    @property
    def data(self) -> Dataset:
        """The data points to train on, before any axis changes them."""
        return self._points.training

    @property
    def validation(self) -> Dataset | None:
        """The data points that are held out, scaled as the others are; None if there are none."""
        return self._points.validation

    @property
    def source(self) -> Dataset:
        """All data points, before they are scaled and completed."""
        return self._points.source

    @property
    def is_held_out(self) -> NDArray[np.bool_]:
        """Mask of the data points of `source` that are held out, shape (m,)."""
        return self._points.is_held_out

    @property
    def network(self) -> Network:
        """The network of the file, before any axis changes it."""
        return self._network

    @property
    def recorded_epochs(self) -> NDArray[np.int64]:
        """Recorded epochs of a trajectory, ascending; empty if there are none."""
        return recorded_epochs(self.record.epochs, self.training.epochs)

    def at(self, point: Mapping[str, Any]) -> "Experiment":
        """Return the experiment without a grid at a point of the grid.

        A setting that is NaN there is left out. So are settings of the file that belong to another
        optimiser, schedule, activation or loss than those of the point.

        Raises
        ------
        ExperimentError
            A value is not allowed, or does not fit the others.
        """
        check_type("point", point, Mapping, "a mapping of axes", 'For example: {"init_id": 3}')
        document = self.document()
        document.pop("grid", None)
        for name in point:
            if not isinstance(name, str) or name not in self._allowed_axes:
                raise ExperimentError(
                    f"grid.{name}",
                    "is not an axis of the grid.",
                    suggest(str(name), self._allowed_axes),
                )
        set_here = {
            name: value
            for name, value in point.items()
            if not (self._allowed_axes[name].only_for and is_absent(value))
        }
        for name, value in set_here.items():
            self._allowed_axes[name].set_key(document, value)
        kept = {self._allowed_axes[name].dotted for name in set_here}
        conditional.drop_others(document, kept)
        makes_data = any(self._allowed_axes[name].makes_data for name in point)
        context = {} if makes_data else {"divisions": self._divisions}
        try:
            return Experiment.model_validate(document, context=context)
        except ExperimentError as error:
            where = ", ".join(f"grid.{name} = {shown(value)}" for name, value in set_here.items())
            raise ExperimentError(
                error.key, f"{error.problem} This is at {where}.", error.advice
            ) from None

    def with_axes_of(self, other: "Experiment") -> "Experiment":
        """Return the experiment with all axes of another one; itself if that is not possible.

        A missing axis gets a single value, that of the section, so that runs and run ids do not
        change.
        """
        document = self.document()
        own, theirs = document.get("grid", {}), other.document().get("grid", {})
        allowed = allowed_axes(self._network)
        grid: dict[str, Any] = {}
        for name in theirs:
            if name in own:
                grid[name] = own[name]
            elif name == "zip":
                grid[name] = theirs[name]
            elif name in allowed:
                value, only_for = allowed[name].value_in(document), allowed[name].only_for
                if value is None and only_for is not None:
                    value = self._default_of(only_for)
                if value is not None:
                    grid[name] = [value]
        try:
            found = Experiment.model_validate(
                {**document, "grid": grid}, context={"data": self.source, "is_former": True}
            )
        except ExperimentError:  # an axis of several values zipped with one of a single value
            return self
        # If the order of its own axes or their zips differ, so do the runs.
        dimensions = [
            [axis.name for axis in dimension if axis.name in own]
            for dimension in found.grid.dimensions
        ]
        same = [[axis.name for axis in dimension] for dimension in self._grid.dimensions]
        return found if [names for names in dimensions if names] == same else self

    def _default_of(self, only_for: OnlyFor) -> float | None:
        """Return the default of a setting for all runs that have it; None if they differ."""
        return conditional.default_in_use(
            only_for, self.document(), self._written_grid, self._allowed_axes
        )

    def single(self, run_id: int) -> "Experiment":
        """Return one run of the grid as an experiment without a grid.

        Raises
        ------
        ExperimentError
            The grid has no run of this id.
        """
        if not (is_whole(run_id) and 0 <= run_id < self._grid.size):
            raise ExperimentError(
                "run_id",
                f"= {shown(run_id)} must be a whole number from 0 to {self._grid.size - 1}.",
                "Choose a run of the grid.",
            )
        return self.at(self._grid.point(run_id))

    def document(self) -> dict[str, Any]:
        """Return sections and keys as in the file, including defaults."""
        plain = self.model_dump(mode="json", by_alias=True, exclude_none=True)
        return {name: value for name, value in plain.items() if value != {}}

    def to_toml(self) -> str:
        """Return the text of a file that loads as this experiment, except for given `data`."""
        sections = self.document()
        grid = sections.pop("grid", {})
        # tomli_w would move axes that are tables to the end, but their order decides the run ids.
        axes = "".join(f"{name} = {_inline(spec)}\n" for name, spec in grid.items())
        return tomli_w.dumps(sections) + (f"\n[grid]\n{axes}" if grid else "")

    def __eq__(self, other: object) -> bool:
        """Compare name, question and identity."""
        return isinstance(other, Experiment) and self._compared() == other._compared()

    def __hash__(self) -> int:
        """Agree with `__eq__`."""
        return hash(self._compared())

    def _compared(self) -> tuple[str, str, str]:
        return self.name, self.question, self.identity

    def __repr__(self) -> str:
        """Return a short description."""
        sizes = "-".join(map(str, self._network.sizes))
        return f"<Experiment {self.name}: {sizes}, {plural(self._grid.size, 'run')}>"

    __str__ = __repr__

    def _repr_html_(self) -> str:
        """Return the description that notebooks show."""
        points = len(self.data.inputs)
        rows = experiment_rows(
            self.question,
            self._network,
            self.training,
            points,
            self._grid.size,
            self._written_grid.axes,
        )
        return card(self.name, rows)

    @property
    def identity(self) -> str:
        """SHA-256 of everything that determines the results.

        It excludes the name and the question. The data enter as the SHA-256 of their numbers (row
        by row, as little-endian float64), so that it does not matter where they come from: those
        that are trained on. With data points that are held out, these are the numbers before
        scaling, and what decides scaling and split enters too. If an axis changes the data, the
        section [data] enters instead.
        """
        document = self._decisive()
        document["grid"] = [
            [{axis.name: axis.values.document()} for axis in dimension]
            for dimension in self._written_grid.dimensions
        ]
        return _digest(document)

    @property
    def lineage(self) -> str:
        """SHA-256 of the identity without the values of the axes and the number of epochs.

        Experiments that differ only in the size of their grids have the same lineage.
        """
        document = self._decisive()
        document["training"].pop("epochs")
        document["grid"] = [[axis.name for axis in d] for d in self._written_grid.dimensions]
        return _digest(document)

    def _decisive(self) -> dict[str, Any]:
        """Return all sections that determine the results, except for the grid."""
        # Without the keys at their defaults: a new key leaves the identity of other experiments as
        # it was. A default that changes asks for another `store.manifest.FORMAT`.
        document = self.model_dump(
            mode="json", by_alias=True, exclude_none=True, exclude_defaults=True
        )
        for free in ("name", "question", "grid"):
            document.pop(free, None)
        for dotted, only_for in conditional.SETTINGS.items():
            section, _, name = dotted.partition(".")
            if name in document.get(section, {}):
                default = self._default_of(only_for)
                if document[section][name] == default:
                    del document[section][name]
        # Every run replaces the keys that axes set.
        for axis in self._grid.axes:
            target = self._allowed_axes[axis.name]
            # Of the settings of entries, layers without an axis enter as None.
            (replace(target, default=None) if target.only_for else target).set_key(document, 0)
        if self.data_axes:
            return document  # each run generates its data
        points, section = self.source if self.validation else self.data, document["data"]
        document["data"] = {
            name: [list(numbers.shape), hashlib.sha256(numbers.astype("<f8").tobytes()).hexdigest()]
            for name, numbers in (("inputs", points.inputs), ("targets", points.targets))
        }
        if self.validation is not None:
            document["data"] |= self._division(section)
        return document

    def _division(self, section: Mapping[str, Any]) -> dict[str, Any]:
        """Return the keys and columns that decide the split and the scaling of data points."""
        source = self.source
        keys = ("validation", "folds", "fold", "stratify", "split_seed")
        division = {key: section[key] for key in keys if key in section}
        if source.held_out:
            division = {"held_out": source.held_out}
        words = {"inputs": source.input_words, "targets": source.target_words}
        for name, (_, how) in self.data_section.scales.items():
            division[f"scaled_{name}"] = [how, sorted(words[name])]
        return division


def _inline(value: Any) -> str:
    """Write a value of [grid] on one line; its texts are names of harness, without quotes."""
    if isinstance(value, dict):
        return "{ " + ", ".join(f"{name} = {_inline(item)}" for name, item in value.items()) + " }"
    if isinstance(value, list | tuple):
        return "[" + ", ".join(_inline(item) for item in value) + "]"
    return f'"{value}"' if isinstance(value, str) else repr(value)


def _digest(document: Mapping[str, Any]) -> str:
    """Return the SHA-256 of canonical JSON: sorted keys, floats in their shortest exact form.

    >>> _digest({"rate": 5.0, "name": "a"}) == _digest({"name": "a", "rate": 5.00})
    True
    """
    canonical = json.dumps(document, sort_keys=True, separators=(",", ":"), allow_nan=False)
    return hashlib.sha256(canonical.encode()).hexdigest()
