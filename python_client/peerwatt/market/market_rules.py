"""The rules that a market is created with and keeps, and the deadlines that follow from them."""

from dataclasses import dataclass, fields
from typing import Final

from peerwatt.market.errors import BadConfig, BadTariff, TooEarly, TooLate
from peerwatt.market.pricing import SET_PRICES, BreakEven, Pricing
from peerwatt.messages import MAX_PRICE, TICKS
from peerwatt.units import CONNECTION_UNIT_W, DAY_S, HOUR_S, PPM

MAX_RING: Final = 4096
"""Most slots of the ring: an exit reads every one."""

BATCH_ORDERS: Final = 256
"""Most orders of a batch, unless a market says otherwise: posted, settled or corrected, the dearest batch of
so many fits the 2^24 gas of one transaction (EIP-7825). ``docs/gas.md`` has the measured figures."""

MAX_BATCH_ORDERS: Final = 1024
"""Most that a market may choose."""

CORRECTION_DELAY: Final = 86_400
"""How long a correction waits where nothing else is said, s: a day."""

CORRECTION_CAP: Final = 20_000_000
"""What corrections may move on a day where nothing else is said, base units: 20 of the currency."""

MAX_WINDOW: Final = (1 << 32) - 1
"""Longest time that fits the contract, s."""

MAX_CAP: Final = (1 << 64) - 1
"""Largest correction cap that fits the contract, base units."""

MAX_BOND: Final = (1 << 48) - 1
"""Largest bond of a sealed batch, base units."""

RECOVERY_DELAY_S: Final = 14 * DAY_S
"""How long a wallet may veto another one for its account, where a market says nothing else."""


@dataclass(frozen=True, slots=True)
class Tariff:
    """Prices around the peer trade, base units per Wh.

    Attributes:
        retail: What the supplier charges for energy that no peer sold.
        feed_in: What the supplier pays for energy that no peer bought.
        network_fee: What the grid operator charges a peer purchase.

    Raises:
        BadTariff: A price does not fit the contract, or feed-in exceeds retail.
    """

    retail: int
    feed_in: int
    network_fee: int

    def __post_init__(self) -> None:
        for field in fields(self):
            price = getattr(self, field.name)
            if not isinstance(price, int) or not 0 <= price <= MAX_PRICE:
                raise BadTariff(f"Tariff.{field.name} is {price!r}: give an integer from 0 to {MAX_PRICE}.")
        if self.feed_in > self.retail:
            raise BadTariff(
                f"Tariff.feed_in {self.feed_in} is above Tariff.retail {self.retail}: "
                "buying in order to feed in would pay; lower it."
            )


@dataclass(frozen=True, slots=True)
class MarketConfig:
    """The parameters that a market keeps for life. Interval n is ``[n, n + 1) * interval_length`` in Unix
    time.

    Attributes:
        interval_length: Delivery period, s.
        gate_lead: How long before delivery the gate closes, s.
        report_window: How long after gate closure the committee may report, s.
        attest_window: How long after delivery the metering operator may attest, s.
        overrule_window: How long after that meters may overrule, s.
        correction_window: How long after delivery readings may be corrected, s.
        open_ahead: How many intervals ahead of the running one take orders.
        ring_size: How many intervals may be open or unsettled at once.
        base_price: Price of tick 0, base units per Wh.
        tick_size: Price from one tick to the next, base units per Wh.
        margin_price: Margin held for every Wh of connection limit, base units per Wh.
        max_loss_rate: Most that a report may charge as losses, ppm of the accepted energy.
        reveal_window: How long after gate closure sealed batches are revealed, s; 0 for an open market.
        bond: What a relayer leaves with every sealed batch until it reveals it, base units; 0 for an open
            market.
        max_network_fee: Most that a report may charge an order for the network, base units per accepted Wh; 0
            leaves every buyer the tariff's uniform fee.
        pricing: How the price of a trade is found.
        fixed_price: Where the price is fixed, base units per Wh; otherwise 0.
        batch_orders: Most orders that one batch may have.
        recovery_delay: How long an account's wallet may veto another one that the operator proposes, s.
        correction_delay: How long a proposed correction waits for meters to contradict it, s.
        correction_cap: How much of participants' cash corrections may move on one day, base units.

    Raises:
        BadConfig: A parameter is out of range or contradicts another one.
    """

    interval_length: int
    gate_lead: int
    report_window: int
    attest_window: int
    overrule_window: int
    correction_window: int
    open_ahead: int
    ring_size: int
    base_price: int
    tick_size: int
    margin_price: int
    max_loss_rate: int
    reveal_window: int = 0
    bond: int = 0
    max_network_fee: int = 0
    pricing: Pricing = Pricing.UNIFORM
    fixed_price: int = 0
    batch_orders: int = BATCH_ORDERS
    recovery_delay: int = RECOVERY_DELAY_S
    correction_delay: int = CORRECTION_DELAY
    correction_cap: int = CORRECTION_CAP

    def __post_init__(self) -> None:
        for field in fields(self):
            value = getattr(self, field.name)
            if not isinstance(value, int) or value < 0:
                raise BadConfig(f"MarketConfig.{field.name} is {value!r}: give a non-negative integer.")
        if self.interval_length == 0:
            raise BadConfig("MarketConfig.interval_length is 0: give a number of seconds.")
        if self.open_ahead == 0:
            raise BadConfig("MarketConfig.open_ahead is 0: nobody could post; give at least 1.")
        if self.ring_size <= self.open_ahead + 1:
            raise BadConfig(
                f"MarketConfig.ring_size is {self.ring_size}: it must exceed open_ahead + 1 = "
                f"{self.open_ahead + 1}, or open intervals would share a slot."
            )
        if self.ring_size > MAX_RING:
            raise BadConfig(
                f"MarketConfig.ring_size is {self.ring_size}: give {MAX_RING} at most; exits read every slot."
            )
        if self.tick_size == 0:
            raise BadConfig("MarketConfig.tick_size is 0: all ticks would be one price; give at least 1.")
        if self.price_ceiling > MAX_PRICE:
            raise BadConfig(
                f"MarketConfig.tick_size is {self.tick_size}: the last tick's price {self.price_ceiling} "
                f"exceeds {MAX_PRICE}; lower base_price or tick_size."
            )
        if self.pricing == Pricing.FIXED and not self.base_price <= self.fixed_price <= self.price_ceiling:
            raise BadConfig(
                f"MarketConfig.fixed_price is {self.fixed_price}: nobody could bid it; give a price from "
                f"{self.base_price} to {self.price_ceiling}."
            )
        if self.pricing != Pricing.FIXED and self.fixed_price:
            raise BadConfig(
                f"MarketConfig.fixed_price is {self.fixed_price}: set it to 0, the price is not fixed."
            )
        if self.max_loss_rate > PPM:
            raise BadConfig(f"MarketConfig.max_loss_rate is {self.max_loss_rate}: give at most {PPM} ppm.")
        if self.is_sealed and self.reveal_window >= self.gate_lead:
            raise BadConfig(
                f"MarketConfig.reveal_window is {self.reveal_window}: it must end before delivery begins, "
                f"gate_lead = {self.gate_lead} s after gate closure; shorten it or raise gate_lead."
            )
        if self.is_sealed != (self.bond > 0) or self.bond > MAX_BOND:
            raise BadConfig(
                f"MarketConfig.bond is {self.bond}: give 1 to {MAX_BOND} base units with a "
                "reveal_window, and 0 without."
            )
        if self.max_network_fee > MAX_PRICE:
            raise BadConfig(
                f"MarketConfig.max_network_fee is {self.max_network_fee}: give at most {MAX_PRICE}."
            )
        if not 1 <= self.batch_orders <= MAX_BATCH_ORDERS:
            raise BadConfig(
                f"MarketConfig.batch_orders is {self.batch_orders}: give 1 to {MAX_BATCH_ORDERS}; a larger "
                "batch does not fit the transaction that settles it."
            )
        self._require_live()
        if self.recovery_delay < DAY_S:
            raise BadConfig(
                f"MarketConfig.recovery_delay is {self.recovery_delay}: who owns a wallet must have time to "
                f"veto another one; give at least {DAY_S}."
            )
        if self.correction_window and not self.correction_delay:
            raise BadConfig(
                "MarketConfig.correction_delay is 0: no meter could contradict a correction; give seconds."
            )
        if max(self.correction_window, self.correction_delay) > MAX_WINDOW or self.correction_cap > MAX_CAP:
            raise BadConfig(
                f"MarketConfig.correction_delay or correction_cap is too large: give at most {MAX_WINDOW} s "
                f"and {MAX_CAP} base units."
            )

    def _require_live(self) -> None:
        """Refuse windows by which a market would stall: no order, no attestation, or a slot that is wanted
        again before it can be settled.
        """
        length = self.interval_length
        if self.gate_lead >= self.open_ahead * length:
            raise BadConfig(
                f"MarketConfig.gate_lead is {self.gate_lead}: the gate would close before an interval takes "
                f"orders, open_ahead * interval_length = {self.open_ahead * length} s ahead; lower it."
            )
        if self.reveal_window + self.report_window >= length + self.gate_lead + self.attest_window:
            raise BadConfig(
                f"MarketConfig.report_window is {self.report_window}: a silent committee would outlast the "
                "attestation deadline, and nobody could attest; shorten it."
            )
        settled, lap = (
            self.attest_window + self.overrule_window,
            length * (self.ring_size - self.open_ahead - 1),
        )
        if settled > lap:
            least = self.open_ahead + 1 + -(-settled // length)
            raise BadConfig(
                f"MarketConfig.ring_size is {self.ring_size}: an interval is settled {settled} s after its "
                f"delivery, and the next one in its slot takes orders after {lap} s; give at least {least}."
            )

    @property
    def is_sealed(self) -> bool:
        """Whether batches are committed to before gate closure and revealed after it."""
        return self.reveal_window > 0

    @property
    def price_ceiling(self) -> int:
        """Price of the highest tick, base units per Wh."""
        return self.price(TICKS - 1)

    def price(self, tick: int) -> int:
        """Price of a tick, base units per Wh."""
        return self.base_price + tick * self.tick_size

    @property
    def batch_ring(self) -> int:
        """How many intervals' batches the contract tells apart.

        When an interval takes orders, the one so long before it is settled, for both have one slot of the
        ring, and its corrections are closed.
        """
        needed = self.correction_window + 2 * self.correction_delay
        laps = -(-needed // self.lap)  # rounded up
        return self.ring_size * (1 + laps)

    def break_even(self, tariff: Tariff) -> BreakEven:
        """The prices between which nobody loses by trading, with the network fee that either side may pay."""
        return BreakEven(
            tariff.feed_in + self.max_network_fee,
            tariff.retail - (self.max_network_fee or tariff.network_fee),
        )

    def check_tariff(self, tariff: Tariff) -> None:
        """Refuse a tariff under which a Wh of connection limit could cost more than its margin.

        A Wh costs at most the dearest peer purchase with its network charge, or the retail price for what was
        sold and not delivered with the seller's, and the losses that go with it.

        Raises:
            BadTariff: ``margin_price`` is too low for it, named charges could not recover its network fee, or
                a price that a rule sets would make sellers or buyers lose by trading.
        """
        losses = -(-tariff.retail * self.max_loss_rate // PPM)  # rounded up
        bought = self.price_ceiling + max(tariff.network_fee, self.max_network_fee)
        worst = max(bought, tariff.retail + self.max_network_fee) + losses
        if 0 < 2 * self.max_network_fee < tariff.network_fee:
            raise BadTariff(
                f"MarketConfig.max_network_fee {self.max_network_fee} is below half the network fee "
                f"{tariff.network_fee}: seller and buyer together could not pay it; raise it."
            )
        if self.margin_price < worst:
            raise BadTariff(
                f"MarketConfig.margin_price {self.margin_price} does not cover this tariff's worst Wh: "
                f"raise it to {worst} or lower the tariff."
            )
        self._check_nobody_loses(tariff)

    def _check_nobody_loses(self, tariff: Tariff) -> None:
        """Refuse a tariff whose fees leave no room for a price that no order agreed to.

        Raises:
            BadTariff: There is none, or the fixed price is not in it.
        """
        low, high = self.break_even(tariff)
        if self.pricing not in SET_PRICES:
            return
        if low > high:
            raise BadTariff(
                f"Nobody gains by trading: with the network fee a seller must get {low} and a buyer can pay "
                f"{high} base units per Wh; lower the fee, or raise retail."
            )
        if self.pricing == Pricing.FIXED and not low <= self.fixed_price <= high:
            raise BadTariff(
                f"MarketConfig.fixed_price {self.fixed_price} makes somebody lose by trading: with the "
                f"network fee a seller must get {low} and a buyer can pay {high}; give a price between."
            )

    def energy_limit(self, connection_limit: int) -> int:
        """Energy that a connection can carry in one interval, Wh.

        Args:
            connection_limit: Power limit in units of 100 W.
        """
        return connection_limit * CONNECTION_UNIT_W * self.interval_length // HOUR_S

    def margin(self, import_limit: int, export_limit: int) -> int:
        """Margin of a connection: its worst interval, as often as intervals can be unsettled, base units.

        Args:
            import_limit: Power it may draw, units of 100 W.
            export_limit: Power it may feed in, units of 100 W.
        """
        return (
            self.ring_size
            * self.margin_price
            * (self.energy_limit(import_limit) + self.energy_limit(export_limit))
        )

    @property
    def lap(self) -> int:
        """How long the ring takes to come round, s: whoever is suspended so long may be made to leave."""
        return self.ring_size * self.interval_length

    def last_open(self, now: int) -> int:
        """The last interval that takes orders at a time."""
        return now // self.interval_length + self.open_ahead

    def start(self, interval: int) -> int:
        """When delivery begins, Unix time."""
        return interval * self.interval_length

    def end(self, interval: int) -> int:
        """When delivery is over, Unix time."""
        return self.start(interval + 1)

    def gate_closure(self, interval: int) -> int:
        """From when on nobody can offer any more, Unix time: sealed batches are revealed from then on."""
        return self.start(interval) - self.gate_lead

    def book_closure(self, interval: int) -> int:
        """From when on no order is taken and the interval can be cleared, Unix time."""
        return self.gate_closure(interval) + self.reveal_window

    def report_deadline(self, interval: int) -> int:
        """From when on the committee counts as silent, Unix time."""
        return self.book_closure(interval) + self.report_window

    def attest_deadline(self, interval: int) -> int:
        """From when on the metering operator counts as silent, Unix time."""
        return self.end(interval) + self.attest_window

    def readings_deadline(self, interval: int) -> int:
        """From when on no reading changes any more and the interval can be settled, Unix time."""
        return self.attest_deadline(interval) + self.overrule_window

    def correction_deadline(self, interval: int) -> int:
        """From when on no correction is proposed, Unix time."""
        return self.end(interval) + self.correction_window

    def booking_deadline(self, interval: int) -> int:
        """From when on no correction is booked, Unix time: what was proposed in the last second has its whole
        delay to be contradicted in, and as long again to be booked in."""
        return self.correction_deadline(interval) + 2 * self.correction_delay


def require_from(moment: int, now: int | None) -> None:
    """Refuse what comes too early; all windows are half-open.

    Args:
        moment: From when on it can be done, Unix time.
        now: Unix time, or None to leave the clock out.

    Raises:
        TooEarly: It is before that.
    """
    if now is not None and now < moment:
        raise TooEarly(f"It is {now}: this can be done from {moment} on.")


def require_before(deadline: int, now: int | None) -> None:
    """Refuse what comes at its deadline or later.

    Args:
        deadline: Before when it can be done, Unix time.
        now: Unix time, or None to leave the clock out.

    Raises:
        TooLate: It is not before that.
    """
    if now is not None and now >= deadline:
        raise TooLate(f"It is {now}: this could be done before {deadline}.")
