"""What is printed of a results folder: how far it is, and whether its files are whole."""

from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path

from harness.cli.printing import say
from harness.formatting import duration, plural, shown_bytes, si
from harness.results.inspection import Checked, Status


def show_status(folder: Path, status: Status) -> None:
    """Print how far a sweep is and who writes."""
    share = status.runs_done / status.runs
    rows = [
        ("experiment", status.name),
        ("runs", f"{status.runs_done:,} of {status.runs:,} done ({share:.0%})"),
        ("chunks", f"{status.chunks_done:,} of {status.chunks:,} done"),
        ("on disk", shown_bytes(status.bytes)),
    ]
    if status.chunks_broken:
        are = "is" if status.chunks_broken == 1 else "are"
        rows.append(
            ("broken", f"{plural(status.chunks_broken, 'chunk')} {are} committed, but not whole")
        )
    if status.runs_reused:
        rows.append(("reused", f"{plural(status.runs_reused, 'run')} of a smaller grid"))
    if status.last is not None:
        ago = (datetime.now(UTC) - status.last).total_seconds()
        rows.append(("last chunk", f"{duration(ago)} ago"))
    if status.rate is not None and status.runs_done < status.runs:
        left = (status.runs - status.runs_done) / status.rate
        rows.append(("rate", f"{si(status.rate)}runs/s lately; {duration(left)} left at that"))
    rows.append(("written by", status.writer or "nobody at the moment"))
    for label, text in rows:
        say(f"{label:10}  {text}")
    if status.runs_done < status.runs and status.writer is None:
        say(f"`harness run FILE --out {folder}` goes on.")


def show_checked(folder: Path, files: Iterable[Checked]) -> int:
    """Print the files that are broken, and return how many they are."""
    checked = broken = 0
    for file in files:
        checked += 1
        if file.problem:
            broken += 1
            say(f"{folder / file.name} {file.problem}")
    if broken:
        say(f"{broken:,} of {plural(checked, 'file')} broken.")
    else:
        say(f"{plural(checked, 'file')}, every byte as it was written.")
    return broken
