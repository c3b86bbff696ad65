"""Everything a report follows from, as one document: whoever has it and the feeder gets the same bytes."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError

from peerwatt.addresses import checked_address
from peerwatt.errors import InputError
from peerwatt.grid.flow.power_flow import PowerFlow
from peerwatt.grid.gate.curtailment_rules import RULES
from peerwatt.grid.gate.rules import GridRules
from peerwatt.grid.shares.loss_rules import LOSS_RULES
from peerwatt.grid.shares.network_charges import CHARGE_RULES, ZONE
from peerwatt.messages import (
    Clearing,
    Domain,
    clearing_hash,
    decode_records,
    posted_commitments,
)
from peerwatt.messages.domain import word
from peerwatt.oracle.forecast_file import ForecastDocument, parse_document
from peerwatt.oracle.judgement import DEFAULT_RULES, ClearedInterval, Judgement, judge
from peerwatt.oracle.report_bytes import as_hex, from_hex

Hex = Annotated[str, Field(pattern=r"^0x([0-9a-f]{2})*$")]


@dataclass(frozen=True)
class PostedInterval:
    """A cleared interval as the chain tells of it.

    Attributes:
        number: the interval.
        length_s: its length, s.
        clearing_word: the outcome, packed.
        batches: the packed records of each batch.
    """

    number: int
    length_s: int
    clearing_word: int
    batches: tuple[bytes, ...]

    @property
    def clearing_hash(self) -> bytes:
        """32 bytes, computed from the records: what the market must have said too."""
        posted = posted_commitments(self.number, self.batches)
        return clearing_hash(self.number, self.clearing_word, posted)

    @property
    def decoded(self) -> ClearedInterval:
        """The same, ready to be judged."""
        return ClearedInterval(
            self.number,
            self.length_s,
            Clearing.unpack(self.clearing_word),
            self.clearing_hash,
            tuple(decode_records(packed) for packed in self.batches),
        )


@dataclass(frozen=True)
class ReportInputs:
    """What a member judged.

    Attributes:
        domain: the market whose interval it is.
        interval: what was cleared.
        forecast: what else was expected to flow.
        rules: by which the grid decides.
    """

    domain: Domain
    interval: PostedInterval
    forecast: ForecastDocument
    rules: GridRules = DEFAULT_RULES

    def judge(self, solver: PowerFlow) -> Judgement:
        """Derive the report.

        Raises:
            InputError: the forecast leaves out somebody who traded.
            FeederError: the forecast names a node that the feeder does not have.
            FlowError: the power flow has no solution.
        """
        cleared = self.interval.decoded
        expected = {flow.account for flow in self.forecast.participants}
        for records in cleared.batches:
            for record in records:
                if record.participant not in expected:
                    raise InputError(
                        f"the forecast of interval {cleared.number} lacks account {record.participant}, "
                        "which has an order in it: add its row"
                    )
        return judge(cleared, self.forecast.on(solver.feeder), solver, self.rules)

    def to_json(self) -> str:
        """The document, one line."""
        return _InputsDocument(
            chain_id=self.domain.chain_id,
            market=self.domain.market,
            interval=self.interval.number,
            interval_length_s=self.interval.length_s,
            clearing=as_hex(word(self.interval.clearing_word)),
            batches=tuple(as_hex(packed) for packed in self.interval.batches),
            rules=self.rules,
            forecast=self.forecast,
        ).model_dump_json()

    @classmethod
    def from_json(cls, text: str | bytes, origin: str) -> ReportInputs:
        """Read a document back.

        Raises:
            InputError: it does not fit; the message has its place.
        """
        found = parse_document(_InputsDocument, text, origin)
        if found.forecast.interval != found.interval:
            raise InputError(
                f"{origin}: forecast.interval: is {found.forecast.interval}, not {found.interval}"
            )
        return cls(
            Domain(found.chain_id, checked_address(found.market, f"{origin}: market")),
            PostedInterval(
                found.interval,
                found.interval_length_s,
                int(found.clearing, 16),
                tuple(from_hex(packed) for packed in found.batches),
            ),
            found.forecast,
            checked_rules(found.rules, f"{origin}: rules"),
        )


class _InputsDocument(BaseModel):
    model_config = ConfigDict(strict=True, extra="forbid", frozen=True)

    format: Literal["peerwatt-oracle-inputs-1"] = "peerwatt-oracle-inputs-1"
    chain_id: Annotated[int, Field(ge=0)]
    market: str
    interval: Annotated[int, Field(ge=0, lt=1 << 32)]
    interval_length_s: Annotated[int, Field(gt=0, lt=1 << 32)]
    clearing: Annotated[str, Field(pattern=r"^0x[0-9a-f]{64}$")]
    batches: tuple[Hex, ...]
    rules: GridRules
    forecast: ForecastDocument


def parse_rules(text: str) -> GridRules:
    """Rules as an option states them, such as `losses=tracing,volt_var=true`; what is not named is as usual.

    Raises:
        InputError: there is no such rule.
    """
    pairs = [pair.partition("=")[::2] for pair in text.split(",") if pair.strip()]
    named = {name.strip(): value.strip() for name, value in pairs}
    known = [field.name for field in fields(GridRules)]
    for name in named:
        if name not in known:
            raise InputError(f"--rules {text!r}: {name}: no such rule: the rules are {', '.join(known)}")
    try:
        rules = TypeAdapter(GridRules).validate_strings(named)
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(str(part) for part in first["loc"])
        raise InputError(f"--rules {text!r}: {place}: {first['msg']}") from None
    return checked_rules(rules, f"--rules {text!r}")


def checked_rules(rules: GridRules, origin: str) -> GridRules:
    """The same rules.

    Raises:
        InputError: one of them has a name that there is not.
    """
    for name, rule, known in (
        ("losses", rules.losses, [*LOSS_RULES]),
        ("curtailment", rules.curtailment, [*RULES]),
        ("charges.rule", rules.charges.rule, [*CHARGE_RULES, ZONE]),
    ):
        if rule not in known:
            raise InputError(f"{origin}: {name}: {rule!r}: choose {', '.join(sorted(known))}")
    return rules
