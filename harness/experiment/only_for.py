"""Keys that are only for some entries of a table, such as the setting of one activation."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class OnlyFor:
    """The entries of a table that have a setting, which is a key of its own.

    Parameters
    ----------
    owner : str
        The key that chooses the entries, with its section: "network.activations".
    names : tuple of str
        The entries that have this setting: ("leaky_relu",).
    """

    owner: str
    names: tuple[str, ...]
