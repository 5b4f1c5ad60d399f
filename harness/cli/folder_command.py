"""`harness status` and `harness verify`: how far a sweep is, and whether its files are intact."""

from datetime import UTC, datetime

import typer

from harness.cli.loading import loading
from harness.cli.options import FAILED, Folder, complain
from harness.cli.printing import say
from harness.formatting import duration, plural, shown_bytes, si


def status(folder: Folder) -> None:
    """Show the progress of the sweep in DIR, and who is writing there."""
    with loading():
        from harness.results import inspection

    found = inspection.status(folder)
    share = found.runs_done / found.runs
    rows = [
        ("experiment", found.name),
        ("runs", f"{found.runs_done:,} of {found.runs:,} done ({share:.0%})"),
        ("chunks", f"{found.chunks_done:,} of {found.chunks:,} done"),
        ("on disk", shown_bytes(found.bytes)),
    ]
    if found.chunks_broken:
        are = "is" if found.chunks_broken == 1 else "are"
        rows.append(
            ("broken", f"{plural(found.chunks_broken, 'chunk')} {are} committed but damaged")
        )
    if found.runs_reused:
        rows.append(("reused", f"{plural(found.runs_reused, 'run')} of a smaller grid"))
    if found.last is not None:
        ago = (datetime.now(UTC) - found.last).total_seconds()
        rows.append(("last chunk", f"{duration(ago)} ago"))
    if found.rate is not None and found.runs_done < found.runs:
        left = (found.runs - found.runs_done) / found.rate
        rows.append(("rate", f"{si(found.rate)}runs/s lately; {duration(left)} left at that rate"))
    rows.append(("written by", found.writer or "no process at the moment"))
    for label, text in rows:
        say(f"{label:10}  {text}")
    if found.runs_done < found.runs and found.writer is None:
        say(f"Resume it with: harness run FILE --out {folder}")


def verify(folder: Folder) -> None:
    """Compare every byte in DIR with its checksum.

    Prints the damaged files, and exits with status 1 if there are any. `harness run` retrains
    their chunks.
    """
    from harness.results import inspection

    files = broken = 0
    for file in inspection.verify(folder):
        files += 1
        if file.problem:
            broken += 1
            say(f"{folder / file.name} {file.problem}")
    if broken:
        say(f"{broken:,} of {plural(files, 'file')} damaged.")
        complain("`harness run FILE` retrains the runs of the damaged files.")
        raise typer.Exit(FAILED)
    say(f"{plural(files, 'file')} intact.")
