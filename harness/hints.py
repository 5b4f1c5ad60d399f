"""Suggestions for unknown names: the closest spelling, or what harness calls it."""

from collections.abc import Iterable
from difflib import get_close_matches
from itertools import islice

from harness.errors import shown

# By name in harness (a value, an axis, or a key with its section): words of other libraries and of
# textbooks, as `_folded` writes them. Of several names, the first that is allowed is suggested.
_CALLED_HERE: dict[str, tuple[str, ...]] = {
    word: tuple(names.split())
    for names, words in {
        "training.learning_rate": "lr eta eta0 rate stepsize learningrateinit",
        "training.epochs max_epochs": "nepochs numepochs epochs maxiter iterations niter steps",
        "training.batch_size": "batch minibatch minibatchsize",
        "training.batches": "shuffle",
        "training.tolerance": "tol",
        "training.patience": "earlystopping earlystop nochange niternochange",
        "initialisation.seed init_seed": "seed randomseed randomstate rngseed",
        "initialisation.scheme init_scheme": "init initializer initialiser kernelinitializer",
        "initialisation": "initialization",
        "initialisation init_id": "initializations",
        "init_id": "starts repeats",
        "network.layers width": "hiddenlayers hiddenlayersizes hiddensize hiddenunits units",
        "network.layers": "sizes",
        "network.activations activation": "activationfunction nonlinearity",
        "network.biases": "bias usebias",
        "network.loss": "lossfunction criterion objective",
        "training.optimiser": "optimizer optim solver algorithm",
        "training.schedule": "scheduler lrscheduler lrschedule learningrateschedule",
        "training.schedule_factor": "gamma decayrate lrdecay",
        "training.schedule_final": "endfactor",
        "training.schedule_rise": "pctstart",
        "training.warm_up": "warmup warmupsteps warmupepochs lrwarmup",
        "training.momentum": "mu",
        "training.decay": "rho",
        "training.epsilon": "eps",
        "training.l2": "lambda regularization regularisation regularizer ridge l2penalty l2reg",
        "training.weight_decay": "weightdecay wd decoupledweightdecay",
        "training.clip_norm": (
            "clip clipping clipnorm gradclip gradientclip gradientclipping gradientclipval"
            " clipgradnorm maxnorm maxgradnorm globalclipnorm"
        ),
        "sgd": "gd gradientdescent heavyball",
        "nesterov": "nag nesterovmomentum",
        "rprop": "resilientpropagation irprop",
        "step": "steplr",
        "exponential": "exponentiallr exponentialdecay",
        "cosine": "cosineannealing cosineannealinglr cosinedecay",
        "one_cycle": "onecycle onecyclelr",
        "linear": "linearlr linspace",
        "data.inputs": "x features",
        "data.targets": "y labels outputs",
        "data.file": "csv parquet path",
        "data.samples": "nsamples",
        "data.standardise": "standardize normalize scaler",
        "data.scale": "minmax minmaxscaler scaling",
        "data.separator": "sep delimiter delim",
        "data.missing": "navalues dropna fillna imputer",
        "data.validation": (
            "test testsize valsize valsplit validationsplit validationfraction holdout heldout"
        ),
        "data.folds": "kfold kfolds nfolds nsplits cv crossvalidation",
        "data.stratify": "stratified",
        "data.validation_file": "testfile valfile validationdata",
        "sigmoid": "logistic expit",
        "identity": "linear",
        "identity zeros constant": "none",
        "relu": "rectifier",
        "leaky_relu": "lrelu prelu",
        "silu": "swish",
        "sine": "sin siren",
        "softplus": "smoothrelu",
        "ssr": "sse rss sumofsquares squarederror",
        "mse": "l2 meansquarederror",
        "mae": "l1 l1loss absoluteerror meanabsoluteerror",
        "huber": "huberloss smoothl1 smoothl1loss",
        "hinge": "hingeloss hingeembedding svm",
        "network.slope slope": "negativeslope",
        "cross_entropy": "bce logloss binarycrossentropy categoricalcrossentropy",
        "glorot": "xavier xavieruniform glorotuniform",
        "he": "kaiming kaimingnormal henormal",
        "lecun": "lecunnormal",
        "truncated_normal": "truncnormal truncnorm",
        "normal": "gaussian randn",
        "uniform": "rand",
        "constant": "ones",
        "all": "fullbatch full",
        "in_order": "sequential",
        "shuffled drawn gaussian": "random",
        "gaussian": "normal",
        "drawn": "withreplacement",
        "log": "logspace geomspace",
        "linear identity": "lin",
        "count": "num",
        "map": "heatmap",
        "distribution": "histogram hist",
        "trajectories": "curves losscurve losscurves learning learningcurve learningcurves history",
        "confusion": "confusionmatrix",
        "difficulty": "hard hardest",
        "endings": "reliability success",
        "accuracy": "acc",
        "validation_loss": "testloss valloss",
        "validation_accuracy": "testaccuracy valaccuracy valacc",
        "--measure": "metric quantity",
        "--by": "groupby hue color colour",
        "--where": "filter query",
        "--quantiles": "band bands percentiles",
        "--epoch-scale": "logx xscale",
    }.items()
    for word in words.split()
}

# What harness does not have: words of other libraries, by the sentence that says so.
_NOT_HERE: dict[str, str] = {
    word: reason
    for reason, words in {
        'It is an optimiser: write training.optimiser = "nesterov".': "nesterov",
        "It is not available; the most similar optimiser is adam.": (
            "nadam adamax amsgrad radam adabelief lion lamb"
        ),
        "It is not available; the most similar optimiser is rmsprop.": "adadelta",
        "They are two keys, training.beta1 and training.beta2.": "betas",
        "They are two keys, training.eta_minus and training.eta_plus.": "etas",
        "They are two keys, training.step_min and training.step_max.": "stepsizes",
        "A penalty is called training.l2 here, and the memory of rmsprop training.decay.": "alpha",
        "There is no dropout; training.l2 and training.weight_decay are available.": "dropout",
        "The gradient is clipped by its norm, training.clip_norm.": "clipvalue gradclipvalue",
        "A schedule ends with training.epochs.": "tmax totaliters totalsteps decaysteps",
        "It is a factor on the learning rate here, training.schedule_final.": "etamin minlr lrmin",
        "A schedule depends on the epoch only, not on the loss.": "reducelronplateau plateau",
        "Give the share that is held out instead, as data.validation.": "trainsize",
        "It is not available; the most similar activation is elu.": "selu celu",
        "It is not available; the most similar activation is silu.": "mish hardswish",
    }.items()
    for word in words.split()
}

# Longer names are not misspellings, and a network may have a million parameters.
_LONGEST = 64
_MOST_COMPARED = 2000

# Least similarity of a suggestion, as difflib measures it; that of "tahn" and "tanh" is 0.75.
_CUTOFF = 0.75


def suggest(name: str, allowed: Iterable[str]) -> str:
    """Return a sentence that suggests an allowed name or says what is missing; may be empty.

    Parameters
    ----------
    name : str
        What the user wrote: a key, a value, an axis, or a column.
    allowed : iterable of str
        The names that are allowed in its place.

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
    if word in _NOT_HERE and word not in map(_folded, known):
        return _NOT_HERE[word]
    return nearest(name, known)


def key_elsewhere(name: str) -> str:
    """Return a sentence that suggests a key of some section; may be empty.

    >>> key_elsewhere("lr")
    'It is called training.learning_rate here.'
    """
    keys = [target for target in _CALLED_HERE.get(_folded(name), ()) if "." in target]
    return f"It is called {keys[0]} here." if keys else ""


def nearest(name: str, allowed: Iterable[str]) -> str:
    """Return a sentence that suggests the allowed name with the closest spelling; may be empty.

    Digits must agree: `w1` is not a misspelling of `w2`.

    >>> nearest("learning_rat", ["learning_rate", "momentum"])
    'Did you mean "learning_rate"?'
    >>> nearest("sine", ["dosage", "gaussian"]), nearest("w9", ["w1", "w2"])
    ('', '')
    """
    if len(name) > _LONGEST:
        return ""
    known = {
        one.lower(): one for one in islice(allowed, _MOST_COMPARED) if _digits(one) == _digits(name)
    }
    found = get_close_matches(name.lower(), known, n=1, cutoff=_CUTOFF)
    return f"Did you mean {shown(known[found[0]])}?" if found else ""


def _folded(name: str) -> str:
    """Remove what joins words, so that n_epochs, n-epochs and nEpochs are the same."""
    return "".join(c for c in name[:_LONGEST].lower() if c not in "_- .")


def _digits(name: str) -> list[str]:
    return [c for c in name if c.isdigit()]
