"""What meters say for themselves: their signed readings outrank those of the metering operator."""

from collections.abc import Callable, Sequence

from peerwatt.messages import MAX_READING, Reading, ReadingStatus, SignedReading


def overrule(
    readings: Sequence[Reading], signed: Sequence[SignedReading], is_signed: Callable[[SignedReading], bool]
) -> tuple[tuple[Reading, ...], tuple[int, ...]]:
    """Replace readings of a batch by what the meters themselves signed.

    A reading is replaced once. Skipped is a signed reading of no order in the batch, one of an entry that is
    meter-signed already, one that does not fit a packed reading, and one that its meter did not sign.

    Args:
        readings: Of every order of the batch, in the records' order.
        signed: The meters' readings.
        is_signed: Whether a reading, of an order in the batch, bears its meter's signature.

    Returns:
        The readings after it, and the positions of the signed readings that were skipped.
    """
    after, skipped = list(readings), []
    for new in signed:
        known = new.position < len(readings) and after[new.position].status != ReadingStatus.METER_SIGNED
        if known and max(new.imported, new.exported) <= MAX_READING and is_signed(new):
            after[new.position] = Reading(ReadingStatus.METER_SIGNED, new.imported, new.exported)
        else:
            skipped.append(new.position)
    return tuple(after), tuple(skipped)
