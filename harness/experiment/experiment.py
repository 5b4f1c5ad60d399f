"""The class `Experiment`: checked, immutable, hashed, and written as a file."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray
from pydantic import ValidationError

from harness.calls import check_path, check_type, is_whole
from harness.errors import ExperimentError, shown
from harness.experiment import checks, conditional, objects
from harness.experiment.axes import AllowedAxes, allowed_axes
from harness.experiment.card import card, experiment_rows
from harness.experiment.changes import change, check_changes
from harness.experiment.complaints import Complaints
from harness.experiment.data import Dataset
from harness.experiment.grid import Grid, Listed, Projection, is_absent, project
from harness.experiment.held_out import Divisions, check_axes
from harness.experiment.messages import complaints_of
from harness.experiment.network import Network
from harness.experiment.parse_grid import check_size, parse_grid
from harness.experiment.recording import recorded_epochs
from harness.experiment.schema import (
    DataSection,
    ExperimentFile,
    InitialisationSection,
    NetworkSection,
    OnlyFor,
    RecordSection,
    TrainingSection,
    with_names,
)
from harness.experiment.sections import GivenData, TableObject, keys_as_given, spread
from harness.experiment.source import build_source, check_generated
from harness.experiment.writing import as_toml, write_experiment
from harness.formatting import plural
from harness.hints import suggest

# Each variant needs a kernel call of its own, and each is checked before training.
MOST_VARIANTS = 10_000

_CLASSES: dict[str, type[TableObject]] = {
    "network": objects.Network,
    "data": objects.Data,
    "training": objects.Training,
    "initialisation": objects.Initialisation,
    "grid": objects.Grid,
    "record": objects.Record,
}

# Keys that scale and divide data points, whatever these are.
OF_DIVISION = frozenset(
    f"data.{name}"
    for name in ("standardise", "scale", "validation", "folds", "fold", "stratify", "split_seed")
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
        parse_grid(with_names(grid), allowed_axes(network), complaints)


def check_experiment(value: object) -> None:
    """Raise a HarnessError unless the argument `experiment` is an Experiment."""
    check_type(
        "experiment",
        value,
        Experiment,
        "an Experiment",
        "Read a file with harness.load_experiment(FILE), or make a harness.Experiment.",
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Given:
    """Sources of an experiment besides the keys of its file.

    Attributes
    ----------
    folder : Path or None
        Folder of a relative `data.file`; None if the data points are not read from there.
    table : object
        Table to take the data points from, if it is not None.
    source : Dataset or None
        Data points as they are.
    divisions : Divisions or None
        Data points that other experiments have divided already.
    is_former : bool
        Whether it is to be compared with a later experiment, whose axes may have no effect here.
    complaints : Complaints or None
        Where to collect errors; None to raise the first one.
    """

    folder: Path | None = None
    table: Any = None
    source: Dataset | None = None
    divisions: Divisions | None = None
    is_former: bool = False
    complaints: Complaints | None = None


def _given(data: object) -> Given:
    """Return the sources in the argument `data`; files are relative to the current folder."""
    table = data.table if isinstance(data, GivenData) else None
    return Given(folder=Path() if table is None else None, table=table)


class Experiment:
    """An experiment: network, data, training, initialisation, grid, and what to record.

    It is checked when it is made, and immutable. Its parameters are the tables of an experiment
    file: each is an object, such as `harness.Training`, or a mapping with the keys of that table.

    Parameters
    ----------
    name : str
        Name of the results folder.
    network : Network or mapping
        The network.
    data : Data or mapping
        The data points.
    training : Training or mapping
        Epochs, update rule, batches and stopping.
    initialisation : Initialisation or mapping, optional
        Initial values of the parameters.
    grid : Grid or mapping, optional
        Axes of the sweep; a single run by default.
    record : Record or mapping, optional
        Quantities to record of each run.
    question : str, optional
        Question that the experiment answers.

    Raises
    ------
    ExperimentError
        The experiment is not valid; the message names the key.

    Examples
    --------
    >>> import harness
    >>> experiment = harness.Experiment(
    ...     name="two_rates",
    ...     network=harness.Network([1, 2, 1], "softplus"),
    ...     data=harness.Data([0, 0.5, 1], [0, 1, 0]),
    ...     training=harness.Training(epochs=10, learning_rate=0.1),
    ...     grid=harness.Grid(learning_rate=[0.1, 0.2], init_id=5),
    ... )
    >>> experiment
    <Experiment two_rates: 1-2-1, 10 runs>
    >>> experiment.replace(**{"training.epochs": 20}).training.epochs
    20
    """

    __slots__ = (
        "_allowed_axes",
        "_divisions",
        "_file",
        "_folder",
        "_grid",
        "_network",
        "_points",
        "_variants",
        "_written_grid",
    )

    def __init__(
        self,
        *,
        name: str,
        network: objects.Network | Mapping[str, Any],
        data: objects.Data | Mapping[str, Any],
        training: objects.Training | Mapping[str, Any],
        initialisation: objects.Initialisation | Mapping[str, Any] | None = None,
        grid: objects.Grid | Mapping[str, Any] | None = None,
        record: objects.Record | Mapping[str, Any] | None = None,
        question: str = "",
    ) -> None:
        given = {
            "name": name,
            "question": question,
            "network": network,
            "data": data,
            "training": training,
            "initialisation": initialisation,
            "grid": grid,
            "record": record,
        }
        for section, kind in _CLASSES.items():
            value = given[section]
            if value is not None and not isinstance(value, (kind, Mapping)):
                raise ExperimentError(
                    section,
                    f"= {shown(value)} must be a harness.{kind.__name__} or a mapping.",
                    f"help(harness.{kind.__name__}) has examples.",
                )
        document = {key: keys_as_given(value) for key, value in given.items() if value is not None}
        self._make(document, _given(data))

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
        given = {"source" if isinstance(data, Dataset) else "table": data}
        place = Path(folder or "") if data is None else None
        return cls._of(dict(mapping), Given(folder=place, **given))

    @classmethod
    def _of(cls, document: dict[str, Any], given: Given) -> Self:
        """Make an experiment of a document, with the keys of a file."""
        experiment = cls.__new__(cls)
        experiment._make(document, given)
        return experiment

    @classmethod
    def collecting(cls, document: dict[str, Any], folder: Path, complaints: Complaints) -> Self:
        """Check a document as `from_mapping` does, and go on to collect all errors."""
        return cls._of(document, Given(folder=folder, complaints=complaints))

    def _make(self, document: dict[str, Any], given: Given) -> None:
        """Check a document, and make everything that follows from it."""
        complaints = given.complaints or Complaints()
        try:
            self._file = ExperimentFile.model_validate(
                document, context={"has_table": given.table is not None}
            )
        except ValidationError as error:
            found = complaints_of(error, ExperimentFile)
        else:
            found = []
        if found:
            complaints.add(found)
            _check_axes_alone(document, complaints)
            raise found[0]
        self._folder = given.folder
        self._network = checks.build_network(self.network_section)
        complaints.check(self._check_data, given, complaints)
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
        written = self.document()
        self._grid = conditional.fold(self._written_grid, self._allowed_axes, written)
        check_size(self._grid)
        self._variants = project(self._grid, lambda name: not self._allowed_axes[name].per_run)
        self._check_points()
        # In a former experiment, axes of the present one may have no effect.
        if not given.is_former:
            conditional.check_settings(written, self._written_grid, self._allowed_axes)

    def _check_data(self, given: Given, complaints: Complaints) -> None:
        """Load the data points, and check all that depends on them."""
        self._divisions = given.divisions or Divisions(
            given.source
            or build_source(self.data_section, self._network, given.folder or Path(), given.table)
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
    def name(self) -> str:
        """Name of the results folder."""
        return self._file.name

    @property
    def question(self) -> str:
        """Question that the experiment answers."""
        return self._file.question

    @property
    def network_section(self) -> NetworkSection:
        """The section [network]."""
        return self._file.network

    @property
    def data_section(self) -> DataSection:
        """The section [data]."""
        return self._file.data

    @property
    def training(self) -> TrainingSection:
        """The section [training]."""
        return self._file.training

    @property
    def initialisation(self) -> InitialisationSection:
        """The section [initialisation]."""
        return self._file.initialisation

    @property
    def grid_section(self) -> dict[str, Any]:
        """The section [grid], as it is written."""
        return self._file.grid

    @property
    def record(self) -> RecordSection:
        """The section [record]."""
        return self._file.record

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
        divisions = None if makes_data else self._divisions
        try:
            return Experiment._of(document, Given(folder=self._folder, divisions=divisions))
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
            found = Experiment._of(
                {**document, "grid": grid},
                Given(folder=self._folder, source=self.source, is_former=True),
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

    def replace(self, **changes: Any) -> "Experiment":
        """Return the experiment with other values of some keys, checked anew.

        Parameters
        ----------
        **changes
            Values by dotted key, such as ``**{"training.epochs": 10}``, or whole sections, such as
            ``grid=harness.Grid(init_id=5)``.

        Raises
        ------
        ExperimentError
            The experiment is not valid with these values.

        Notes
        -----
        If a key of [data] or [network] changes, data points are read or made again. Those of a
        table of Python are kept: of the keys of [data], only those that scale and divide them may
        change.
        """
        plain = spread(changes)
        check_changes(plain)
        document = self.document()
        change(document, plain)
        data = changes.get("data")
        if data is not None:
            table = data.table if isinstance(data, GivenData) else None
            return self._of(
                document, Given(folder=None if table is not None else Path(), table=table)
            )
        changed = [name for name in plain if name.partition(".")[0] in ("data", "network")]
        if changed and (self.data_section.makes_points or self._folder is not None):
            return self._of(document, Given(folder=self._folder))
        for name in changed:
            if name.startswith("data.") and name not in OF_DIVISION:
                raise ExperimentError(
                    name,
                    "cannot change by itself: the data points are those of a table of Python.",
                    "Give the table and all keys, as data = harness.Data(...).",
                )
        return self._of(document, Given(folder=self._folder, source=self.source))

    def save(self, path: str | Path, *, overwrite: bool = False) -> None:
        """Write a file that `load_experiment` reads as this experiment.

        Data points of a table of Python are written beside it, into a CSV file of the same name, or
        a Parquet file if they are more than a million numbers; up to a hundred without names of
        columns are written into the file itself. Data from a file stay there.

        Parameters
        ----------
        path : str or Path
            A TOML file.
        overwrite : bool
            Whether files that exist are replaced.

        Raises
        ------
        ExperimentError
            A file exists, or cannot be written.
        """
        check_path("path", path)
        write_experiment(self, Path(path), self._folder, overwrite=overwrite)

    def document(self) -> dict[str, Any]:
        """Return sections and keys as in the file, including defaults."""
        plain = self._file.model_dump(mode="json", exclude_none=True)
        return {name: value for name, value in plain.items() if value != {}}

    def to_toml(self) -> str:
        """Return the text of a file that loads as this experiment, except for given `data`."""
        return as_toml(self.document())

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
        document = self._file.model_dump(mode="json", exclude_none=True, exclude_defaults=True)
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


def _digest(document: Mapping[str, Any]) -> str:
    """Return the SHA-256 of canonical JSON: sorted keys, floats in their shortest exact form.

    >>> _digest({"rate": 5.0, "name": "a"}) == _digest({"name": "a", "rate": 5.00})
    True
    """
    canonical = json.dumps(document, sort_keys=True, separators=(",", ":"), allow_nan=False)
    return hashlib.sha256(canonical.encode()).hexdigest()
