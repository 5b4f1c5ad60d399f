"""Keys that only some entries of a table have, such as the setting of one activation."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class OnlyFor:
    """What a key is for.

    Parameters
    ----------
    owner : str
        The key that chooses the entries, with its section: "network.activations".
    names : tuple of str
        The entries that have this setting: ("leaky_relu",).
    """

    owner: str
    names: tuple[str, ...]
