"""Suggestions for names that are not known here: a misspelling, or what other software calls it."""

from collections.abc import Iterable
from itertools import islice

from harness.errors import shown

# What other libraries and textbooks call it, folded as by `_folded`, and its name here: a value,
# an axis, or a key with its section. Where there are several, the first that is allowed is meant.
_CALLED_HERE: dict[str, tuple[str, ...]] = {
    "lr": ("training.learning_rate",),
    "eta": ("training.learning_rate",),
    "eta0": ("training.learning_rate",),
    "rate": ("training.learning_rate",),
    "stepsize": ("training.learning_rate",),
    "learningrateinit": ("training.learning_rate",),
    "nepochs": ("training.epochs", "max_epochs"),
    "numepochs": ("training.epochs", "max_epochs"),
    "epochs": ("training.epochs", "max_epochs"),
    "maxiter": ("training.epochs", "max_epochs"),
    "iterations": ("training.epochs", "max_epochs"),
    "niter": ("training.epochs", "max_epochs"),
    "steps": ("training.epochs", "max_epochs"),
    "batch": ("training.batch_size",),
    "minibatch": ("training.batch_size",),
    "minibatchsize": ("training.batch_size",),
    "shuffle": ("training.batches",),
    "tol": ("training.tolerance",),
    "seed": ("initialisation.seed", "init_seed"),
    "randomseed": ("initialisation.seed", "init_seed"),
    "randomstate": ("initialisation.seed", "init_seed"),
    "rngseed": ("initialisation.seed", "init_seed"),
    "init": ("initialisation.scheme", "init_scheme"),
    "initializer": ("initialisation.scheme", "init_scheme"),
    "initialiser": ("initialisation.scheme", "init_scheme"),
    "kernelinitializer": ("initialisation.scheme", "init_scheme"),
    "initialization": ("initialisation",),
    "initializations": ("initialisation", "init_id"),
    "starts": ("init_id",),
    "repeats": ("init_id",),
    "hiddenlayers": ("network.layers", "width"),
    "hiddenlayersizes": ("network.layers", "width"),
    "hiddensize": ("network.layers", "width"),
    "hiddenunits": ("network.layers", "width"),
    "units": ("network.layers", "width"),
    "sizes": ("network.layers",),
    "activationfunction": ("network.activations", "activation"),
    "nonlinearity": ("network.activations", "activation"),
    "bias": ("network.biases",),
    "usebias": ("network.biases",),
    "lossfunction": ("network.loss",),
    "criterion": ("network.loss",),
    "objective": ("network.loss",),
    "x": ("data.inputs",),
    "features": ("data.inputs",),
    "y": ("data.targets",),
    "labels": ("data.targets",),
    "outputs": ("data.targets",),
    "csv": ("data.file",),
    "path": ("data.file",),
    "nsamples": ("data.samples",),
    "standardize": ("data.standardise",),
    "normalize": ("data.standardise",),
    "scaler": ("data.standardise",),
    "logistic": ("sigmoid",),
    "expit": ("sigmoid",),
    "linear": ("identity",),
    "none": ("identity", "zeros"),
    "rectifier": ("relu",),
    "smoothrelu": ("softplus",),
    "sse": ("ssr",),
    "rss": ("ssr",),
    "sumofsquares": ("ssr",),
    "squarederror": ("ssr",),
    "l2": ("mse",),
    "meansquarederror": ("mse",),
    "bce": ("cross_entropy",),
    "logloss": ("cross_entropy",),
    "binarycrossentropy": ("cross_entropy",),
    "xavier": ("glorot",),
    "xavieruniform": ("glorot",),
    "glorotuniform": ("glorot",),
    "kaiming": ("he",),
    "kaimingnormal": ("he",),
    "henormal": ("he",),
    "lecunnormal": ("lecun",),
    "gaussian": ("normal",),
    "randn": ("normal",),
    "rand": ("uniform",),
    "ones": ("constant",),
    "fullbatch": ("all",),
    "full": ("all",),
    "sequential": ("in_order",),
    "random": ("shuffled", "drawn", "gaussian"),
    "normal": ("gaussian",),
    "withreplacement": ("drawn",),
    "logspace": ("log",),
    "geomspace": ("log",),
    "linspace": ("linear",),
    "lin": ("linear", "identity"),
    "num": ("count",),
    "heatmap": ("map",),
    "histogram": ("distribution",),
}

_ONE_METHOD = "Training is gradient descent, with training.momentum; there is no other method."
_NO_HELD_OUT = "There are no held-out data: every data point of the file is trained on."
_NO_DECAY = "There is no weight decay or other regularisation."
_NO_SCHEDULE = "A learning rate stays as it is for the whole run; there are no schedules."
_NO_SOFTMAX = "There is none: a sigmoid output with cross_entropy tells two classes apart."

# What others have and is not here.
_NOT_HERE: dict[str, str] = {
    "optimizer": _ONE_METHOD,
    "optimiser": _ONE_METHOD,
    "solver": _ONE_METHOD,
    "algorithm": _ONE_METHOD,
    "adam": _ONE_METHOD,
    "sgd": _ONE_METHOD,
    "rmsprop": _ONE_METHOD,
    "nesterov": _ONE_METHOD,
    "testsize": _NO_HELD_OUT,
    "trainsize": _NO_HELD_OUT,
    "validation": _NO_HELD_OUT,
    "validationsplit": _NO_HELD_OUT,
    "validationfraction": _NO_HELD_OUT,
    "weightdecay": _NO_DECAY,
    "alpha": _NO_DECAY,
    "dropout": _NO_DECAY,
    "regularization": _NO_DECAY,
    "schedule": _NO_SCHEDULE,
    "scheduler": _NO_SCHEDULE,
    "lrschedule": _NO_SCHEDULE,
    "decay": _NO_SCHEDULE,
    "softmax": _NO_SOFTMAX,
    "categoricalcrossentropy": _NO_SOFTMAX,
    "selu": "There is none; of its kind there is softplus.",
    "elu": "There is none; of its kind there is softplus.",
    "gelu": "There is none; of its kind there is softplus.",
    "silu": "There is none; of its kind there is softplus.",
    "swish": "There is none; of its kind there is softplus.",
    "leakyrelu": "There is none; of its kind there is relu.",
    "mae": "There is no absolute error; squared errors are ssr, half_ssr and mse.",
    "l1": "There is no absolute error; squared errors are ssr, half_ssr and mse.",
    "huber": "There is no absolute error; squared errors are ssr, half_ssr and mse.",
}

# A longer name is not a misspelling, and a network may have a million parameters.
_LONGEST = 64
_MOST_COMPARED = 2000


def suggest(name: str, allowed: Iterable[str]) -> str:
    """Return a sentence on what a name of the field is called here, or nothing.

    Parameters
    ----------
    name : str
        What a user wrote: a key, the value of one, an axis, or a column.
    allowed : iterable of str
        The names that there are in its place.

    Examples
    --------
    >>> suggest("logistic", ["softplus", "sigmoid"])
    'It is called "sigmoid" here.'
    >>> suggest("learning_rat", ["learning_rate", "momentum"])
    'Did you mean "learning_rate"?'
    """
    known = list(islice(allowed, _MOST_COMPARED))
    word = _folded(name)
    for target in _CALLED_HERE.get(word, ()):
        last = target.rpartition(".")[2]
        if last in known:
            return f"It is called {shown(last)} here."
    if word in _NOT_HERE:
        return _NOT_HERE[word]
    return nearest(name, known)


def key_elsewhere(name: str) -> str:
    """Return a sentence on what a key of the field is called here and in which section, or nothing.

    >>> key_elsewhere("lr")
    'It is called training.learning_rate here.'
    """
    keys = [target for target in _CALLED_HERE.get(_folded(name), ()) if "." in target]
    return f"It is called {keys[0]} here." if keys else ""


def nearest(name: str, allowed: Iterable[str]) -> str:
    """Return a question that offers the name of which `name` is a misspelling, or nothing.

    One letter in four may be wrong, and no digit: `w1` is not a misspelling of `w2`.

    >>> nearest("learning_rat", ["learning_rate", "momentum"])
    'Did you mean "learning_rate"?'
    >>> nearest("sine", ["dosage", "gaussian"]), nearest("w9", ["w1", "w2"])
    ('', '')
    """
    if len(name) > _LONGEST:
        return ""
    found, least = "", 3
    for known in islice(allowed, _MOST_COMPARED):
        most = min(2, max(len(name), len(known)) // 4, least - 1)
        if _digits(known) == _digits(name):
            distance = _distance(name.lower(), known.lower(), most)
            if distance <= most:
                found, least = known, distance
    return f"Did you mean {shown(found)}?" if found else ""


def _folded(name: str) -> str:
    """Leave out how words are joined: n_epochs, n-epochs and nEpochs are one."""
    return "".join(c for c in name[:_LONGEST].lower() if c not in "_- .")


def _digits(name: str) -> list[str]:
    return [c for c in name if c.isdigit()]


def _distance(one: str, other: str, most: int) -> int:
    """Return how many letters are missing, added, changed or swapped; `most` + 1 for any more.

    This is the restricted Damerau-Levenshtein distance (Damerau 1964).
    """
    if abs(len(one) - len(other)) > most:
        return most + 1
    before: list[int] = []
    last = list(range(len(other) + 1))
    for i, a in enumerate(one, start=1):
        row = [i]
        for j, b in enumerate(other, start=1):
            cost = min(last[j] + 1, row[j - 1] + 1, last[j - 1] + (a != b))
            if i > 1 and j > 1 and a == other[j - 2] and one[i - 2] == b:
                cost = min(cost, before[j - 2] + 1)
            row.append(cost)
        before, last = last, row
        if min(last) > most:
            return most + 1
    return last[-1]
