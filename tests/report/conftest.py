"""A day of brooklyn-10 without chain and power flow: real bids and clearing, a made-up voltage rule."""

import pytest

from peerwatt.agents.home import metered_flow
from peerwatt.market.clear_book import clear_book
from peerwatt.messages.vocabulary import Side
from peerwatt.record.bill_check import check_bills
from peerwatt.record.bills import IntervalTerms, bill_lines, participant_result
from peerwatt.record.household_results import SettlementResult
from peerwatt.record.results import (
    AccountResult,
    BranchState,
    CurtailmentReason,
    FeederPicture,
    IntervalResult,
    Limits,
    NodeState,
    OrderStepResult,
    ReplayResult,
    Summary,
)
from peerwatt.scenario.bidding import expectation, order_of
from peerwatt.scenario.loading import load_scenario
from peerwatt.scenario.scenario import Scenario
from peerwatt.verdict import DECIDED, Verdict

SEED, INTERVALS = 1, 96
V_LIMIT = 1.058


def voltage(injection_wh: int) -> float:
    """A made-up rule: the feeder's end rises with what the community feeds in."""
    return 1.012 + 3.3e-6 * injection_wh


def scaled_to(amounts: list[int], total: int) -> list[int]:
    """Amounts in proportion, whole, of the given sum."""
    of, done, out, before = sum(amounts) or 1, 0, [], 0
    for amount in amounts:
        done += amount
        out.append(done * total // of - before)
        before = done * total // of
    return out


class Day:
    """Builds the result interval by interval."""

    def __init__(self, scenario: Scenario) -> None:
        self.scenario = scenario
        self.intervals: list[IntervalResult] = []
        self.steps: list[OrderStepResult] = []
        self.settlements: list[SettlementResult] = []
        self.reasons: list[CurtailmentReason] = []
        self.terms: dict[int, IntervalTerms] = {}

    def run(self, position: int) -> None:
        """One interval."""
        scenario, tariff = self.scenario, self.scenario.tariff
        interval = scenario.calendar.first + position
        orders, book, expected = {}, [], 0
        for p in scenario.participants:
            expected -= expectation(scenario, p, position, SEED).net_import_wh
            order = order_of(scenario, p, position, SEED)
            if order is not None:
                orders[p.name] = order
                for k, step in enumerate(order):
                    side = "buy" if step.side == Side.BUY else "sell"
                    limit = scenario.market.price(step.tick)
                    book.append(
                        {"id": f"{p.name}/{k}", "side": side, "price": limit, "quantity": step.quantity}
                    )
        cleared = clear_book(book)
        fills, volume = cleared["fills"], cleared["volume"]
        before = voltage(expected)
        room = (
            max(0.0, min(1.0, (V_LIMIT - 0.0001 - voltage(0)) / (before - voltage(0))))
            if before > V_LIMIT
            else 1.0
        )
        verdict = Verdict.ACCEPT if before <= V_LIMIT else Verdict.CURTAIL
        accepted_volume = int(volume * room) if verdict == Verdict.CURTAIL else volume
        kept: dict[str, int] = {}
        for side in ("buy", "sell"):
            ids = [e["id"] for e in book if e["side"] == side]
            kept |= dict(zip(ids, scaled_to([fills[i] for i in ids], accepted_volume), strict=True))
        price = cleared["price"]
        self.terms[interval] = IntervalTerms(price, verdict)
        flows, settled = {}, []
        for p in scenario.participants:
            mine = [e for e in book if str(e["id"]).split("/")[0] == p.name]
            filled = sum(fills[e["id"]] for e in mine)
            accepted = sum(kept[e["id"]] for e in mine)
            sells = bool(mine) and mine[0]["side"] == "sell"
            for e in mine:
                self.steps.append(
                    OrderStepResult(
                        interval,
                        p.name,
                        e["side"],
                        e["price"],
                        e["quantity"],
                        fills[e["id"]],
                        kept[e["id"]],  # type: ignore[arg-type]
                        traded_at=price if kept[e["id"]] else None,
                    )
                )
            limit = (accepted if sells else 0) if verdict == Verdict.CURTAIL else None
            flow = metered_flow(p.demand_wh[position], p.generation_wh[position], limit)
            flows[p.name] = flow
            row = SettlementResult(
                interval=interval,
                participant=p.name,
                accepted_sell_wh=accepted if sells else 0,
                accepted_buy_wh=0 if sells else accepted,
                imported_wh=flow.imported,
                exported_wh=flow.exported,
                own_wh=flow.own,
                curtailed_wh=flow.curtailed,
                loss_wh=accepted // 60,
                network_charge=0 if sells else tariff.network_fee * accepted,
                loss_cost=tariff.retail * (accepted // 60),
                paid_surplus_wh=flow.exported - min(accepted, flow.exported) if sells else flow.exported,
                export_limit_wh=limit,
                without_market_wh=flow.exported,
                cash=0,
                on_market=p.name in orders,
            )
            cash = -bill_lines(row, self.terms[interval], tariff).total if p.name in orders else 0
            settled.append(SettlementResult(**{**row.__dict__, "cash": cash}))
            if sells and accepted < filled:
                self.reasons.append(
                    CurtailmentReason(
                        interval, p.name, "sell", filled, accepted, flow.curtailed, "overvoltage",
                        "LV2.101 Bus 40", round(before, 6), V_LIMIT, "pu",
                        f"{p.name} sold {filled / 1000:.3f} kWh; with it, LV2.101 Bus 40 would have reached "
                        f"{before:.4f} pu, above {V_LIMIT} pu. {accepted / 1000:.3f} kWh could stand.",
                    )
                )  # fmt: skip
        self.settlements += settled
        neighbours = sum(min(s.accepted_buy_wh, s.imported_wh) for s in settled)
        imported = sum(f.imported for f in flows.values())
        exported = sum(f.exported for f in flows.values())
        self.intervals.append(
            IntervalResult(
                interval=interval,
                start=scenario.calendar.iso(position),
                price=price,
                sell_price=price,
                orders=len(orders),
                skipped=0,
                bid_wh=sum(e["quantity"] for e in book if e["side"] == "buy"),
                offered_wh=sum(e["quantity"] for e in book if e["side"] == "sell"),
                traded_wh=volume,
                accepted_wh=accepted_volume,
                verdict=verdict,  # type: ignore[arg-type]
                own_wh=sum(f.own for f in flows.values()),
                neighbours_wh=neighbours,
                grid_wh=imported - neighbours,
                surplus_wh=sum(s.exported_wh - min(s.accepted_sell_wh, s.exported_wh) for s in settled),
                unpaid_wh=0,
                curtailed_wh=sum(f.curtailed for f in flows.values()),
                without_market_curtailed_wh=sum(f.curtailed for f in flows.values()),
                losses_wh=sum(s.loss_wh for s in settled),
                voltage_max_pu_before=round(before, 6),
                voltage_max_pu_after=round(min(V_LIMIT - 0.0001, voltage(exported - imported)), 6),
                voltage_min_pu_before=round(1.004 - 1e-6 * imported, 6),
                voltage_min_pu_after=round(1.004 - 1e-6 * imported, 6),
                loading_max_percent_before=round(8 + abs(expected) / 350, 3),
                loading_max_percent_after=round(8 + abs(exported - imported) / 350, 3),
                voltage_max_pu_metered=round(voltage(exported - imported), 6),
                voltage_min_pu_metered=round(1.004 - 1e-6 * imported, 6),
                loading_max_percent_metered=round(8 + abs(exported - imported) / 350, 3),
                beyond_limits_after=0,
                beyond_limits_metered=int(voltage(exported - imported) > V_LIMIT),
                gas=200_000 + 9_000 * len(orders),
            )
        )

    def picture(self) -> FeederPicture:
        """A feeder coloured by distance."""
        feeder, at = self.scenario.feeder, max(self.intervals, key=lambda i: i.voltage_max_pu_before)
        homes: dict[str, list[str]] = {}
        for p in self.scenario.participants:
            homes.setdefault(p.node, []).append(p.name)
        spots = feeder.coordinates
        nodes = tuple(
            NodeState(
                name,
                *spots[name],
                voltage_pu_before=round(1.0 + (k % 60) / 1000, 6),
                voltage_pu_after=round(1.0 + (k % 58) / 1000, 6),
                participants=tuple(homes.get(name, ())),
            )
            for k, name in enumerate(feeder.node_names)
        )
        ends = {int(node["id"]): feeder.names[int(node["id"])] for node in feeder.data["node"]}
        branches = tuple(
            BranchState(
                feeder.names[int(row["id"])], ends[int(row["from_node"])], ends[int(row["to_node"])],
                round(5.0 + 1.1 * k % 90, 3), round(5.0 + k % 80, 3),
            )
            for kind in ("line", "transformer")
            for k, row in enumerate(feeder.data[kind])
        )  # fmt: skip
        return FeederPicture(at.interval, nodes, branches)

    def result(self) -> ReplayResult:
        """Everything together."""
        scenario, tariff = self.scenario, self.scenario.tariff
        people = tuple(
            participant_result(
                p.name,
                p.kind,
                p.node,
                [s for s in self.settlements if s.participant == p.name],
                self.terms,
                tariff,
            )
            for p in scenario.participants
        )
        homes = [
            AccountResult(
                p.participant, sum(s.cash for s in self.settlements if s.participant == p.participant), 0
            )
            for p in people
        ]
        fees = sum(p.lines.to_grid_operator for p in people)
        pool = sum(p.lines.to_peers for p in people)
        supplier = -sum(home.cash for home in homes) - fees - pool
        system = {"supplier": supplier, "grid operator": fees, "metering operator": 0, "community": pool}
        accounts = (*(AccountResult(name, cash, 0) for name, cash in system.items()), *homes)
        gas = sum(i.gas for i in self.intervals)
        summary = Summary(
            scenario=scenario.name,
            description=scenario.description,
            version="0.1.0",
            chain="eth-tester",
            seed=SEED,
            start=self.intervals[0].start,
            interval_length_s=900,
            intervals=len(self.intervals),
            participants=len(people),
            currency=scenario.currency,
            retail=tariff.retail,
            feed_in=tariff.feed_in,
            network_fee=tariff.network_fee,
            grid_rules="losses shared by aumann_shapley",
            counterfactual="equal_shares",
            orders=sum(i.orders for i in self.intervals),
            skipped=0,
            traded_wh=sum(i.traded_wh for i in self.intervals),
            accepted_wh=sum(i.accepted_wh for i in self.intervals),
            verdicts={str(v): sum(i.verdict == v for i in self.intervals) for v in DECIDED},
            reference_mismatches=0,
            conservation_error=0,
            gas_total=gas,
            gas_per_participant_interval=gas // (len(people) * len(self.intervals)),
            voltage_max_pu_before=max(i.voltage_max_pu_before for i in self.intervals),
            voltage_max_pu_after=max(i.voltage_max_pu_after for i in self.intervals),
            loading_max_percent_after=max(i.loading_max_percent_after for i in self.intervals),
            voltage_max_pu_metered=max(
                (i.voltage_max_pu_metered for i in self.intervals if i.voltage_max_pu_metered), default=None
            ),
            intervals_beyond_limits=sum(i.beyond_limits_metered > 0 for i in self.intervals),
            unpaid_wh=0,
            curtailed_wh=sum(i.curtailed_wh for i in self.intervals),
            without_market_curtailed_wh=sum(i.without_market_curtailed_wh for i in self.intervals),
            losses_wh=sum(i.losses_wh for i in self.intervals),
            limits=Limits(0.917, V_LIMIT, 100.0),
            provenance=scenario.provenance,
            wall_seconds=12.3,
        )
        return ReplayResult(
            summary,
            tuple(self.intervals),
            people,
            tuple(self.settlements),
            tuple(self.steps),
            tuple(self.reasons),
            accounts,
            check_bills(
                tariff,
                intervals=self.intervals,
                participants=people,
                settlements=self.settlements,
                orders=self.steps,
                accounts=accounts,
            ),
            self.picture(),
        )


@pytest.fixture(scope="session")
def day() -> ReplayResult:
    """96 intervals, ten participants, some of them curtailed."""
    made = Day(load_scenario("brooklyn-10"))
    for position in range(INTERVALS):
        made.run(position)
    return made.result()
