"""Types of the keyword arguments of `objects`. `make docs` writes this file."""

from collections.abc import Mapping, Sequence
from os import PathLike
from typing import Any, Literal

from harness.experiment.sections import Entry, GivenData, SectionObject, TableObject

class Network(SectionObject):
    r"""The network.

    A single name in `activations` is the activation of the hidden layers, and the outputs have
    "identity" then.

    Parameters
    ----------
    layers : a list of two or more whole numbers, each from 1 to 1000000
        Number of units of each layer, from the inputs to the outputs.
    activations : a list with one of "softplus", "sigmoid", "tanh", "relu", "leaky_relu",
      "elu", "gelu", "silu", "sine", "identity" or "softmax" for each layer after the input
        Activation of each layer after the input.
    biases : true, false, or a list with one of them for each layer after the input
        Whether the layers after the input have biases; by default true.
    scales : a list with a number above 0 or one of "1/sqrt(fan_in)", "sqrt(2/fan_in)" or
      "1/fan_in" for each layer after the input
        Factor on the pre-activation (weights and bias) of each layer after the input; 1 by
        default.
    output_scale : a number above 0
        Factor on the output of the last layer; by default 1.0.
    loss : "ssr", "half_ssr", "mse", "half_mse", "mae", "huber", "hinge" or "cross_entropy"
        Function that training minimises; by default "ssr".
    slope : a number from 0 up to, but not including, 1
        Derivative below 0; only for "leaky_relu" (default 0.01).
    delta : a number above 0
        Residual from which the loss grows linearly; only for "huber" (default 1).

    Examples
    --------
    >>> Network([1, 8, 1], "tanh")
    Network(layers=[1, 8, 1], activations=['tanh', 'identity'])
    >>> Network([2, 2, 1], ["sigmoid", "sigmoid"], loss="cross_entropy")
    Network(layers=[2, 2, 1], activations=['sigmoid', 'sigmoid'], loss='cross_entropy')
    """
    def __init__(
        self,
        layers: Sequence[int],
        activations: Sequence[
            Literal[
                "softplus",
                "sigmoid",
                "tanh",
                "relu",
                "leaky_relu",
                "elu",
                "gelu",
                "silu",
                "sine",
                "identity",
                "softmax",
            ]
        ]
        | Literal[
            "softplus",
            "sigmoid",
            "tanh",
            "relu",
            "leaky_relu",
            "elu",
            "gelu",
            "silu",
            "sine",
            "identity",
            "softmax",
        ],
        *,
        biases: bool | Sequence[bool] = ...,
        scales: Sequence[float | Literal["1/sqrt(fan_in)", "sqrt(2/fan_in)", "1/fan_in"]]
        | None = ...,
        output_scale: float = ...,
        loss: Literal[
            "ssr", "half_ssr", "mse", "half_mse", "mae", "huber", "hinge", "cross_entropy"
        ] = ...,
        slope: float | None = ...,
        delta: float | None = ...,
    ) -> None: ...

class Data(GivenData):
    r"""The data points, how to scale them, and which to hold out.

    They are a table with columns for `inputs` and `targets`, such as a DataFrame; or inputs and
    targets by themselves, such as arrays or lists; or a `file`, or a `generator`. Words become
    columns of 0 and 1, and targets that are words, or whole numbers for several outputs, become
    classes, as those of files do.

    Parameters
    ----------
    inputs : a list of finite numbers, of lists of finite numbers, or of columns; or, with
      `file`, "all but targets"
        Inline: the inputs of each data point; with `file`: its input columns.
    targets : a list of finite numbers, of lists of finite numbers, or of columns
        Inline: the targets of each data point; with `file`: its target columns.
    file : a path relative to the folder of the experiment file
        CSV file in UTF-8, or Parquet file with a name that ends in .parquet.
    header : true or false
        Whether the first line of a CSV file has the names of the columns; by default,
        detected.
    separator : one character, such as ",", ";", "\t" (a tab) or " " (any number of spaces)
        Separator of the cells of a CSV file; by default, detected.
    decimal : "." or ","
        Decimal sign of a CSV file; by default, detected.
    missing : "error", "drop" or "mean"
        What to do with missing cells of a file: refuse them, drop their data points, or
        replace those of inputs by the mean of their column; by default "error".
    generator : "dosage", "xor", "gaussian", "chebyshev", "sine", "step", "circle",
      "clouds", "two_gaussians", "spirals", "moons", "blobs", "plane", "bumps", "gates",
      "parity" or "encoder"
        Generated data.
    samples : a whole number from 1 to 1000000
        Number of data points; only for "gaussian", "chebyshev", "sine", "step" (default 20)
        and "circle", "clouds", "two_gaussians", "spirals", "moons", "blobs", "plane",
        "bumps" (default 200).
    noise : a number from 0 to 1000000
        Size of the noise; only for "chebyshev", "sine", "step", "circle", "clouds",
        "two_gaussians", "spirals", "moons", "plane", "bumps" (default 0.0) and "blobs"
        (default 1.0).
    seed : a whole number from 0 to 2^63 - 1
        Seed of the random numbers; only for "gaussian", "chebyshev", "sine", "step",
        "circle", "clouds", "two_gaussians", "spirals", "moons", "blobs", "plane", "bumps"
        (default 0).
    degree : a whole number from 0 to 1000
        Degree of the polynomial; only for "chebyshev" (default 3).
    turns : a number from 0 to 1000
        Turns of each spiral, or periods of the sine; only for "sine" (default 1.0) and
        "spirals" (default 1.75).
    classes : a whole number from 1 to 100
        Number of classes; only for "blobs" (default 3).
    bits : a whole number from 1 to 16
        Number of bits; only for "parity" (default 3).
    patterns : a whole number from 1 to 1000
        Number of patterns; only for "encoder" (default 8).
    gate : "false", "nor", "b_and_not_a", "not_a", "a_and_not_b", "not_b", "xor", "nand",
      "and", "xnor", "b", "a_implies_b", "a", "b_implies_a", "or", "true" or a whole number
      from 0 to 15
        The gate by name or number; bit 2 a + b of the number is the output for the inputs a
        and b; only for "gates" (default "and").
    labels : a list of two finite numbers
        Targets of data points outside and inside a class; only for "circle", "clouds",
        "two_gaussians", "spirals", "moons", "blobs", "gates", "parity" (default [0.0,
        1.0]).
    standardise : a list of "inputs", "targets", both or none
        Columns to bring to mean 0 and population standard deviation 1.
    scale : a table such as { inputs = "min_max", targets = 100 }, with "standardise",
      "min_max" or a number above 0
        How to scale inputs, targets or both: as by `standardise`, from 0 to 1, or divided
        by a number.
    validation : a number above 0 and below 1, or a whole number of at least 1
        Data points to hold out for validation: a share or a number of them; a number of
        generated ones, if there is a key `samples`, are generated in addition.
    folds : a whole number of at least 2, and at most the number of data points
        Number of parts to divide the data points into; one of them is held out for
        validation.
    fold : a whole number from 0 to folds - 1
        Part that is held out, only for `folds`; by default 0.
    validation_file : a path relative to the folder of the experiment file
        File of the data points for validation, with the columns of `file`.
    stratify : true or false
        Whether to hold out the same share of each class; data points with the same targets
        are a class; by default false.
    split_seed : a whole number from 0 to 2^63 - 1
        Seed of the random choice of data points to hold out; by default 0.

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
    def __init__(
        self,
        first: Any = ...,
        second: Any = ...,
        /,
        *,
        inputs: Any = ...,
        targets: Any = ...,
        file: str | PathLike[str] = ...,
        header: bool | None = ...,
        separator: str | None = ...,
        decimal: Literal[".", ","] | None = ...,
        missing: Literal["error", "drop", "mean"] = ...,
        generator: Literal[
            "dosage",
            "xor",
            "gaussian",
            "chebyshev",
            "sine",
            "step",
            "circle",
            "clouds",
            "two_gaussians",
            "spirals",
            "moons",
            "blobs",
            "plane",
            "bumps",
            "gates",
            "parity",
            "encoder",
        ]
        | None = ...,
        samples: int | None = ...,
        noise: float | None = ...,
        seed: int | None = ...,
        degree: int | None = ...,
        turns: float | None = ...,
        classes: int | None = ...,
        bits: int | None = ...,
        patterns: int | None = ...,
        gate: int
        | Literal[
            "false",
            "nor",
            "b_and_not_a",
            "not_a",
            "a_and_not_b",
            "not_b",
            "xor",
            "nand",
            "and",
            "xnor",
            "b",
            "a_implies_b",
            "a",
            "b_implies_a",
            "or",
            "true",
        ]
        | None = ...,
        labels: Sequence[float] | None = ...,
        standardise: Sequence[Literal["inputs", "targets"]] = ...,
        scale: Mapping[Literal["inputs", "targets"], Literal["standardise", "min_max"] | float]
        | None = ...,
        validation: int | float | None = ...,
        folds: int | None = ...,
        fold: int = ...,
        validation_file: str | None = ...,
        stratify: bool = ...,
        split_seed: int = ...,
    ) -> None: ...

class Training(SectionObject):
    r"""Epochs, update rule, batches and stopping.

    The optimiser is a name, or an object with its settings, such as ``harness.Adam(beta1=0.8)``.

    Parameters
    ----------
    epochs : a whole number from 0 to 2^53
        Number of passes over the data.
    learning_rate : a finite number of at least 0, or a list with one for each layer after
      the input
        Factor on the gradient in an update.
    optimiser : "sgd", "nesterov", "adagrad", "rmsprop", "adam", "adamw" or "rprop"
        Rule that turns a gradient into an update; by default "sgd".
    schedule : "constant", "step", "exponential", "linear", "cosine" or "one_cycle", or a
      list with a factor of at least 0 for each epoch
        Factor on the learning rate, by epoch; by default "constant".
    warm_up : a whole number from 0 to 2^53
        Number of epochs in which the learning rate rises, before the schedule begins; by
        default 0.
    momentum : a number from 0 up to, but not including, 1
        Share of the last step that is added to the next one (heavy ball); only for "sgd",
        "rmsprop" (default 0) and "nesterov" (default 0.9).
    drift : a finite number, or a list with one for each layer after the input
        Constant that is added to the parameters of a layer at the start and in every
        update; only for "sgd" (default 0).
    l2 : a finite number of at least 0
        Factor of the penalty l2/2 theta^2 that is added to the loss for each parameter; the
        tables have the loss without it; default 0.
    weight_decay : a finite number of at least 0
        Share of each parameter, times the learning rate, that is subtracted in an update;
        default 0, 0.01 for "adamw".
    clip_norm : a number above 0
        Largest norm of the gradient; a longer one is shortened; default none.
    epsilon : a number above 0
        Added to the root of the squares that the gradient is divided by; only for "adagrad"
        (default 1e-10) and "rmsprop", "adam", "adamw" (default 1e-08).
    decay : a number from 0 up to, but not including, 1
        Share of the mean of squared gradients kept in an update; only for "rmsprop"
        (default 0.99).
    beta1 : a number from 0 up to, but not including, 1
        Share of the mean of gradients that is kept in an update; only for "adam", "adamw"
        (default 0.9).
    beta2 : a number from 0 up to, but not including, 1
        Share of the mean of squared gradients that is kept in an update; only for "adam",
        "adamw" (default 0.999).
    eta_minus : a number above 0 and below 1
        Factor on the step size of a parameter whose derivative changed its sign; only for
        "rprop" (default 0.5).
    eta_plus : a finite number of at least 1
        Factor on the step size of a parameter whose derivative kept its sign; only for
        "rprop" (default 1.2).
    step_min : a finite number of at least 0
        Smallest step size; only for "rprop" (default 1e-06).
    step_max : a number above 0
        Largest step size; only for "rprop" (default 50).
    schedule_every : a whole number of at least 1
        Number of epochs after which the learning rate is multiplied; only for "step"
        (default 100).
    schedule_factor : a number above 0 and below 1000
        Factor on the learning rate, each time that it is multiplied; only for "step"
        (default 0.1) and "exponential" (default 0.99).
    schedule_final : a finite number of at least 0
        Factor on the learning rate at the end of the schedule; only for "linear", "cosine"
        (default 0) and "one_cycle" (default 4e-06).
    schedule_initial : a finite number of at least 0
        Factor on the learning rate in the first epoch; only for "one_cycle" (default 0.04).
    schedule_rise : a number above 0 and below 1
        Share of the epochs in which the learning rate rises; only for "one_cycle" (default
        0.3).
    penalise_biases : true or false
        Whether `l2` and `weight_decay` apply to biases; by default true.
    precision : "float64" or "float32"
        Format of the numbers that a network computes with: float32 is about twice as fast,
        with 7 significant digits instead of 16; the SSR is always summed in float64; by
        default "float64".
    batch_size : "all", or a whole number from 1 to the number of data points
        Data points per update; by default "all".
    batches : "in_order", "shuffled" or "drawn"
        Data points of a batch: in the order of the file, shuffled anew for each epoch, or
        drawn with replacement; by default "in_order".
    updates_per_epoch : a whole number from 1 to 1000000
        Updates per epoch, only for `batches = "drawn"`; by default, as many as one pass
        over the data takes.
    seed : a whole number from 0 to 2^63 - 1
        Seed of shuffled and drawn batches; by default 0.
    train : "all", or a list of parameter names such as ["b3"]
        Parameters to train; the others keep their initial values; by default "all".
    tolerance : a finite number of at least 0
        A run ends as converged once its loss is at or below this value; never by default.
    limit : a finite number above 0
        A run ends as diverged once its loss is above this value; by default, only once the
        loss or a parameter is not finite.
    patience : a whole number from 1 to 2^53
        A run ends as stopped once the loss of the held-out data points has not improved for
        this many epochs; never by default.

    Examples
    --------
    >>> Training(epochs=100, learning_rate=0.01, optimiser=Adam(beta1=0.8), tolerance=1e-3)
    Training(epochs=100, learning_rate=0.01, optimiser='adam', tolerance=0.001, beta1=0.8)
    """
    def __init__(
        self,
        *,
        epochs: int,
        learning_rate: float | Sequence[float],
        optimiser: Literal["sgd", "nesterov", "adagrad", "rmsprop", "adam", "adamw", "rprop"]
        | Entry = ...,
        schedule: Literal["constant", "step", "exponential", "linear", "cosine", "one_cycle"]
        | Sequence[float] = ...,
        warm_up: int = ...,
        momentum: float | None = ...,
        drift: float | Sequence[float] | None = ...,
        l2: float | None = ...,
        weight_decay: float | None = ...,
        clip_norm: float | None = ...,
        epsilon: float | None = ...,
        decay: float | None = ...,
        beta1: float | None = ...,
        beta2: float | None = ...,
        eta_minus: float | None = ...,
        eta_plus: float | None = ...,
        step_min: float | None = ...,
        step_max: float | None = ...,
        schedule_every: int | None = ...,
        schedule_factor: float | None = ...,
        schedule_final: float | None = ...,
        schedule_initial: float | None = ...,
        schedule_rise: float | None = ...,
        penalise_biases: bool = ...,
        precision: Literal["float64", "float32"] = ...,
        batch_size: int | Literal["all"] = ...,
        batches: Literal["in_order", "shuffled", "drawn"] = ...,
        updates_per_epoch: int | None = ...,
        seed: int = ...,
        train: Literal["all"] | Sequence[str] = ...,
        tolerance: float | None = ...,
        limit: float | None = ...,
        patience: int | None = ...,
    ) -> None: ...

class Initialisation(SectionObject):
    r"""Initial values of the parameters.

    Parameters
    ----------
    scheme : "zeros", "constant", "normal", "uniform", "glorot", "he", "lecun",
      "truncated_normal" or "orthogonal"
        Distribution of the initial weights; by default "normal".
    scale : a finite number
        Factor on the drawn numbers; by default 1.0.
    offset : a finite number
        Added to the scaled numbers; by default 0.0.
    biases : "zeros", "same" or a finite number
        Initial biases: 0, drawn like the weights of their layer, or a number; by default
        "zeros".
    seed : a whole number from 0 to 2^63 - 1
        Seed of all initialisations; by default 0.
    init_id : a whole number from 0 to 2^63 - 1
        Number of the initialisation, if the grid has no axis `init_id`; by default 0.
    parameters : a table of finite numbers by parameter name, such as { w1 = 3.34, b1 =
      -1.43 }
        Initial values by parameter name; they override the scheme.

    Examples
    --------
    >>> Initialisation(scheme="glorot", seed=1)
    Initialisation(scheme='glorot', seed=1)
    """
    def __init__(
        self,
        *,
        scheme: Literal[
            "zeros",
            "constant",
            "normal",
            "uniform",
            "glorot",
            "he",
            "lecun",
            "truncated_normal",
            "orthogonal",
        ] = ...,
        scale: float = ...,
        offset: float = ...,
        biases: Literal["zeros", "same"] | float = ...,
        seed: int = ...,
        init_id: int = ...,
        parameters: Mapping[str, float] = ...,
    ) -> None: ...

class Record(SectionObject):
    r"""Quantities to record of each run.

    Parameters
    ----------
    epochs : "all", "none", { every = k }, or n epochs, { linear = n } at equal distances or
      { log = n } at equal ratios
        Epochs to record in the trajectory; epoch 0 and the last epoch of the run are always
        recorded, except with "none"; by default { log = 50 }.
    parameters : true, false or "trajectory"
        Record the final parameters, as columns w1_final, ... of the runs; with
        "trajectory", also the parameters at the recorded epochs, as columns w1, ... of the
        trajectories; by default false.
    best_parameters : true or false
        Record the parameters at the recorded epoch with the least loss of the held-out data
        points, or with the least loss if there are none, as columns w1_best, ... of the
        runs; by default false.
    state : true or false
        Record the final state of the optimiser, as columns such as w1_velocity of the runs;
        with it, and the final parameters, runs can go on with more epochs; by default
        false.
    sharpness : true or false
        Record the largest eigenvalue of the Hessian of the loss, with its penalty, at the
        recorded epochs, as a column `sharpness` of the trajectories; by default false.
    measures : a list of "epoch_of_ssr_min", "ssr_mean", "gradient_norm", "relative_sum",
      "relative_inverse_sum" or "relative_late"
        Further columns: epoch of the least SSR (`epoch_of_ssr_min`), mean SSR over all
        epochs (`ssr_mean`), Euclidean norm of the gradient at the end (`gradient_norm`),
        sum over all epochs of the relative loss, that over the loss of epoch 0
        (`relative_sum`), sum over all epochs of the inverse of the relative loss
        (`relative_inverse_sum`), mean relative loss over the last 20 epochs
        (`relative_late`).
    metrics : a list of "accuracy", "balanced_accuracy", "r2", "rmse", "mae" or "max_error"
        Metrics of the predictions, as columns of the trajectories and of the runs: share of
        data points that are classified correctly (`accuracy`), mean over the classes of the
        share that is classified correctly (`balanced_accuracy`), coefficient of
        determination, 1 - SSR / sum (y - mean y)^2 (`r2`), root of the mean squared
        residual (`rmse`), mean absolute residual (`mae`), largest absolute residual
        (`max_error`).

    Examples
    --------
    >>> Record(epochs="all", parameters=True)
    Record(epochs='all', parameters=True)
    """
    def __init__(
        self,
        *,
        epochs: Literal["all", "none"] | Mapping[str, int] = ...,
        parameters: bool | Literal["trajectory"] = ...,
        best_parameters: bool = ...,
        state: bool = ...,
        sharpness: bool = ...,
        measures: Sequence[
            Literal[
                "epoch_of_ssr_min",
                "ssr_mean",
                "gradient_norm",
                "relative_sum",
                "relative_inverse_sum",
                "relative_late",
            ]
        ] = ...,
        metrics: Sequence[
            Literal["accuracy", "balanced_accuracy", "r2", "rmse", "mae", "max_error"]
        ] = ...,
    ) -> None: ...

class Grid(TableObject):
    r"""The axes of the sweep, by name.

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
    def __init__(self, **axes: Any) -> None: ...

class SGD(Entry):
    r"""The optimiser "sgd" with its settings, as `optimiser` of `Training`.

    Parameters
    ----------
    momentum : a number from 0 up to, but not including, 1
        Share of the last step that is added to the next one (heavy ball); by default 0.0.
    drift : a finite number, or a list with one for each layer after the input
        Constant that is added to the parameters of a layer at the start and in every
        update; by default 0.0.
    l2 : a finite number of at least 0
        Factor of the penalty l2/2 theta^2 that is added to the loss for each parameter; the
        tables have the loss without it; by default 0.0.
    weight_decay : a finite number of at least 0
        Share of each parameter, times the learning rate, that is subtracted in an update;
        by default 0.0.
    clip_norm : a number above 0
        Largest norm of the gradient; a longer one is shortened.
    """
    def __init__(
        self,
        *,
        momentum: float | None = ...,
        drift: float | Sequence[float] | None = ...,
        l2: float | None = ...,
        weight_decay: float | None = ...,
        clip_norm: float | None = ...,
    ) -> None: ...

class Nesterov(Entry):
    r"""The optimiser "nesterov" with its settings, as `optimiser` of `Training`.

    Parameters
    ----------
    momentum : a number from 0 up to, but not including, 1
        Share of the last step that is added to the next one (heavy ball); by default 0.9.
    l2 : a finite number of at least 0
        Factor of the penalty l2/2 theta^2 that is added to the loss for each parameter; the
        tables have the loss without it; by default 0.0.
    weight_decay : a finite number of at least 0
        Share of each parameter, times the learning rate, that is subtracted in an update;
        by default 0.0.
    clip_norm : a number above 0
        Largest norm of the gradient; a longer one is shortened.
    """
    def __init__(
        self,
        *,
        momentum: float | None = ...,
        l2: float | None = ...,
        weight_decay: float | None = ...,
        clip_norm: float | None = ...,
    ) -> None: ...

class Adagrad(Entry):
    r"""The optimiser "adagrad" with its settings, as `optimiser` of `Training`.

    Parameters
    ----------
    epsilon : a number above 0
        Added to the root of the squares that the gradient is divided by; by default 1e-10.
    l2 : a finite number of at least 0
        Factor of the penalty l2/2 theta^2 that is added to the loss for each parameter; the
        tables have the loss without it; by default 0.0.
    weight_decay : a finite number of at least 0
        Share of each parameter, times the learning rate, that is subtracted in an update;
        by default 0.0.
    clip_norm : a number above 0
        Largest norm of the gradient; a longer one is shortened.
    """
    def __init__(
        self,
        *,
        epsilon: float | None = ...,
        l2: float | None = ...,
        weight_decay: float | None = ...,
        clip_norm: float | None = ...,
    ) -> None: ...

class RMSprop(Entry):
    r"""The optimiser "rmsprop" with its settings, as `optimiser` of `Training`.

    Parameters
    ----------
    decay : a number from 0 up to, but not including, 1
        Share of the mean of squared gradients kept in an update; by default 0.99.
    epsilon : a number above 0
        Added to the root of the squares that the gradient is divided by; by default 1e-08.
    momentum : a number from 0 up to, but not including, 1
        Share of the last step that is added to the next one (heavy ball); by default 0.0.
    l2 : a finite number of at least 0
        Factor of the penalty l2/2 theta^2 that is added to the loss for each parameter; the
        tables have the loss without it; by default 0.0.
    weight_decay : a finite number of at least 0
        Share of each parameter, times the learning rate, that is subtracted in an update;
        by default 0.0.
    clip_norm : a number above 0
        Largest norm of the gradient; a longer one is shortened.
    """
    def __init__(
        self,
        *,
        decay: float | None = ...,
        epsilon: float | None = ...,
        momentum: float | None = ...,
        l2: float | None = ...,
        weight_decay: float | None = ...,
        clip_norm: float | None = ...,
    ) -> None: ...

class Adam(Entry):
    r"""The optimiser "adam" with its settings, as `optimiser` of `Training`.

    Parameters
    ----------
    beta1 : a number from 0 up to, but not including, 1
        Share of the mean of gradients that is kept in an update; by default 0.9.
    beta2 : a number from 0 up to, but not including, 1
        Share of the mean of squared gradients that is kept in an update; by default 0.999.
    epsilon : a number above 0
        Added to the root of the squares that the gradient is divided by; by default 1e-08.
    l2 : a finite number of at least 0
        Factor of the penalty l2/2 theta^2 that is added to the loss for each parameter; the
        tables have the loss without it; by default 0.0.
    weight_decay : a finite number of at least 0
        Share of each parameter, times the learning rate, that is subtracted in an update;
        by default 0.0.
    clip_norm : a number above 0
        Largest norm of the gradient; a longer one is shortened.
    """
    def __init__(
        self,
        *,
        beta1: float | None = ...,
        beta2: float | None = ...,
        epsilon: float | None = ...,
        l2: float | None = ...,
        weight_decay: float | None = ...,
        clip_norm: float | None = ...,
    ) -> None: ...

class AdamW(Entry):
    r"""The optimiser "adamw" with its settings, as `optimiser` of `Training`.

    Parameters
    ----------
    beta1 : a number from 0 up to, but not including, 1
        Share of the mean of gradients that is kept in an update; by default 0.9.
    beta2 : a number from 0 up to, but not including, 1
        Share of the mean of squared gradients that is kept in an update; by default 0.999.
    epsilon : a number above 0
        Added to the root of the squares that the gradient is divided by; by default 1e-08.
    l2 : a finite number of at least 0
        Factor of the penalty l2/2 theta^2 that is added to the loss for each parameter; the
        tables have the loss without it; by default 0.0.
    weight_decay : a finite number of at least 0
        Share of each parameter, times the learning rate, that is subtracted in an update;
        by default 0.01.
    clip_norm : a number above 0
        Largest norm of the gradient; a longer one is shortened.
    """
    def __init__(
        self,
        *,
        beta1: float | None = ...,
        beta2: float | None = ...,
        epsilon: float | None = ...,
        l2: float | None = ...,
        weight_decay: float | None = ...,
        clip_norm: float | None = ...,
    ) -> None: ...

class Rprop(Entry):
    r"""The optimiser "rprop" with its settings, as `optimiser` of `Training`.

    Parameters
    ----------
    eta_minus : a number above 0 and below 1
        Factor on the step size of a parameter whose derivative changed its sign; by default
        0.5.
    eta_plus : a finite number of at least 1
        Factor on the step size of a parameter whose derivative kept its sign; by default
        1.2.
    step_min : a finite number of at least 0
        Smallest step size; by default 1e-06.
    step_max : a number above 0
        Largest step size; by default 50.0.
    l2 : a finite number of at least 0
        Factor of the penalty l2/2 theta^2 that is added to the loss for each parameter; the
        tables have the loss without it; by default 0.0.
    weight_decay : a finite number of at least 0
        Share of each parameter, times the learning rate, that is subtracted in an update;
        by default 0.0.
    clip_norm : a number above 0
        Largest norm of the gradient; a longer one is shortened.
    """
    def __init__(
        self,
        *,
        eta_minus: float | None = ...,
        eta_plus: float | None = ...,
        step_min: float | None = ...,
        step_max: float | None = ...,
        l2: float | None = ...,
        weight_decay: float | None = ...,
        clip_norm: float | None = ...,
    ) -> None: ...

def log(first: float, last: float, count: int) -> dict[str, Any]:
    """Return the values of an axis at equal ratios, both ends included.

    >>> log(0.001, 1, 4)
    {'log': [0.001, 1], 'count': 4}
    """

def linear(first: float, last: float, count: int) -> dict[str, Any]:
    """Return the values of an axis at equal distances, both ends included.

    >>> linear(0, 1, 5)
    {'linear': [0, 1], 'count': 5}
    """

OPTIMISER_CLASSES: dict[str, type[Entry]]
