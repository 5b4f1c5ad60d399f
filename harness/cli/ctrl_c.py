"""Ctrl-C: a command ends within a second, with one sentence and exit status 130.

The handler raises SystemExit, so that `with` blocks clean up as they do after an error. But an
exception is lost where Python ignores exceptions, as in `__del__` and in callbacks of C code, and
comes late while C code runs, as a compiler does. So a thread waits for the signal as well, and ends
the process if it has not ended by itself in a moment. Results survive that as they survive
`kill -9`.

This module loads in milliseconds, so that Ctrl-C is noticed from the first line on.
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

# Seconds in which a command may end by itself.
_PATIENCE = 0.7

_SHOW_CURSOR = b"\r\x1b[K\x1b[?25h"  # and clear the line of a progress bar


class _State:
    """What the handler, the thread and the commands tell each other."""

    raises = True  # until it has, or the command is done
    raised = False
    kept = ""
    saying = threading.Lock()  # taken for good by who says the sentence


def listen() -> None:
    """Have Ctrl-C end this process as described above, unless somebody has decided otherwise."""
    # A shell has what it starts in the background ignore Ctrl-C.
    if signal.getsignal(signal.SIGINT) is not signal.default_int_handler:
        return
    noticed, notice = os.pipe()
    if sys.platform != "win32":
        os.set_blocking(notice, False)
    signal.set_wakeup_fd(notice, warn_on_full_buffer=False)
    threading.Thread(target=_watch, args=(noticed,), name="ctrl-c", daemon=True).start()
    atexit.register(_say_if_raised)
    signal.signal(signal.SIGINT, _stop)


def keeping(kept: str) -> None:
    """Say what is kept if Ctrl-C stops the command from now on."""
    _State.kept = f"; {kept}"


def stopped() -> bool:
    """Return whether Ctrl-C has stopped the command: errors are then its consequences."""
    return _State.raised


def done() -> None:
    """Raise nothing any more; end with status 130 if Ctrl-C has come, whatever came of it."""
    _State.raises = False
    if _State.raised:
        raise SystemExit(STOPPED)


def _stop(signal_number: int, frame: FrameType | None) -> None:
    if not _State.raises:
        return
    _State.raises, _State.raised = False, True
    # What is lost is not reported, nor what else goes wrong in a thread or a callback meanwhile.
    sys.unraisablehook = threading.excepthook = _say_nothing
    raise SystemExit(STOPPED)


def _say_nothing(what: object) -> None:
    pass


def _watch(noticed: int) -> None:
    """Wait for Ctrl-C, and end the process a moment later."""
    while os.read(noticed, 1) != bytes([signal.SIGINT]):
        pass
    time.sleep(_PATIENCE)
    if os.isatty(1):
        os.write(1, _SHOW_CURSOR)
    _say()
    os._exit(STOPPED)


def _say_if_raised() -> None:
    if _State.raised:
        _say()


def _say() -> None:
    if _State.saying.acquire(blocking=False):
        with suppress(OSError):  # nobody reads it
            # Not through sys.stderr, which another thread may hold.
            os.write(2, f"harness: stopped{_State.kept or '.'}\n".encode())
