"""The data points of an experiment in two parts: for training, and held out for validation.

Points are held out by a split of all points, or they come from a file or a generator of their own.
"""

from collections.abc import Container
from dataclasses import dataclass, replace

import numpy as np

from harness.errors import ExperimentError, shown
from harness.experiment.data import MOST_NUMBERS, Dataset, Floats
from harness.experiment.generators import GENERATORS
from harness.experiment.scaling import prepare, unscaled
from harness.experiment.schema import DataSection
from harness.experiment.split import Mask, count_of, hold_out, hold_out_fold
from harness.formatting import plural

_WAYS = ("validation", "folds", "validation_file")


@dataclass(frozen=True, slots=True, kw_only=True)
class Points:
    """Data points of an experiment.

    Attributes
    ----------
    source : Dataset
        All of them. They are not scaled, and NaN stands for a missing input.
    is_held_out : array of shape (m,)
        Which of them are held out.
    training, validation : Dataset
        Those to train on, and those that are held out, if any: scaled and complete, in the order
        of the source.
    """

    source: Dataset
    is_held_out: Mask
    training: Dataset
    validation: Dataset | None = None


class Divisions:
    """The divisions of some data points by the folds and seeds of a grid.

    A division is made once, for all points of the grid that have it: scaling 60,000 data points
    of 100 inputs takes a second. Those kept have up to `MOST_NUMBERS` numbers in all.
    """

    def __init__(self, source: Dataset) -> None:
        self.source = source
        self._made: dict[tuple[int, int], Points] = {}
        self._most = max(1, MOST_NUMBERS // (source.inputs.size + source.targets.size))

    def __reduce__(self) -> tuple[type["Divisions"], tuple[Dataset]]:
        # To another process, the data points travel once; it divides them again.
        return Divisions, (self.source,)

    def points(self, section: DataSection) -> Points:
        """Divide the data points; the sections may only differ in what axes of a split set.

        Raises
        ------
        ExperimentError
            See `divide`.
        """
        key = section.fold, section.split_seed
        if key in self._made:
            return self._made[key]
        found = divide(self.source, section)
        if len(self._made) < self._most:
            self._made[key] = found
        return found


def holds_out(section: DataSection) -> bool:
    """Return whether data points are held out."""
    return any(getattr(section, key) is not None for key in _WAYS)


def generated_in_addition(section: DataSection) -> int:
    """Return how many data points a generator makes for validation only."""
    has_samples = section.generator is not None and "samples" in GENERATORS[section.generator].keys
    return section.validation if has_samples and isinstance(section.validation, int) else 0


def check_axes(section: DataSection, axes: Container[str]) -> None:
    """Refuse axes of a split if there is none; a variant does not, if the value is the default."""
    for axis, has_effect, needs, example in (
        ("fold", section.folds is not None, "data.folds", "folds = 5"),
        ("split_seed", _is_split(section), "data.validation or data.folds", "validation = 0.2"),
    ):
        if axis in axes and not has_effect:
            raise ExperimentError(
                f"grid.{axis}",
                f"needs {needs}, which divides the data points at random.",
                f"Write, for example, {example} in [data], or remove the axis.",
            )


def divide(source: Dataset, section: DataSection) -> Points:
    """Divide data points into those to train on and those that are held out.

    Scaling and means of missing inputs are measured on the points to train on only.

    Raises
    ------
    ExperimentError
        The keys contradict each other, or do not fit the data points.
    """
    _check_keys(section)
    if np.isnan(source.inputs).any() and section.missing != "mean":
        raise ExperimentError(
            "data.inputs", "has a number that is not finite.", "Give finite numbers."
        )
    _check_apart(section, source)
    is_held_out = held_out_points(source, section)
    if not holds_out(section):
        training = source if source.is_scaled else prepare(source, section.scales)
        return Points(source=source, is_held_out=is_held_out, training=training)
    prepared = prepare(source, section.scales, ~is_held_out)
    return Points(
        source=source,
        is_held_out=is_held_out,
        training=prepared.at(~is_held_out),
        validation=prepared.at(is_held_out),
    )


def scaled_as_training(inputs: Floats, source: Dataset, section: DataSection) -> Floats:
    """Return inputs (m, inputs), in the units of the source, as the points to train on were scaled.

    A missing input is replaced by the mean of these points, as it was there.

    Raises
    ------
    ExperimentError
        How they were scaled is not known.
    """
    _check_original(source, section)
    both = replace(source, inputs=np.concatenate((source.inputs, inputs)))
    training = np.flatnonzero(~held_out_points(source, section))
    scales = {name: how for name, how in section.scales.items() if name == "inputs"}
    return prepare(both, scales, training).inputs[len(source.inputs) :]


def in_original_units(predictions: Floats, source: Dataset, section: DataSection) -> Floats:
    """Return predictions (m, outputs) in the units of the targets before scaling."""
    if "targets" not in section.scales:
        return predictions
    _check_original(source, section)
    _, how = section.scales["targets"]
    return unscaled(predictions, source, how, ~held_out_points(source, section))


def _check_original(source: Dataset, section: DataSection) -> None:
    """Refuse data points whose numbers before scaling are not known."""
    if source.is_scaled and section.scales and not holds_out(section):
        key, how = next(iter(section.scales.values()))
        raise ExperimentError(
            key,
            f"= {shown(how)} scales the data points, and the results folder was written by an"
            " earlier version, which did not keep the numbers before scaling.",
            "Remove data.parquet from the folder; `harness run` writes it again, with them.",
        )


def _check_keys(section: DataSection) -> None:
    """Refuse keys that contradict each other, or have no effect."""
    given = [key for key in _WAYS if getattr(section, key) is not None]
    if len(given) > 1:
        first, second = (f"data.{key} = {shown(getattr(section, key))}" for key in given[:2])
        raise ExperimentError(
            f"data.{given[1]}",
            f"cannot be combined with data.{given[0]}: {first} and {second} both hold out data"
            " points.",
            "Remove one of the two.",
        )
    if section.folds is None and section.fold:
        raise ExperimentError(
            "data.fold",
            f"= {section.fold} is only for data.folds.",
            "Remove it, or add data.folds.",
        )
    if section.folds is not None and section.fold >= section.folds:
        raise ExperimentError(
            "data.fold",
            f"= {section.fold} must be a whole number from 0 to {section.folds - 1}, since"
            f" data.folds = {section.folds}.",
            "Folds are counted from 0.",
        )
    if not _is_split(section):
        why = "data.validation and data.folds"
        if section.validation is not None:
            why = f"a split; data.validation = {section.validation} generates further data points"
        for key in ("stratify", "split_seed"):
            value = getattr(section, key)
            if value:
                raise ExperimentError(
                    f"data.{key}", f"= {shown(value)} is only for {why}.", "Remove it."
                )


def _is_split(section: DataSection) -> bool:
    """Return whether the points to hold out are chosen at random."""
    by_number = section.validation is not None and not generated_in_addition(section)
    return by_number or section.folds is not None


def _check_apart(section: DataSection, source: Dataset) -> None:
    """Check the number of points that are held out by themselves: those of a folder may not fit."""
    points, generated = len(source.inputs), generated_in_addition(section)
    if generated:
        fits = source.held_out == generated < points
    elif section.validation_file is not None:
        fits = 0 < source.held_out < points
    else:
        fits = source.held_out == 0
    if not fits:
        raise ExperimentError(
            "data",
            f"holds out the last {source.held_out} of {plural(points, 'data point')}, which does"
            " not fit the section [data].",
            "Give the data points of this section.",
        )


def held_out_points(source: Dataset, section: DataSection) -> Mask:
    """Return which data points are held out."""
    points = len(source.inputs)
    if not holds_out(section):
        return np.zeros(points, dtype=np.bool_)
    if source.held_out:
        return np.arange(points) >= points - source.held_out
    targets = source.targets if section.stratify else None
    if targets is not None and len(np.unique(targets, axis=0)) == points:
        raise ExperimentError(
            "data.stratify",
            "= true needs classes, but no two data points have the same targets.",
            "Remove it.",
        )
    if section.folds is not None:
        if section.folds > points:
            raise ExperimentError(
                "data.folds",
                f"= {section.folds} is more than the number of data points, {points}.",
                "Use fewer folds.",
            )
        return hold_out_fold(points, section.folds, section.fold, section.split_seed, targets)
    given = section.validation
    assert given is not None  # `_check_apart` has found no other way
    count = given if isinstance(given, int) else count_of(given, points)
    if not 0 < count < points:
        raise ExperimentError(
            "data.validation",
            f"= {given} leaves none of {plural(points, 'data point')} to train on.",
            "Hold out fewer, or give more data points.",
        )
    return hold_out(points, count, section.split_seed, targets)
