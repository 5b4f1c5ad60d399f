"""Printed text cannot control or flood a terminal, and tables are complete."""

import pytest

from harness.cli import printing


@pytest.mark.parametrize("say", [printing.say, printing.say_wrapped])
def test_text_is_escaped_and_shortened(say, capsys):
    say("a\x1b[31mb\x9bc\u202e" + "d" * 100_000)
    printed = capsys.readouterr().out
    assert printed.startswith("a\\u001b[31mb\\u009bc\\u202e")
    assert len(printed) < 1200
    assert all(line.isprintable() for line in printed.splitlines())


def test_cells_are_escaped_and_shortened_but_lines_are_not(capsys):
    printing.say_table("title", ["a\nb"] * 50, [["\x1b[2J"] * 49 + ["x" * 1000], ["y" * 90] * 50])
    title, headings, first, second = capsys.readouterr().out.splitlines()
    assert title == "title"
    assert headings.split() == ["a\\u000ab"] * 50
    assert first.split(" ")[-1] == "x" * 12
    assert first.count("\\u001b[2J") == 49
    assert second.split() == ["y" * 90] * 50
