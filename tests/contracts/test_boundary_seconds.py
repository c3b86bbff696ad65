"""Every window opens and closes at its very second."""

from functools import partial

from onchain import (
    CONFIG,
    FIRST_INTERVAL,
    OnChainMarket,
)
from refusals import tried_at

from peerwatt.messages import (
    Reading,
    ReadingStatus,
    Side,
    Verdict,
    encode_readings,
)

INTERVAL = FIRST_INTERVAL


def test_each_window_at_its_boundary_seconds(market: OnChainMarket) -> None:
    """What must come before a second is refused at it; what may come from then on is refused before it."""
    client, order = market.client, market.order(INTERVAL, 4, (Side.SELL, 20, 600))
    opens = (INTERVAL - CONFIG.open_ahead) * CONFIG.interval_length

    at = partial(tried_at, market)

    at(opens - 1, "NotYetOpen", lambda: client.post(INTERVAL, [order]))
    at(opens, None, lambda: client.post(INTERVAL, [order]))
    closure = CONFIG.gate_closure(INTERVAL)
    at(closure - 1, None, lambda: client.post(INTERVAL, [order]))
    at(closure, "GateClosed", lambda: client.post(INTERVAL, [order]))
    market.at(opens)
    batch = client.post(INTERVAL, [order]).data
    at(closure - 1, "TooEarly", lambda: client.clear(INTERVAL))
    market.at(closure)
    client.clear(INTERVAL)
    report = market.report_on(INTERVAL, Verdict.ACCEPT, 0)
    deadline = CONFIG.report_deadline(INTERVAL)
    signed = market.quorum_of(report)
    at(deadline - 1, None, lambda: client.report(report, [], *signed))
    at(deadline, "TooLate", lambda: client.report(report, [], *signed))
    at(deadline - 1, "TooEarly", lambda: client.expire(INTERVAL))
    market.at(deadline)
    client.expire(INTERVAL)
    signature = market.attestation(INTERVAL, [b""], 0)
    end, attest = CONFIG.end(INTERVAL), CONFIG.attest_deadline(INTERVAL)
    at(end - 1, "TooEarly", lambda: client.attest(INTERVAL, [b""], 0, signature))
    at(end, None, lambda: client.attest(INTERVAL, [b""], 0, signature))
    at(attest - 1, None, lambda: client.attest(INTERVAL, [b""], 0, signature))
    at(attest, "TooLate", lambda: client.attest(INTERVAL, [b""], 0, signature))
    at(attest - 1, "TooEarly", lambda: client.overrule(INTERVAL, 0, batch, []))
    at(attest, None, lambda: client.overrule(INTERVAL, 0, batch, []))
    last = CONFIG.readings_deadline(INTERVAL)
    at(last - 1, None, lambda: client.overrule(INTERVAL, 0, batch, []))
    at(last, "TooLate", lambda: client.overrule(INTERVAL, 0, batch, []))
    at(last - 1, "TooEarly", lambda: client.settle(INTERVAL, 0, batch))
    at(last, None, lambda: client.settle(INTERVAL, 0, batch))
    market.at(last)
    settled_by = client.settlement_terms(client.settle(INTERVAL, 0, batch))
    correction = CONFIG.correction_deadline(INTERVAL)
    readings = encode_readings([Reading(ReadingStatus.ATTESTED, 0, 600)])
    proposal = (INTERVAL, 0, batch, 2, readings, 0)
    at(correction - 1, None, lambda: market.propose(*proposal))
    at(correction, "TooLate", lambda: market.propose(*proposal))
    market.at(correction - 1)
    since = market.propose(*proposal).since
    assert since == correction - 1 + CONFIG.correction_delay
    last = CONFIG.booking_deadline(INTERVAL)
    booking = (INTERVAL, 0, batch, settled_by, 2, 0, readings)
    at(since - 1, "TooEarly", lambda: client.correct(*booking))
    at(since, None, lambda: client.correct(*booking))
    at(last - 1, None, lambda: client.correct(*booking))
    at(last, "TooLate", lambda: client.correct(*booking))
