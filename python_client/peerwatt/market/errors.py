"""Why a market refuses a call; the contract refuses the same call by the error of the same name."""

from peerwatt.errors import InputError, PeerwattError


class BadConfig(InputError):
    """A market's parameters contradict each other."""


class BadTariff(InputError):
    """A tariff that margins do not cover, or that pays more for feeding in than it charges."""


class MarketError(PeerwattError, RuntimeError):
    """The market cannot do this in the state it is in."""


class BalanceOverflow(MarketError):
    """A system account's cash would leave its 64 bits."""


class UnknownAccount(MarketError):
    """No such account."""


class NoConnection(MarketError):
    """A connection that can carry nothing has nothing to trade."""


class AboveSupplierCover(MarketError):
    """The supplier does not stand for that many Wh of connections."""


class NotWallet(MarketError):
    """Only the account's wallet may do this."""


class DepositTooLarge(MarketError):
    """An account would hold more than any market needs, and leave settlement too little room."""


class AlreadyLeaving(MarketError):
    """The participant has requested its exit before."""


class NotLeaving(MarketError):
    """The participant has not requested its exit, or has left."""


class WrongStatus(MarketError):
    """The participant's standing does not allow this."""


class AboveFreeBalance(MarketError):
    """More was asked for than the account has above its margin."""


class InFlight(MarketError):
    """The community's account holds what buyers paid and sellers are not paid yet."""


class AboveEnergyCredit(MarketError):
    """More energy was asked for than the account's credit, or than meters recorded as delivered."""


class OpenPosition(MarketError):
    """Orders of a leaving account may still be unsettled."""


class BatchTooLarge(MarketError):
    """A batch has more orders than one transaction can settle and correct."""


class LaneFull(MarketError):
    """A lane of the tick book has no room for the step."""


class SupplierBelowMargin(MarketError):
    """The supplier does not cover everybody's margin: nobody would pay for a default."""


class SealedOnly(MarketError):
    """The market has a sealed phase: batches are committed to and revealed."""


class AlreadyCommitted(MarketError):
    """The relayer has committed to this batch before."""


class UnknownSeal(MarketError):
    """The relayer has committed to no such batch, or it was revealed or forfeited before."""


class BookClosed(MarketError):
    """The reveal window of the interval is over."""


class RevealNotOver(MarketError):
    """The batch can still be revealed."""


class SlotBusy(MarketError):
    """The ring slot still holds an interval with unsettled batches."""


class GateClosed(MarketError):
    """Gate closure of the interval has passed."""


class NotYetOpen(MarketError):
    """The interval lies further ahead than orders are taken."""


class TooEarly(MarketError):
    """The time for this has not come."""


class TooLate(MarketError):
    """The deadline for this has passed."""


class WrongPhase(MarketError):
    """The interval is not in the phase that this needs."""


class UnknownBatch(MarketError):
    """The interval has no such batch."""


class OtherClearing(MarketError):
    """The report judges another outcome than this interval's."""


class BadVerdict(MarketError):
    """The report's verdict is none that a committee gives, or its volume contradicts it."""


class LossRateTooHigh(MarketError):
    """The report charges more losses than the market's maximum."""


class VolumeTooLarge(MarketError):
    """A report or an attestation claims more energy than it can be about."""


class DecisionsMismatch(MarketError):
    """The decisions are not those that the report carries the hash of."""


class BatchCountMismatch(MarketError):
    """There is not exactly one packed vector per batch."""


class VectorTooLong(MarketError):
    """A packed vector has more entries than the market has accounts."""


class NotAttestedByOperator(MarketError):
    """The metering operator did not sign this."""


class AlreadyAttested(MarketError):
    """The interval's readings were attested before."""


class AlreadySettled(MarketError):
    """The batch was settled before."""


class OldRun(MarketError):
    """A correction needs a higher run than the batch was settled by."""


class NotInCorrection(MarketError):
    """The correction has not one reading for every order of the batch."""


class MeterSignedReading(MarketError):
    """What a meter signed, only a meter's signature changes."""


class NotCommitted(MarketError):
    """The batch is committed to something else, or to nothing yet."""


class SupplierShort(MarketError):
    """The supplier would be left below the margin that it holds for others: it has to deposit first."""


class AlreadyProposed(MarketError):
    """The correction was proposed before."""


class NotProposed(MarketError):
    """Nobody has proposed the correction."""


class IsCancelled(MarketError):
    """The operator has cancelled the correction."""


class NotSignedByMeter(MarketError):
    """The reading is not signed by the account's meter, or fits no packed reading."""


class AlreadyContested(MarketError):
    """The account's meter has spoken on the interval before: its first word counts."""


class ContestedReading(MarketError):
    """The correction says something else of a meter than the meter itself."""


class AboveCorrectionCap(MarketError):
    """The correction moves more than corrections may still move today."""


class UnknownPage(MarketError):
    """The registry has no such page of participants."""


class WrongLength(MarketError):
    """An envelope's limits are not one for everybody in its page."""


class AlreadyPublished(MarketError):
    """The page has its envelope for this interval: the first counts."""


class LimitTooHigh(MarketError):
    """An envelope's limit is above what the participant's connection can carry."""
