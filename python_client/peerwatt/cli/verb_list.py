"""The list of verbs in a help text: what each does is said whole, on as many lines as it needs."""

from __future__ import annotations

from typing import Any

from typer.core import TyperGroup

WHOLE = 1 << 16


class VerbList(TyperGroup):
    """A group of verbs; Click itself cuts their first sentences at the edge of the screen."""

    def format_commands(self, ctx: Any, formatter: Any) -> None:
        """Write the verbs."""
        found = ((name, self.get_command(ctx, name)) for name in self.list_commands(ctx))
        rows = [(name, verb.get_short_help_str(WHOLE)) for name, verb in found if verb and not verb.hidden]
        if rows:
            with formatter.section("Commands"):
                formatter.write_dl(rows)
