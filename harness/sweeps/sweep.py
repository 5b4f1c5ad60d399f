"""`harness.sweep`: an experiment from keys by their own names, trained at once."""

import atexit
import shutil
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from harness.errors import ExperimentError
from harness.experiment import Experiment
from harness.experiment.axes import SECTIONS
from harness.experiment.objects import Data, Grid, Initialisation, Network, Record, Training
from harness.experiment.schema import RecordSection, Section, declared, keys_of
from harness.experiment.sections import Entry, plain
from harness.results.tables import Results
from harness.sweeps.progress import Progress
from harness.sweeps.run import run

# The sections whose keys are looked for, in this order; the others are given as a whole.
_OWN: dict[str, type[Section]] = {
    "training": SECTIONS["training"],
    "initialisation": SECTIONS["initialisation"],
    "record": RecordSection,
}
_CLASSES = {"training": Training, "initialisation": Initialisation, "record": Record}

# The number of epochs to train, and the initialisations of the grid: not other keys of these names.
_FIRST = ("epochs",)
_OF_GRID = ("init_id", "zip")


def sweep(
    *,
    network: Network | Mapping[str, Any],
    data: Data | Mapping[str, Any],
    name: str = "sweep",
    out: str | Path | None = None,
    threads: int | None = None,
    progress: Callable[[Progress], None] | None = None,
    **keys: Any,
) -> Results:
    """Train every combination of some values, and return the results.

    It is short for `harness.Experiment` and `harness.run`.

    Parameters
    ----------
    network, data
        As for `harness.Experiment`.
    name : str
        Name of the experiment.
    out : str or Path, optional
        The results folder; by default a temporary one, which is deleted when Python ends.
    threads, progress
        As for `harness.run`.
    **keys
        Keys of [training], [initialisation] and [record] by their own names, such as
        ``epochs=100``. A list, `harness.log` or `harness.linear` is an axis, if the key has one.
        `init_id` is a number of initialisations or a list of them, as in [grid]. Other names are
        axes, such as ``activation=["tanh", "relu"]``.

    Raises
    ------
    ExperimentError
        The experiment is not valid, or several sections have a key of the name.

    Examples
    --------
    >>> import harness
    >>> results = harness.sweep(
    ...     network=harness.Network([2, 3, 1], "tanh"),
    ...     data=harness.Data(generator="xor"),
    ...     epochs=20,
    ...     learning_rate=[0.01, 0.1],
    ...     init_id=5,
    ... )
    >>> len(results.runs)
    10
    """
    experiment = Experiment(name=name, network=network, data=data, **_sections(keys))
    if out is None:
        out = tempfile.mkdtemp(prefix="harness_")
        atexit.register(shutil.rmtree, out, ignore_errors=True)
        out = Path(out, name)
    return run(experiment, out, threads=threads, progress=progress)


def _sections(keys: Mapping[str, Any]) -> dict[str, Any]:
    """Return the sections that have these keys, and the grid of those that are axes."""
    sections: dict[str, dict[str, Any]] = {name: {} for name in _OWN}
    grid = {}
    for key, value in keys.items():
        found = [name for name, model in _OWN.items() if key in keys_of(model)]
        if key in _OF_GRID or not found:
            grid[key] = value
            continue
        section = found[0]
        if len(found) > 1 and key not in _FIRST:
            raise ExperimentError(
                key,
                f"is a key of {' and of '.join(f'[{name}]' for name in found)}.",
                "Write an experiment instead, with harness.Experiment and harness.run.",
            )
        axis = declared(keys_of(_OWN[section])[key])["axis"]
        values = plain(value)
        if axis is None or isinstance(value, Entry) or not isinstance(values, list | dict):
            sections[section][key] = value
            continue
        grid[axis.name or key] = values
        if keys_of(_OWN[section])[key].is_required():
            sections[section][key] = _first(values)
    made: dict[str, Any] = {name: _CLASSES[name](**found) for name, found in sections.items()}
    return made | {"grid": Grid(**grid)}


def _first(values: Any) -> Any:
    """Return a value of an axis, for a key that a section must have."""
    while isinstance(values, dict) and values:
        values = next(iter(values.values()))
    return values[0] if isinstance(values, list) and values else values
