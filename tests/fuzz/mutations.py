"""Mutations of bytes and of documents, as strategies of hypothesis."""

import copy

from hypothesis import strategies as st

# Fragments of valid files, arguments and conditions, and invalid ones.
PIECES = [
    *(b"=", b"[", b"]", b"{", b"}", b"(", b")", b'"', b"'", b'"""', b",", b".", b"#", b":", b"\\"),
    *(
        b"\n",
        b"\r",
        b"\r\n",
        b"\t",
        b" ",
        b"\0",
        b"\xff",
        b"\xef\xbb\xbf",
        b"\x1b[31m",
        b"\xc2\x9b",
    ),
    *(b"0", b"1", b"-1", b"0.5", b"1e999", b"nan", b"inf", b"true", b"null", b"1_0", b"0x1f"),
    *(b"9" * 30, b"9" * 5000, b"9007199254740993", b"9223372036854775808", b"1979-05-27"),
    *(b"a" * 300, b"[" * 2000, b"(" * 200, b"- " * 300, "é\u202e\U0001f600".encode()),
    *(b"../", b"/dev/zero", b"/etc/passwd", b"%s", b"{}", b"$(id)"),
    *(b"learning_rate", b"init_id", b"zip", b"width", b"w1", b"all", b"linear", b"log", b"count"),
    *(b" and ", b" or ", b"not ", b" in ", b"==", b"<", b"abs(", b"status", b"epochs", b"run_id"),
]

_mutations = st.lists(
    st.tuples(
        st.sampled_from(["insert", "replace", "delete", "repeat", "cut", "swap"]),
        st.integers(0, 2**20),
        st.integers(1, 40),
        st.one_of(st.sampled_from(PIECES), st.binary(max_size=6)),
    ),
    min_size=1,
    max_size=5,
)


def mutated(*seeds):
    """Return a strategy for bytes that differ from one of the seeds in a few places."""
    return st.builds(_mutate, st.sampled_from(seeds), _mutations)


def _mutate(data, mutations):
    for kind, place, length, piece in mutations:
        at = place % (len(data) + 1)
        head, middle, tail = data[:at], data[at : at + length], data[at + length :]
        data = {
            "insert": head + piece + middle + tail,
            "replace": head + piece + tail,
            "delete": head + tail,
            "repeat": head + 3 * middle + tail,
            "cut": head,
            "swap": tail + middle + head,
        }[kind]
    return data[:20_000]


_KEYS = ["linear", "log", "count", "values", "every", "epochs", "grid", "momentum", "w1", "zip"]
_leaves = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-3, 5),
    st.sampled_from([2**31, 2**53, 2**63 - 1, 2**63, -(2**63), 2**64, 10**30, 10**400]),
    st.floats(),
    st.sampled_from(PIECES).map(lambda piece: piece.decode(errors="surrogateescape")),
    st.sampled_from(["", "tanh", "ssr", "normal", "xor", "shuffled", "drawn", "none", "w1", "b3"]),
    st.text(max_size=5),
)
values = st.recursive(
    _leaves,
    lambda inner: st.one_of(
        st.lists(inner, max_size=4),
        st.dictionaries(
            st.one_of(
                st.sampled_from(["linear", "log", "count", "values", "every", "w1"]), st.text()
            ),
            inner,
            max_size=3,
        ),
    ),
    max_leaves=6,
)

_changes = st.lists(
    st.tuples(
        st.lists(st.integers(0, 30), max_size=4),
        st.sampled_from(["set", "set", "delete", "add", "rename"]),
        st.one_of(
            st.text(max_size=5), st.sampled_from(["epochs", "grid", "momentum", "w1", "zip"])
        ),
        values,
    ),
    min_size=1,
    max_size=3,
)


def changed(*seeds):
    """Return a strategy for documents that differ from one of the seeds in a few values or keys."""
    return st.builds(_change, st.sampled_from(range(len(seeds))).map(seeds.__getitem__), _changes)


def _change(document, changes):
    document = copy.deepcopy(document)
    for path, kind, name, value in changes:
        parent, key, here = None, None, document
        for step in path:
            if not isinstance(here, dict | list) or not here:
                break
            parent = here
            key = list(here)[step % len(here)] if isinstance(here, dict) else step % len(here)
            here = here[key]
        if isinstance(here, dict) and kind == "add":
            here[name] = value
        elif isinstance(here, list) and kind == "add":
            here.append(value)
        elif parent is not None and kind == "delete":
            del parent[key]
        elif isinstance(parent, dict) and kind == "rename":
            parent[name] = parent.pop(key)
        elif parent is not None:
            parent[key] = value
    return document
