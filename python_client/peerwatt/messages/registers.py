"""Whether what a meter signed agrees with its own registers: the contracts cannot know, so the client looks.

A register only grows, and falls in one way: it rolls over, from its last count to 0. Meters count to a power
of ten of Wh, which is what their displays have digits for, or to the end of a 32-bit word.
"""

from typing import Final

from peerwatt.errors import InputError
from peerwatt.messages.signed_reading import MeterReading

ROLL_OVERS: Final = (*(10**digits for digits in range(6, 13)), 1 << 32)
"""Counts at which registers begin again at 0, Wh: 1 MWh to 1 TWh, and 2^32."""


def require_own_registers(reading: MeterReading, where: str) -> None:
    """Refuse a reading of more energy in an interval than the register has ever counted.

    Args:
        reading: what the meter signed.
        where: for the error.

    Raises:
        InputError: it contradicts a register of its own.
    """
    for side, energy, register in _sides(reading):
        if energy > register:
            raise InputError(
                f"{where}: {side}ed {energy} Wh in the interval, but its {side} register has counted only "
                f"{register} Wh: more energy in the interval than its registers have ever counted"
            )


def require_succession(earlier: MeterReading, later: MeterReading, most: tuple[int, int], where: str) -> None:
    """Refuse two readings of one meter whose registers do not differ by the energy between them.

    Args:
        earlier: of one interval.
        later: of a later one. Between neighbours the difference is the later one's energy exactly; over a gap
            it is that or more.
        most: import and export that the connection carries in one interval, Wh: a register that fell over a
            gap has rolled over only if it can have come so far.
        where: for the error.

    Raises:
        InputError: a register fell and did not roll over, or moved by something else than the energy.
    """
    gap = later.interval - earlier.interval
    sides = zip(_sides(earlier), _sides(later), most, strict=True)
    for (side, _, before), (_, energy, after), most_wh in sides:
        moved = after - before
        fits = moved == energy if gap == 1 else moved >= energy
        if fits or any(_rolled_over(before, after, size, energy, gap, most_wh) for size in ROLL_OVERS):
            continue
        told = f"{where}: its {side} register stands at {before} Wh after interval {earlier.interval} and at "
        told += f"{after} Wh after interval {later.interval}"
        if moved < 0:
            raise InputError(f"{told}: a register falls only where it rolls over")
        raise InputError(f"{told}: that is {moved} Wh, and {energy} Wh {side}ed are signed for")


def _rolled_over(before: int, after: int, size: int, energy: int, gap: int, most_wh: int) -> bool:
    """Whether a register of that size came from one count to a lower one by that energy."""
    moved = after + size - before
    if not after < before < size:
        return False
    return moved == energy if gap == 1 else energy <= moved <= gap * most_wh


def _sides(reading: MeterReading) -> tuple[tuple[str, int, int], tuple[str, int, int]]:
    return (
        ("import", reading.imported, reading.import_register),
        ("export", reading.exported, reading.export_register),
    )
