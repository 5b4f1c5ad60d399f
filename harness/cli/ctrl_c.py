"""Ctrl-C: a command ends within a second, with one sentence and exit status 130.

The handler raises SystemExit, so that `with` blocks clean up as they do after an error. That
exception is lost where Python ignores exceptions, as in `__del__` and in callbacks of C code, and
it is delayed while C code runs, such as a compiler. So a thread waits for the signal too, and kills
the process if it is still alive a moment later. Results survive that as they survive `kill -9`.

This module loads in milliseconds, so that Ctrl-C is handled from the first line on.
"""

import atexit
import os
import signal
import sys
import threading
import time
from contextlib import suppress
from types import FrameType

STOPPED = 130

# Seconds that a command has to end by itself.
_PATIENCE = 0.7

_SHOW_CURSOR = b"\r\x1b[K\x1b[?25h"  # and clear the line of a progress bar


class _State:
    """State shared by the handler, the thread and the commands."""

    raises = True  # until it has raised, or the command has ended
    raised = False
    kept = ""
    saying = threading.Lock()  # never released: the sentence is printed once


def listen() -> None:
    """Install the handler and the thread, unless SIGINT is ignored or handled already."""
    # A process that a shell starts in the background ignores Ctrl-C.
    if signal.getsignal(signal.SIGINT) is not signal.default_int_handler:
        return
    noticed, notice = os.pipe()
    if sys.platform != "win32":
        os.set_blocking(notice, False)
    signal.set_wakeup_fd(notice, warn_on_full_buffer=False)
    threading.Thread(target=_watch, args=(noticed,), name="ctrl-c", daemon=True).start()
    atexit.register(_end)  # as the first, so that it is called last
    signal.signal(signal.SIGINT, _stop)


def keeping(kept: str) -> None:
    """Set what the sentence after Ctrl-C says about results, from now on."""
    _State.kept = f"; {kept}"


def stopped() -> bool:
    """Return whether Ctrl-C has stopped the command; errors are then a consequence of it."""
    return _State.raised


def done() -> None:
    """Stop raising; exit with status 130 if Ctrl-C was pressed, even if an error followed."""
    _State.raises = False
    if _State.raised:
        raise SystemExit(STOPPED)


def _stop(signal_number: int, frame: FrameType | None) -> None:
    if not _State.raises:
        return
    _State.raises, _State.raised = False, True
    # Errors in threads and callbacks, and exceptions that are lost, print no traceback.
    sys.unraisablehook = threading.excepthook = _say_nothing
    raise SystemExit(STOPPED)


def _say_nothing(ignored: object) -> None:
    pass


def _watch(noticed: int) -> None:
    """Wait for Ctrl-C, and kill the process a moment later."""
    while os.read(noticed, 1) != bytes([signal.SIGINT]):
        pass
    time.sleep(_PATIENCE)
    if os.isatty(1):
        os.write(1, _SHOW_CURSOR)
    _say()
    os._exit(STOPPED)


def _end() -> None:
    if _State.raised:
        _say()
    # Python is about to give the signal back to the system, which would kill a finished command.
    signal.signal(signal.SIGINT, signal.SIG_IGN)


def _say() -> None:
    if _State.saying.acquire(blocking=False):
        with suppress(OSError):  # the reader of a pipe has gone
            # Not through sys.stderr, whose lock another thread may hold.
            os.write(2, f"harness: stopped{_State.kept or '.'}\n".encode())
