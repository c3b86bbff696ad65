"""What one member does for operating envelopes: derives and signs them in time, and sees to it that somebody
publishes them.

All of it in a window that ends with the gate's closure and lasts `envelope_lead_s`. The forecast that counts
is the one that is there when the window begins, or the first that comes in it; in its last turn nothing is
signed any more. Members that were given different forecasts sign different envelopes, and none is published:
then connection limits count, and nothing waits for it.
"""

from __future__ import annotations

from peerwatt.client import EnvelopeBoard, Head
from peerwatt.oracle.derivations import Derivations
from peerwatt.oracle.envelope import EnvelopeInputs
from peerwatt.oracle.envelope_record import EnvelopeRecord, OwnEnvelope
from peerwatt.oracle.forecast_file import ForecastSource
from peerwatt.oracle.seat import Seat, short
from peerwatt.oracle.votes import Votes


class EnvelopePublisher:
    """One member's part in the envelopes of its market."""

    def __init__(
        self,
        seat: Seat,
        derivations: Derivations,
        forecasts: ForecastSource,
        record: EnvelopeRecord,
        peers: Votes,
    ) -> None:
        """
        Args:
            seat: in the committee.
            derivations: on the member's feeder model.
            forecasts: where its forecasts come from.
            record: of its envelopes.
            peers: the other members.

        Raises:
            InputError: the market takes orders without envelopes.
        """
        self._board = EnvelopeBoard(seat.client)
        self._seat = seat
        self._derivations = derivations
        self._forecasts = forecasts
        self._record = record
        self._peers = peers
        self._underivable: dict[int, bytes] = {}

    def due(self, head: Head) -> list[int]:
        """Intervals that take orders and whose gate closes soon enough."""
        config = self._seat.config
        return [
            interval
            for interval in range(head.time // config.interval_length, config.last_open(head.time) + 1)
            if self._begin(interval) <= head.time < config.gate_closure(interval)
        ]

    def _begin(self, interval: int) -> int:
        """When the window of an interval begins: never before the interval takes orders."""
        config = self._seat.config
        closure, opening = config.gate_closure(interval), config.start(interval - config.open_ahead)
        return max(closure - self._seat.habits.envelope_lead_s, opening)

    def attend(self, interval: int, head: Head) -> None:
        """Sign an interval's envelopes, and publish what is not published when it is the member's turn.

        Raises:
            PeerwattError: the forecast cannot be used, or has no power flow.
        """
        seat, begin = self._seat, self._begin(interval)
        closure = seat.config.gate_closure(interval)
        turn = seat.turn_s(interval, closure - begin)
        signed = self._record.of_interval(interval)
        if not signed and head.time < closure - turn and seat.taken(interval):
            # Published with the next step: by then the others have signed the same, or never will.
            self._sign(interval)
        for own in signed:
            page = own.envelope.page
            if seat.my_turn(interval, begin, turn, head) and not self._board.limits(interval, page):
                self._publish(own, turn, head)

    def _sign(self, interval: int) -> None:
        seat = self._seat
        forecast = self._forecasts.forecast(interval)
        if forecast is None:
            seat.tell(interval, "no forecast yet: no envelope signed")
            return
        inputs = EnvelopeInputs(
            interval,
            seat.config.interval_length,
            self._board.connections(),
            forecast.on(self._derivations.feeder),
        )
        digest = inputs.digest()
        if self._underivable.get(interval) == digest:
            return
        # Should it fail, only another forecast is worth another search.
        self._underivable = {interval: digest}
        signed = self._record.sign_once(self._derivations.envelopes(inputs), self._board.domain, seat.sign)
        for own in signed:
            seat.tell(interval, f"signed envelope {own.envelope.page}, digest {short(own.digest)}")

    def _publish(self, own: OwnEnvelope, turn: int, head: Head) -> None:
        interval, page = own.envelope.interval, own.envelope.page
        what = f"envelope {page}"
        if not self._seat.may_send(what, interval, turn, head):
            return
        found = self._seat.quorum(
            interval,
            what,
            own.digest,
            own.signature,
            lambda members, enough: self._peers.collect_envelope(
                interval, page, self._board.domain, members, enough
            ),
        )
        if found is not None:
            self._seat.send(what, interval, self._board.publish_call(own.envelope, *found), turn, head)
