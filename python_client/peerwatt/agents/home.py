"""A home behind its meter: what its demand and its generation make of the two registers."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Flow:
    """One interval behind one meter, Wh.

    `own + imported` is the demand, `own + exported + curtailed` the generation.
    """

    own: int
    """Generated and consumed behind the meter."""
    imported: int
    exported: int
    curtailed: int = 0
    """Generation that the inverter held back."""

    @property
    def net_import(self) -> int:
        """Import less export: what the grid carries, + towards the home."""
        return self.imported - self.exported


def metered_flow(
    demand_wh: int, generation_wh: int, export_limit_wh: int | None = None, *, metered: bool = False
) -> Flow:
    """What the meter counts: the home uses its own generation first, the rest is exported.

    Args:
        demand_wh: consumption of the interval.
        generation_wh: available generation of the interval.
        export_limit_wh: most that the inverter may feed in, or None. An inverter obeys the grid gate because
            export above the accepted quantity earns nothing once the verdict is not Accept.
        metered: whether both are a meter's registers, which count either direction within an interval; what
            was used behind that meter is in neither.
    """
    own = 0 if metered else min(demand_wh, generation_wh)
    surplus = generation_wh - own
    exported = surplus if export_limit_wh is None else min(surplus, export_limit_wh)
    return Flow(own=own, imported=demand_wh - own, exported=exported, curtailed=surplus - exported)
