"""Pages of landmarks, with a landmark that trains nothing."""

import itertools

import pytest

from experiments.landmarks.page import Landmark, write, write_index


def a_landmark(measure):
    return Landmark(
        title="Steps",
        question="How many?",
        files=("dosage.toml",),
        measure=measure,
        tell=lambda found, pictures: f"{found} of them.\n",
    )


def test_a_page_has_question_body_command_time_and_files(tmp_path):
    landmark = a_landmark(lambda out, quick: quick)
    page = write("steps", landmark, out=tmp_path, pages=tmp_path / "pages", quick=True)
    title, question, body, end = page.read_text(encoding="utf-8").strip().split("\n\n")
    assert (title, question, body) == ("# Steps", "**How many?**", "True of them.")
    assert "`python -m experiments.landmarks steps --quick`" in end
    assert "[dosage.toml](../../experiments/dosage.toml)" in end


def test_the_time_is_that_of_all_training_calls(tmp_path, monkeypatch):
    clock = itertools.count(step=10)  # each call returns ten seconds more
    monkeypatch.setattr("experiments.landmarks.page.time.perf_counter", lambda: next(clock))

    def measure(out, quick):
        """Train a chunk in each of two calls, and interrupt the first; the third trains nothing."""
        commits = out / "sweep" / "commits"
        commits.mkdir(parents=True, exist_ok=True)
        there = len(list(commits.iterdir()))
        if there < 2:
            (commits / f"{there}.json").touch()
        if there == 0:
            raise KeyboardInterrupt

    def seconds():
        write("steps", a_landmark(measure), out=tmp_path, pages=tmp_path, quick=False)
        return float((tmp_path / "steps" / "seconds.txt").read_text())

    with pytest.raises(KeyboardInterrupt):
        seconds()
    assert [seconds(), seconds()] == [20.0, 20.0]
    assert "which took 20.0 s on" in (tmp_path / "steps.md").read_text(encoding="utf-8")


def test_the_index_names_every_page(tmp_path):
    page = write_index({"steps": a_landmark(None), "more": a_landmark(None)}, tmp_path)
    text = page.read_text(encoding="utf-8")
    assert "| [Steps](steps.md) | How many? |\n| [Steps](more.md) | How many? |" in text
