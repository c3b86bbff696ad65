"""What parties say to one another over HTTP is what they say to one another directly."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from dataclasses import replace

import httpx
import pytest

from peerwatt.chain import Sender, open_network
from peerwatt.chain.rpc import RpcNetwork
from peerwatt.client import MarketClient
from peerwatt.errors import InputError
from peerwatt.messages import MeterReading, encode_orders
from peerwatt.messages.signature import split_signature
from peerwatt.oracle.report_bytes import as_hex
from peerwatt.oracle.web_server import WebServer
from peerwatt.record.derivation import results
from peerwatt.replay.replay import Replay
from peerwatt.replay.run import SETUP_S
from peerwatt.replay.wiring import Wiring, direct, over_http
from peerwatt.roles.http_ports import HttpAllowances, HttpForecasts, HttpOrders, HttpReadings, Unanswered
from peerwatt.roles.metering_desk import MeteringDesk
from peerwatt.roles.port_service import MOST_BYTES, ports
from peerwatt.roles.ports import MeterSignedReading
from peerwatt.roles.relayer import OrderQueue, Relayer
from peerwatt.scenario.forecasts import ScenarioForecasts
from peerwatt.scenario.loading import load_scenario
from tests.client.conftest import CONFIG, FIRST, SELLER, SmallMarket, open_small_market
from tests.rough_node import RoughNode

INTERVALS = 3


@pytest.fixture(scope="module")
def small() -> Iterator[SmallMarket]:
    with open_small_market() as market:
        yield market


@pytest.fixture(scope="module")
def desk(small: SmallMarket) -> MeteringDesk:
    view = small.client.watch()
    view.follow()
    return MeteringDesk(small.client, CONFIG, view, bytes(small.keys.metering_operator.key))


@pytest.fixture
def url(small: SmallMarket, desk: MeteringDesk) -> Iterator[str]:
    """A relayer and a metering desk that listen."""
    forecasts = ScenarioForecasts(load_scenario("brooklyn-10"), 1, FIRST)
    with OrderQueue() as queue:
        relayer = Relayer(small.client, queue, small.client.watch())
        served = ports(threading.Lock(), orders=relayer, readings=desk, forecasts=forecasts)
        with WebServer("127.0.0.1", 0, served) as server:
            yield server.url


def test_a_replay_over_http_gives_what_direct_calls_give() -> None:
    scenario = load_scenario("brooklyn-10")
    genesis = int(scenario.calendar.start.timestamp()) - SETUP_S

    def replayed(wiring: Wiring) -> object:
        with open_network("eth-tester", genesis_time=genesis, sealed=True) as network:
            found = Replay(scenario, network, scenario.seed, INTERVALS, wiring=wiring).run()
        assert (found.first_difference, found.conservation_error) == ("", 0)
        result = results(found)
        return replace(result, summary=replace(result.summary, wall_seconds=0))

    assert replayed(over_http) == replayed(direct)


def test_an_order_that_somebody_else_signed_is_refused_and_keeps_nobody_out(
    small: SmallMarket, url: str
) -> None:
    [order, _] = small.orders(FIRST, 500)
    with HttpOrders(url) as orders:
        with pytest.raises(
            InputError, match=f"order of account {SELLER} .*not signed by the account's order"
        ):
            orders.accept(replace(order, signature=bytes(64)))
        with pytest.raises(InputError, match="nobody is registered under that account"):
            orders.accept(replace(order, order=replace(order.order, participant=99)))
        orders.accept(order)
        # Its answer was lost: it is asked again.
        orders.accept(order)


def test_an_order_is_not_refused_because_the_relayers_node_does_not_answer() -> None:
    with open_small_market("anvil") as market, OrderQueue() as queue:
        assert isinstance(market.network, RpcNetwork)
        with (
            RoughNode(market.network.url) as node,
            open_network(node.url, answer_seconds=1) as live,
        ):
            client = MarketClient(live, market.deployment, Sender(live, market.keys.relayer))
            relayer = Relayer(client, queue, client.watch())
            node.modes = ["drop=1"]
            served = ports(threading.Lock(), orders=relayer)
            with (
                WebServer("127.0.0.1", 0, served) as server,
                HttpOrders(server.url) as orders,
                pytest.raises(Unanswered, match=r"v1/orders: status 503: .* no chain answers"),
            ):
                orders.accept(market.orders(FIRST, 500)[0])


def test_a_reading_counts_under_its_meters_signature_alone(small: SmallMarket, url: str) -> None:
    reading, key = MeterReading(FIRST, SELLER, 10, 20, 10, 20), bytes(small.keys.meter_key(SELLER).key)
    domain = small.client.domain
    with HttpReadings(url) as readings:
        other = bytes(small.keys.order_key(SELLER).key)
        with pytest.raises(InputError, match="not signed by the account's meter"):
            readings.accept(MeterSignedReading(reading, reading.sign(domain, other)))
        contradiction = replace(reading, imported=30)
        with pytest.raises(InputError, match="more energy in the interval than its registers"):
            readings.accept(MeterSignedReading(contradiction, contradiction.sign(domain, key)))
        readings.accept(MeterSignedReading(reading, reading.sign(domain, key)))
        another = replace(reading, imported=9)
        with pytest.raises(InputError, match="another reading was taken before"):
            readings.accept(MeterSignedReading(another, another.sign(domain, key)))


def test_forecasts_arrive_as_they_were_written(url: str) -> None:
    with HttpForecasts(url) as forecasts:
        assert forecasts.forecast(FIRST) == ScenarioForecasts(
            load_scenario("brooklyn-10"), 1, FIRST
        ).forecast(FIRST)


def test_what_is_no_message_is_refused_by_its_field(url: str) -> None:
    answer = httpx.post(f"{url}/v1/orders", json={"interval": FIRST, "order": "zz"}, trust_env=False)
    assert (answer.status_code, answer.json()["detail"][0]["loc"]) == (422, ["body", "order"])
    answer = httpx.post(f"{url}/v1/orders", json={"interval": FIRST, "order": "0x00"}, trust_env=False)
    assert answer.status_code == 422


def test_a_party_that_is_not_there_is_named() -> None:
    with HttpOrders("http://127.0.0.1:9") as orders, pytest.raises(Unanswered, match=r"127\.0\.0\.1:9: no"):
        orders._ask("GET", "v1/nothing")


def test_only_a_port_that_says_so_has_taken_something(small: SmallMarket, desk: MeteringDesk) -> None:
    """Another server's "not found" counted as an order taken, and as leave to feed in without limit."""
    [order, _] = small.orders(FIRST, 500)
    with WebServer("127.0.0.1", 0, ports(threading.Lock(), readings=desk)) as server:
        with HttpOrders(server.url) as orders, pytest.raises(Unanswered, match="v1/orders: status 404"):
            orders.accept(order)
        with HttpAllowances(server.url) as allowances, pytest.raises(Unanswered, match="status 404"):
            allowances.allowed_export(FIRST, SELLER)


def test_a_body_longer_than_any_message_is_not_read(url: str) -> None:
    long = {"interval": FIRST, "order": "0x" + "00" * MOST_BYTES}
    answer = httpx.post(f"{url}/v1/orders", json=long, trust_env=False)
    assert (answer.status_code, len(answer.content) < 100) == (413, True)
    answer = httpx.post(f"{url}/v1/orders", content=iter([b"{}"]), trust_env=False)
    assert answer.status_code == 411


def wallets_forms(signature: bytes) -> list[object]:
    """A compact signature as wallets would have given it."""
    r, s, parity = split_signature(signature)
    long = r.to_bytes(32, "big") + s.to_bytes(32, "big") + bytes([27 + parity])
    return [
        as_hex(signature),
        as_hex(long),
        long.hex().upper(),
        as_hex(long[:64] + bytes([parity])),
        {"r": hex(r), "s": hex(s), "v": 27 + parity},
        {"r": hex(r), "s": hex(s), "yParity": hex(parity), "v": str(27 + parity)},
    ]


def test_what_a_wallet_signed_is_taken_as_the_wallet_gives_it(small: SmallMarket, url: str) -> None:
    interval = FIRST + 1
    [signed, _] = small.orders(interval, 700)
    message = {**signed.order.values(), "steps": [{"side": 1, "tick": "20", "quantity": "700"}]}
    reading = MeterReading(interval, SELLER, 0, 20, 10, 40)
    own = reading.sign(small.client.domain, bytes(small.keys.meter_key(SELLER).key))
    for form in wallets_forms(signed.signature):
        answer = httpx.post(f"{url}/v1/orders", json={**message, "signature": form}, trust_env=False)
        assert (answer.status_code, answer.json()) == (200, {"accepted": True})
    long = as_hex(encode_orders([signed]))[:-128] + str(wallets_forms(signed.signature)[1])[2:]
    answer = httpx.post(f"{url}/v1/orders", json={"interval": interval, "order": long}, trust_env=False)
    assert answer.status_code == 200
    for form in wallets_forms(own):
        content = {**reading.values(), "exportRegister": "40", "signature": form}
        assert httpx.post(f"{url}/v1/readings", json=content, trust_env=False).status_code == 200


@pytest.mark.parametrize(
    ("change", "place"),
    [
        ({"signature": "0x00"}, ["body", "signature"]),
        ({"signature": {"r": "0x1"}}, ["body", "signature"]),
        ({"signature": None, "order": "0x00"}, ["body"]),
        ({"steps": None}, ["body"]),
        ({"interval": "1e3"}, ["body", "interval"]),
        ({"interval": -1}, ["body", "interval"]),
        ({"participant": 4.0}, ["body", "participant"]),
        ({"participant": "٤"}, ["body", "participant"]),
        ({"steps": [{"side": 2, "tick": 1, "quantity": 1}]}, ["body", "steps", 0, "side"]),
        ({"steps": [{"side": 0, "tick": 1, "quantity": 1 << 23}]}, ["body", "steps", 0, "quantity"]),
        ({"steps": [{"side": 0, "tick": 1, "quantity": 1}] * 9}, ["body", "steps"]),
        ({"memo": "pay me"}, ["body", "memo"]),
    ],
)
def test_an_order_that_no_wallet_signs_is_refused_by_its_field(
    change: dict[str, object], place: list[object], small: SmallMarket, url: str
) -> None:
    [signed, _] = small.orders(FIRST, 500)
    content = {**signed.order.values(), "signature": as_hex(signed.signature), **change}
    answer = httpx.post(f"{url}/v1/orders", json=content, trust_env=False)
    assert (answer.status_code, answer.json()["detail"][0]["loc"]) == (422, place)
    assert httpx.get(f"{url}/openapi.json", trust_env=False).status_code == 200


def test_a_meters_registers_move_by_what_it_signs(small: SmallMarket) -> None:
    view = small.client.watch()
    view.follow()
    desk = MeteringDesk(small.client, CONFIG, view, bytes(small.keys.metering_operator.key))
    key = bytes(small.keys.meter_key(SELLER).key)

    def hand_in(interval: int, imported: int, register: int, exported: int = 0) -> None:
        reading = MeterReading(interval, SELLER, imported, exported, register, 5000 + exported)
        desk.accept(MeterSignedReading(reading, reading.sign(small.client.domain, key)))

    with pytest.raises(
        InputError, match="imported 500 Wh in the interval, but its import register has count"
    ):
        hand_in(FIRST, 500, 10)
    hand_in(FIRST, 500, 999_700)
    for imported, register, said in (
        (500, 1_000_100, r"that is 400 Wh, and 500 Wh imported are signed for"),
        (500, 999_700, r"that is 0 Wh, and 500 Wh imported"),
        (1_000_400, 1_000_100, r"that is 400 Wh, and 1000400 Wh imported"),
        (500, 999_600, r"a register falls only where it rolls over"),
        (500, 10, r"a register falls only where it rolls over"),
    ):
        with pytest.raises(InputError, match=said):
            hand_in(FIRST + 1, imported, register)
    hand_in(FIRST + 1, 500, 200)  # rolled over at 1 MWh
    hand_in(FIRST + 4, 100, 900)
    for imported, register, said in (
        (300, 700, r"that is 500 Wh, and 300 Wh imported"),
        (500, 700, None),
    ):
        if said is None:
            hand_in(FIRST + 2, imported, register)
        else:
            with pytest.raises(InputError, match=said):
                hand_in(FIRST + 2, imported, register)
    with pytest.raises(
        InputError, match=rf"after interval {FIRST + 3} and at 900 Wh after interval {FIRST + 4}"
    ):
        hand_in(FIRST + 3, 150, 850)
    with pytest.raises(InputError, match=r"export register"):
        hand_in(FIRST + 3, 100, 800, exported=7)
    hand_in(FIRST + 3, 100, 800)
    desk.restore(desk.save())
    hand_in(FIRST + 3, 100, 800)
