"""A trained network: its parameters as matrices, for NumPy, scikit-learn and PyTorch."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from harness.errors import HarnessError
from harness.experiment.network import Network
from harness.kernels.passes import predict

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class TrainedNetwork:
    """A network with parameters.

    Attributes
    ----------
    network : Network
        Its sizes, activations, biases, scales and loss.
    theta : array of shape (P,)
        Its parameters; `network.positions` has their names.

    Examples
    --------
    >>> network = Network(
    ...     sizes=(1, 1, 1),
    ...     activations=("relu", "identity"),
    ...     biases=(True, False),
    ...     scales=(1.0, 1.0),
    ...     output_scale=1.0,
    ...     loss="ssr",
    ... )
    >>> trained = TrainedNetwork(network=network, theta=np.array([2.0, 1.0, 3.0]))
    >>> trained.predict([[0.5], [-4.0]]).tolist()
    [[6.0], [0.0]]
    >>> [weights.tolist() for weights in trained.coefs], [b.tolist() for b in trained.intercepts]
    ([[[2.0]], [[3.0]]], [[1.0], [0.0]])
    """

    network: Network
    theta: Floats

    @property
    def matrices(self) -> list[Floats]:
        """The matrices W(l), each (fan_in + 1, fan_out) with the biases last, if there are any."""
        return self.network.matrices_of(self.theta)

    def predict(self, inputs: ArrayLike) -> Floats:
        """Return the predictions (m, outputs) for inputs (m, inputs), scaled as in training.

        Raises
        ------
        HarnessError
            The inputs do not have the shape (m, inputs).
        """
        x = np.array(inputs, dtype=np.float64, order="C", ndmin=2)
        if x.ndim != 2 or x.shape[1] != self.network.sizes[0]:
            raise HarnessError(
                f"inputs have the shape {x.shape}; the network has {self.network.sizes[0]}"
                " inputs.\n"
                "Give one row per data point, and one column per input."
            )
        found: Floats = predict(self.network.architecture(), self.theta, x)
        return found

    @property
    def coefs(self) -> list[Floats]:
        """Weights of each layer, (fan_in, fan_out), like `coefs_` of MLPClassifier in scikit-learn.

        The scales of the layers are multiplied into them, and those of the output if it is linear.
        """
        sizes = self.network.sizes
        return [matrix[:fan_in] for matrix, fan_in in zip(self._scaled(), sizes, strict=False)]

    @property
    def intercepts(self) -> list[Floats]:
        """Biases of each layer, (fan_out,), like `intercepts_` of MLPClassifier in scikit-learn."""
        found = []
        for matrix, fan_in in zip(self._scaled(), self.network.sizes, strict=False):
            found.append(matrix[fan_in] if len(matrix) > fan_in else np.zeros(matrix.shape[1]))
        return found

    def state_dict(self) -> dict[str, Floats]:
        """Return arrays for a PyTorch model ``Sequential(Linear(...), Tanh(), Linear(...), ...)``.

        Its linear layers are numbers 0, 2, 4, ...: weights (fan_out, fan_in) and biases (fan_out,).
        Load them with ``model.load_state_dict({k: torch.from_numpy(v) for k, v in ...items()})``.
        """
        arrays: dict[str, Floats] = {}
        for layer, (weights, biases) in enumerate(zip(self.coefs, self.intercepts, strict=True)):
            arrays[f"{2 * layer}.weight"] = np.ascontiguousarray(weights.T)
            arrays[f"{2 * layer}.bias"] = biases
        return arrays

    def _scaled(self) -> list[Floats]:
        scales = self.network.architecture().scales[1:].tolist()
        if self.network.output_scale != 1.0:
            if self.network.activations[-1] != "identity":
                raise HarnessError(
                    f"output_scale = {self.network.output_scale} cannot be part of the weights of"
                    f' a "{self.network.activations[-1]}" output.\n'
                    "Use `matrices`, and multiply the output by it."
                )
            scales[-1] *= self.network.output_scale
        return [scale * matrix for scale, matrix in zip(scales, self.matrices, strict=True)]
