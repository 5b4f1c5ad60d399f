"""Commands that say what an unknown option is called here, and refuse an option given twice."""

from collections.abc import Iterable
from typing import Any

from typer.core import TyperCommand

from harness.errors import HarnessError
from harness.hints import key_elsewhere, suggest

_INSTEAD = {
    "--where": 'Join conditions with "and".',
    "--by": "The plot grid compares along two axes: --x AXIS --by AXIS.",
}


class Command(TyperCommand):
    """A command whose errors about options lead to the option that was meant."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Check the names of options, then let typer read them.

        The context is a class of click or of typer's own copy, by the version of typer.

        Raises
        ------
        HarnessError
            An option has another name here, or takes one value and occurs twice.
        """
        if ctx.resilient_parsing:  # a line that a shell completes
            return super().parse_args(ctx, args)
        known = {name: param for param in self.params for name in param.opts}
        seen = set()
        for arg in args:
            name = arg.partition("=")[0]
            if name == "--":
                break
            if name in known:
                param = known[name]
                # typer would take the last one, and drop a condition before it without a word.
                if param.name in seen and not getattr(param, "multiple", False):
                    advice = f"\n{_INSTEAD[name]}" if name in _INSTEAD else ""
                    raise HarnessError(f"{name} can be given only once.{advice}")
                seen.add(param.name)
            elif name.startswith("--") and (hint := _hint(name, known)):
                raise HarnessError(f"There is no option {name}. {hint}")
        return super().parse_args(ctx, args)


def _hint(name: str, known: Iterable[str]) -> str:
    """Return a sentence about an unknown option: another option, or a key of FILE; may be empty."""
    known = list(known)
    if "--set" in known:
        from harness.experiment import Experiment
        from harness.experiment.messages import sections_with

        key = name.lstrip("-").replace("-", "_")
        sections = sections_with(key, Experiment)
        if sections:
            return (
                f"{sections[0]}.{key} is a key of FILE.\nSet it by --set {sections[0]}.{key}=VALUE."
            )
        if elsewhere := key_elsewhere(key):
            return f"{elsewhere}\nOverride keys of FILE by --set KEY=VALUE."
    hint = suggest(name, known)
    return hint if hint.startswith("It is called") else ""
