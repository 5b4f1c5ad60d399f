"""Parts of experiments in Python: a class for each section, and one for each optimiser.

Their keyword arguments are made from the schema and the table of optimisers. `objects.pyi` tells
them to type checkers and editors; `make docs` writes it.
"""

from typing import Any

from harness.errors import ExperimentError, shown
from harness.experiment.sections import (
    Entry,
    GivenData,
    Keyword,
    SectionObject,
    TableObject,
    describe,
    of_section,
    plain,
)
from harness.kernels.optimisers import OPTIMISERS


@of_section("network", positional=("layers", "activations"))
class Network(SectionObject):
    """The network.

    A single name in `activations` is the activation of the hidden layers, and the outputs have
    "identity" then.

    Examples
    --------
    >>> Network([1, 8, 1], "tanh")
    Network(layers=[1, 8, 1], activations=['tanh', 'identity'])
    >>> Network([2, 2, 1], ["sigmoid", "sigmoid"], loss="cross_entropy")
    Network(layers=[2, 2, 1], activations=['sigmoid', 'sigmoid'], loss='cross_entropy')
    """

    __slots__ = ()

    def __init__(self, *given: Any, **keys: Any) -> None:
        first = ("layers", "activations")
        if len(given) > len(first):
            raise TypeError(f"Network takes 2 positional arguments; {len(given)} were given")
        for name, value in zip(first, given, strict=False):
            if name in keys:
                raise TypeError(f"Network has got two values for {name}")
            keys = {name: value, **keys}
        ordered = {name: keys[name] for name in first if name in keys} | keys
        name, layers = ordered.get("activations"), plain(ordered.get("layers"))
        if isinstance(name, str) and isinstance(layers, list):
            if len(layers) == 2:
                raise ExperimentError(
                    "network.activations",
                    f"= {shown(name)} is for hidden layers, and network.layers = {shown(layers)}"
                    " has none.",
                    f"Write the activation of the outputs in brackets: [{shown(name)}]",
                )
            ordered["activations"] = [name] * (len(layers) - 2) + ["identity"]
        super().__init__(**ordered)


@of_section("data")
class Data(GivenData):
    """The data points, how to scale them, and which to hold out.

    They are a table with columns for `inputs` and `targets`, such as a DataFrame; or inputs and
    targets by themselves, such as arrays or lists; or a `file`, or a `generator`. Words become
    columns of 0 and 1, and targets that are words, or whole numbers for several outputs, become
    classes, as those of files do.

    Examples
    --------
    >>> Data(generator="moons", samples=100)
    Data(generator='moons', samples=100)
    >>> Data([[0, 0], [0, 1], [1, 0], [1, 1]], [0, 1, 1, 0])
    Data(<table of 4 x 3>, inputs=['1-2'], targets=['3'])
    >>> import pandas as pd
    >>> frame = pd.DataFrame({"size": [1.5, 2.5, 3.0], "kind": ["ant", "bee", "bee"]})
    >>> Data(frame, inputs=["size"], targets=["kind"], standardise=["inputs"])
    Data(<table of 3 x 2>, inputs=['size'], targets=['kind'], standardise=['inputs'])
    """

    __slots__ = ()


@of_section("training")
class Training(SectionObject):
    """Epochs, update rule, batches and stopping.

    The optimiser is a name, or an object with its settings, such as ``harness.Adam(beta1=0.8)``.

    Examples
    --------
    >>> Training(epochs=100, learning_rate=0.01, optimiser=Adam(beta1=0.8), tolerance=1e-3)
    Training(epochs=100, learning_rate=0.01, optimiser='adam', tolerance=0.001, beta1=0.8)
    """

    __slots__ = ()


@of_section("initialisation")
class Initialisation(SectionObject):
    """Initial values of the parameters.

    Examples
    --------
    >>> Initialisation(scheme="glorot", seed=1)
    Initialisation(scheme='glorot', seed=1)
    """

    __slots__ = ()


@of_section("record")
class Record(SectionObject):
    """Quantities to record of each run.

    Examples
    --------
    >>> Record(epochs="all", parameters=True)
    Record(epochs='all', parameters=True)
    """

    __slots__ = ()


class Grid(TableObject):
    """The axes of the sweep, by name.

    Parameters
    ----------
    **axes
        For each axis its values: a list, `log` or `linear`; for `init_id`, also a number of
        initialisations. `zip` has lists of the names of axes that move together.

    Examples
    --------
    >>> Grid(learning_rate=log(0.001, 1, 4), optimiser=["sgd", "adam"], init_id=100)
    Grid(learning_rate={'log': [0.001, 1], 'count': 4}, optimiser=['sgd', 'adam'], init_id=100)
    """

    __slots__ = ()

    def __init__(self, **axes: Any) -> None:
        self._keep({name: plain(values) for name, values in axes.items()})


def log(first: float, last: float, count: int) -> dict[str, Any]:
    """Return the values of an axis at equal ratios, both ends included.

    >>> log(0.001, 1, 4)
    {'log': [0.001, 1], 'count': 4}
    """
    return {"log": [first, last], "count": count}


def linear(first: float, last: float, count: int) -> dict[str, Any]:
    """Return the values of an axis at equal distances, both ends included.

    >>> linear(0, 1, 5)
    {'linear': [0, 1], 'count': 5}
    """
    return {"linear": [first, last], "count": count}


# Class names of optimisers, where they are not the name with a capital letter.
_SPELLED = {"sgd": "SGD", "rmsprop": "RMSprop", "adamw": "AdamW"}


def _optimiser(name: str) -> type[Entry]:
    """Return the class of an optimiser, with its settings as keyword arguments."""
    summary = f'The optimiser "{name}" with its settings, as `optimiser` of `Training`.\n'
    made = type(
        _SPELLED.get(name, name.capitalize()),
        (Entry,),
        {"__slots__": (), "__doc__": summary, "__module__": __name__, "name": name},
    )
    settings = OPTIMISERS[name].all_settings
    describe(made, [Keyword(s.name, s.allowed, s.says, s.default) for s in settings])
    return made


OPTIMISER_CLASSES = {made.__name__: made for made in map(_optimiser, OPTIMISERS)}
globals().update(OPTIMISER_CLASSES)
