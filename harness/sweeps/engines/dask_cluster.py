"""Dask clusters: make one on this machine, or connect with a running one if that is secure.

Anyone who can reach a scheduler can run any code on its workers. So a cluster on this machine
listens only on the loopback interface, and a scheduler on another machine must use TLS.
"""

import ipaddress
import json
import logging
import signal
import socket
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from multiprocessing import resource_tracker
from pathlib import Path
from urllib.parse import urlsplit

import dask
from distributed import Client, LocalCluster
from distributed.security import Security

from harness.errors import ClusterError, HarnessError, shown
from harness.plain_files import open_text
from harness.sweeps.engines import KEPT

# Seconds for a scheduler to answer.
_ANSWER = 15

# Dask's loggers that have levels of their own, and a level that no message reaches.
_LOGGERS = ("distributed", "distributed.client", "distributed.gc")
_NOTHING = logging.CRITICAL + 1

# Statistics that no one reads would take time from training. By default, Dask returns memory at
# once, and getting it back for each chunk takes half a per cent of the time.
_LEAN = {
    "distributed.worker.profile.enabled": False,
    "distributed.admin.tick.interval": "1s",
    "distributed.admin.system-monitor.interval": "5s",
    "distributed.nanny.pre-spawn-environ.MALLOC_TRIM_THRESHOLD_": None,
}

_MAX_FILE_BYTES = 1_000_000

_HOW = "docs/clusters.md explains how to give a cluster certificates."


@contextmanager
def connected(address: str | None, workers: int) -> Iterator[Client]:
    """Yield a client of a running cluster, or of a new one on this machine.

    Parameters
    ----------
    address : str or None
        Address of the scheduler, as `address_of` returns it; None to make a cluster.
    workers : int
        Worker processes of a new cluster. Each has two threads: one can train while the other
        encodes and writes.

    Raises
    ------
    ClusterError
        The scheduler does not answer, or worker processes cannot be started.
    """
    with _silence():
        if address is None:
            with _made_here(workers) as cluster, Client(cluster, set_as_default=False) as client:
                yield client
        else:
            with _client_of(address) as client:
                yield client


@contextmanager
def _silence() -> Iterator[None]:
    """Switch off Dask's logs: whatever users need to know is raised."""
    levels = {logger: logger.level for logger in map(logging.getLogger, _LOGGERS)}
    for logger in levels:
        logger.setLevel(_NOTHING)
    try:
        yield
    finally:
        for logger, level in levels.items():
            logger.setLevel(level)


def _made_here(workers: int) -> LocalCluster:
    """Start a cluster on this machine."""
    try:
        with _deaf_to_ctrl_c(), dask.config.set(_LEAN):
            return LocalCluster(
                n_workers=workers,
                threads_per_worker=2,
                host="127.0.0.1",
                dashboard_address=None,
                # Even without a dashboard there is a health page, by default on all interfaces.
                scheduler_kwargs={"dashboard_address": "127.0.0.1:0"},
                silence_logs=_NOTHING,
                memory_limit=None,  # chunks in flight are bounded, and nothing can be spilled
            )
    except RuntimeError as error:
        raise ClusterError(
            f"worker processes cannot be started: {' '.join(str(error).split())}\n"
            'A script that uses them needs `if __name__ == "__main__":` around its calls.'
        ) from error


@contextmanager
def _deaf_to_ctrl_c() -> Iterator[None]:
    """Make processes that are started here ignore Ctrl-C, which a terminal sends to all of them.

    They end with this process, without printing tracebacks.
    """
    if sys.platform == "win32":  # has no signal masks; there, workers print tracebacks
        yield
        return
    _start_tracker()
    # Threads and processes inherit the mask. A blocked Ctrl-C is not lost, unlike an ignored one:
    # another thread receives it, or this one in the end.
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _start_tracker() -> None:
    """Start the process in which multiprocessing tracks semaphores.

    Started later, it would unblock Ctrl-C. It frees the semaphores of a process that is killed, and
    must not warn about that.
    """
    sys.warnoptions.append("ignore:resource_tracker")
    try:
        resource_tracker.ensure_running()
    finally:
        sys.warnoptions.pop()


def _client_of(address: str) -> Client:
    """Connect with a running cluster."""
    try:
        return Client(address, timeout=_ANSWER, set_as_default=False)
    except (OSError, RuntimeError, ImportError, ValueError) as error:
        raise ClusterError(
            f"the scheduler at {address} cannot be reached: {_why(error)}\n"
            f"Start one with `dask scheduler`. {KEPT}"
        ) from None


def _why(error: BaseException | None) -> str:
    """Return the message of the first cause; Dask's own messages have addresses in memory."""
    why = ""
    while error is not None:
        why = str(error) or why  # a timeout has no message
        error = error.__cause__
    return " ".join(why.split())


def address_of(scheduler: str) -> str:
    """Return the address of a scheduler, given the address or the path of its scheduler file.

    Raises
    ------
    HarnessError
        It is not an address or a scheduler file, or the connection would not be secure.
    """
    address = scheduler if "://" in scheduler else _read_address(Path(scheduler))
    scheme, _, rest = address.partition("://")
    try:
        parts = urlsplit(f"//{rest}")
        host, port = parts.hostname, parts.port
    except ValueError:  # not a port, half a bracket
        host, port = None, None
    if scheme not in ("tcp", "tls") or not host or port is None:
        raise HarnessError(
            f"--scheduler {shown(address)} must be tcp://HOST:PORT or tls://HOST:PORT,"
            " or a scheduler file.\nFor example: --scheduler tcp://127.0.0.1:8786"
        )
    if scheme == "tcp" and not _is_loopback(host):
        raise HarnessError(
            f"--scheduler {shown(address)} is on another machine and not encrypted: anyone who can"
            " reach it could read what is sent, and run any program on the workers.\n"
            f"Use tls://. {_HOW}"
        )
    if scheme == "tls" and Security().get_connection_args("client")["ssl_context"] is None:
        raise HarnessError(
            f"--scheduler {shown(address)} needs certificates, and Dask's configuration names"
            f" none.\nSet distributed.comm.tls.ca-file, client.cert and client.key. {_HOW}"
        )
    return address


def _read_address(path: Path) -> str:
    """Return the address in a scheduler file."""
    try:
        with open_text(path, _MAX_FILE_BYTES) as file:
            address = json.loads(file.read())["address"]
    except FileNotFoundError:
        raise HarnessError(
            f"--scheduler {shown(str(path))} is neither an address nor a file.\n"
            "It must be tcp://HOST:PORT, tls://HOST:PORT or the file of"
            " `dask scheduler --scheduler-file`."
        ) from None
    except (OSError, ValueError, TypeError, KeyError) as error:
        raise HarnessError(
            f"--scheduler {shown(str(path))} is not a scheduler file: {error}.\n"
            "`dask scheduler --scheduler-file` writes one."
        ) from None
    return str(address)


def _is_loopback(host: str) -> bool:
    """Return whether all addresses of a host are loopback addresses."""
    try:
        found = {info[4][0] for info in socket.getaddrinfo(host, None)}
    except (OSError, ValueError):  # unknown, or not the name of a host
        return False
    return all(ipaddress.ip_address(str(address)).is_loopback for address in found)
