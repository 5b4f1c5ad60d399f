"""Which Dask cluster: one on this machine, or a running one; and which must not be used.

Whoever can talk to a scheduler can run any code on its workers. So a cluster on this machine
listens on the loopback interface alone, and a scheduler elsewhere is talked to by TLS alone.
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

# Seconds that a scheduler has to answer in.
_ANSWER = 15

# Those of Dask that have a level of their own; and one that nothing reaches.
_LOGGERS = ("distributed", "distributed.client", "distributed.gc")
_NOTHING = logging.CRITICAL + 1

# What the processes of a cluster measure of themselves takes processors that are to train, and here
# nobody looks at it. Memory that is given back at once, as Dask has it, is to be had anew for each
# chunk, which takes half a per cent of their time.
_LEAN = {
    "distributed.worker.profile.enabled": False,
    "distributed.admin.tick.interval": "1s",
    "distributed.admin.system-monitor.interval": "5s",
    "distributed.nanny.pre-spawn-environ.MALLOC_TRIM_THRESHOLD_": None,
}

_MOST_BYTES = 1_000_000  # of a scheduler file

_HOW = "docs/clusters.md says how to give a cluster certificates."


@contextmanager
def connected(address: str | None, workers: int) -> Iterator[Client]:
    """Yield a client of a running cluster, or of one with so many worker processes made for it.

    Parameters
    ----------
    address : str or None
        Of its scheduler, as `address_of` returns it; None for a cluster on this machine.
    workers : int
        How many processes that cluster has. Each has two threads, so that one can train while the
        other one encodes and writes.

    Raises
    ------
    ClusterError
        Nobody answers there, or worker processes cannot be started.
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
    """Have Dask log nothing: what users have to know is raised."""
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
                # There is a page of its health without a dashboard too, maybe on all interfaces.
                scheduler_kwargs={"dashboard_address": "127.0.0.1:0"},
                silence_logs=_NOTHING,
                memory_limit=None,  # rows in flight are bounded, and nothing can be spilled
            )
    except RuntimeError as error:
        raise ClusterError(
            f"worker processes cannot be started: {' '.join(str(error).split())}\n"
            'A script that asks for them needs its `if __name__ == "__main__":`.'
        ) from error


@contextmanager
def _deaf_to_ctrl_c() -> Iterator[None]:
    """Have processes that are started meanwhile ignore Ctrl-C, which a terminal sends to all.

    They end with this process, and without their tracebacks.
    """
    if sys.platform == "win32":  # which has no such mask; there they end with a traceback
        yield
        return
    _start_tracker()
    # A mask is inherited by threads and processes. Ctrl-C is not lost meanwhile, as it would be if
    # it were ignored: another thread notices it, or this one does at the end.
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _start_tracker() -> None:
    """Start the process in which multiprocessing tracks semaphores.

    If it were started later, it would take the mask away. It frees the semaphores of a process that
    is killed, and is not to warn of that.
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
            "`dask scheduler` starts one; what is finished is kept, and the same command goes on."
        ) from None


def _why(error: BaseException | None) -> str:
    """Return what an error began with; Dask wraps it, with addresses in memory in its messages."""
    why = ""
    while error is not None:
        why = str(error) or why  # a time-out says nothing
        error = error.__cause__
    return " ".join(why.split())


def address_of(scheduler: str) -> str:
    """Return the address of a scheduler, given that or the path of its scheduler file.

    Raises
    ------
    HarnessError
        It is none, or others than this machine could listen to what is said.
    """
    address = scheduler if "://" in scheduler else _read_address(Path(scheduler))
    scheme, _, rest = address.partition("://")
    try:
        parts = urlsplit(f"//{rest}")
        host, port = parts.hostname, parts.port
    except ValueError:  # a port that is none, half a bracket
        host, port = None, None
    if scheme not in ("tcp", "tls") or not host or port is None:
        raise HarnessError(
            f"--scheduler {shown(address)} must be tcp://HOST:PORT or tls://HOST:PORT,"
            " or a scheduler file.\nFor example: --scheduler tcp://127.0.0.1:8786"
        )
    if scheme == "tcp" and not _is_loopback(host):
        raise HarnessError(
            f"--scheduler {shown(address)} is another machine and not encrypted: whoever can reach"
            " it could read all that is sent, and run any program on the workers.\n"
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
        with open_text(path, _MOST_BYTES) as file:
            address = json.loads(file.read())["address"]
    except FileNotFoundError:
        raise HarnessError(
            f"--scheduler {shown(str(path))} is neither an address nor a file.\n"
            "It must be tcp://HOST:PORT, tls://HOST:PORT or the file of"
            " `dask scheduler --scheduler-file`."
        ) from None
    except (OSError, ValueError, TypeError, KeyError) as error:
        raise HarnessError(
            f"--scheduler {shown(str(path))} is no scheduler file: {error}.\n"
            "`dask scheduler --scheduler-file` writes one."
        ) from None
    return str(address)


def _is_loopback(host: str) -> bool:
    """Return whether all addresses of a host are this machine alone."""
    try:
        found = {info[4][0] for info in socket.getaddrinfo(host, None)}
    except (OSError, ValueError):  # no such host, no name that could be one
        return False
    return all(ipaddress.ip_address(str(address)).is_loopback for address in found)
