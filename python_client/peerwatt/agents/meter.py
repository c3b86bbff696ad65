"""A meter: two monotone registers, import and export, and the device key that signs them."""

from peerwatt.errors import InputError
from peerwatt.messages import MAX_REGISTER, MeterReading


class Meter:
    """One participant's meter.

    The two registers only ever grow and are never netted. The meter counts whole Wh, so the sum of its
    intervals is the difference of its registers, exactly.

    Args:
        participant: account index of the participant.
        import_register: Wh drawn from the grid since installation.
        export_register: Wh fed into the grid since installation.
    """

    def __init__(self, participant: int, import_register: int = 0, export_register: int = 0) -> None:
        self.participant = participant
        self.import_register = import_register
        self.export_register = export_register
        self._last_interval: int | None = None

    def save(self) -> tuple[int, int, int | None]:
        """What it shows: both registers, and the last interval that it counted."""
        return self.import_register, self.export_register, self._last_interval

    def restore(self, shown: tuple[int, int, int | None]) -> None:
        """Go on from what `save` gave."""
        self.import_register, self.export_register, self._last_interval = shown

    def read(self, interval: int, imported: int, exported: int) -> MeterReading:
        """Count one interval and return its reading.

        Args:
            interval: its number; must be later than every interval counted before.
            imported: Wh, not negative.
            exported: Wh, not negative.

        Raises:
            InputError: the interval was counted already, energy is negative, or a register would overflow.
        """
        name = f"meter of participant {self.participant}, interval {interval}"
        if self._last_interval is not None and interval <= self._last_interval:
            raise InputError(f"{name}: already read up to {self._last_interval}; read intervals in order")
        if imported < 0 or exported < 0:
            raise InputError(
                f"{name}: energy {imported}/{exported} Wh is negative; a register never runs back"
            )
        if max(self.import_register + imported, self.export_register + exported) > MAX_REGISTER:
            raise InputError(f"{name}: {imported}/{exported} Wh overflows a register; replace the meter")
        self._last_interval = interval
        self.import_register += imported
        self.export_register += exported
        return MeterReading(
            interval=interval,
            participant=self.participant,
            imported=imported,
            exported=exported,
            import_register=self.import_register,
            export_register=self.export_register,
        )
