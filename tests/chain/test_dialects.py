"""What nodes say is understood in each client's words: refusals, limits, nonces, prices, lateness."""

from __future__ import annotations

from typing import Any

import pytest

from peerwatt.chain.blocks import as_expected, quantity
from peerwatt.chain.dialects import (
    error_of,
    is_absent,
    is_busy,
    is_fee_too_low,
    is_known,
    is_late,
    is_nonce_used,
    is_out_of_gas,
    is_outbid,
    reason_of,
    revert_data,
)
from peerwatt.errors import ChainError

DATA = "0xe450d38c" + "00" * 95 + "0d"
HASH = "0x" + "ab" * 32


def said(code: Any, message: str, data: Any = None) -> dict[str, Any]:
    error = {"code": code, "message": message} | ({} if data is None else {"data": data})
    return {"jsonrpc": "2.0", "id": 1, "error": error}


REFUSALS = [
    said(3, "execution reverted", DATA),
    said(-32000, "execution reverted", DATA),
    said(-32000, "Execution reverted", DATA.upper().replace("0X", "0x")),
    said(-32015, "VM execution error.", f"Reverted {DATA}"),
    said(-32015, "VM execution error", f"revert: {DATA}"),
    said(-32015, "revert", {"data": DATA}),
    said(-32603, "Error: VM Exception: reverted", {"message": "reverted", "txHash": HASH, "data": DATA}),
    said(-32603, "Internal JSON-RPC error.", {"code": 3, "message": "execution reverted", "data": DATA}),
    said(-32603, "Internal error", {"originalError": {"code": 3, "data": DATA, "message": "reverted"}}),
    said(-32000, "VM Exception: revert", {HASH: {"error": "revert", "program_counter": 9, "return": DATA}}),
    said(-32000, "VM Exception: revert", {"hash": None, "programCounter": 1, "result": DATA, "reason": None}),
    said(-32000, "execution reverted", DATA[2:]),
    said(-32000, "execution reverted", [{"output": DATA}]),
    said(-32000, f"execution reverted: {DATA}"),
    said("CALL_EXCEPTION", "call revert exception", {"error": {"error": {"data": DATA}}}),
    {"jsonrpc": "2.0", "id": 1, "error": {"code": 3, "message": "execution reverted", "output": DATA}},
]
"""Geth, Erigon, Reth, Besu, Nethermind, OpenEthereum, Hardhat, wallets, Ganache 6 and 7, and gateways."""


@pytest.mark.parametrize("response", REFUSALS)
def test_the_data_of_a_refusal_is_found_wherever_it_is(response: dict[str, Any]) -> None:
    found = revert_data(response)
    assert found is not None
    assert found.hex() == DATA[2:]


@pytest.mark.parametrize(
    "response",
    [
        said(3, "execution reverted"),
        said(-32000, "execution reverted", "0x"),
        said(-32015, "VM execution error.", "Reverted 0x"),
        said(-32015, "VM execution error.", "Bad instruction fe"),
        said(
            -32000, "VM Exception while processing transaction: revert", {"result": "0x", "message": "revert"}
        ),
    ],
)
def test_a_refusal_without_data_is_a_refusal(response: dict[str, Any]) -> None:
    assert revert_data(response) == b""


@pytest.mark.parametrize(
    "response",
    [
        said(-32000, "out of gas"),
        said(-32000, "gas required exceeds allowance (4700000)"),
        said(-32015, "VM execution error.", "Out of gas"),
        said(-32000, "err: intrinsic gas too low: have 21000, want 53000 (supplied gas 21000)"),
        said(-32000, "exceeds block gas limit"),
        said(-32003, "Transaction gas limit exceeds block gas limit"),
    ],
)
def test_a_lack_of_gas_is_no_refusal(response: dict[str, Any]) -> None:
    assert revert_data(response) is None
    error = error_of(response)
    assert error is not None
    assert is_out_of_gas(f"{error['message']} {error.get('data', '')}")


@pytest.mark.parametrize(
    ("message", "reason"),
    [
        ("execution reverted: thirteen", "thirteen"),
        ("VM Exception while processing transaction: reverted with reason string 'thirteen'", "thirteen"),
        ("VM Exception while processing transaction: revert thirteen", "thirteen"),
        ("execution reverted", ""),
    ],
)
def test_a_reason_in_words_alone_is_kept(message: str, reason: str) -> None:
    assert reason_of(said(-32000, message)) == reason


BUSY = [
    (-32005, "daily request count exceeded, request rate limited"),
    (429, "Your app has exceeded its compute units per second capacity."),
    (-32007, "50/second request limit reached - reduce calls per second or upgrade your account"),
    (-32029, "Too Many Requests"),
    (-32000, "too many requests, please try again later"),
    (-32005, "You've exceeded the RPS limit available on the current plan."),
    (-32097, "request limit"),
    (None, "rate limit exceeded"),
    (-32016, "over rate limit"),
    (15, "Too many request, try again later"),
    (-32000, "throughput limit exceeded"),
    (-32000, "API key quota used up: overloaded"),
]
RANGES = [
    (-32005, "query returned more than 10000 results"),
    (-32005, "limit exceeded"),
    (-32600, "You can make eth_getLogs requests with up to a 10 block range."),
    (-32602, "Log response size exceeded."),
    (-32000, "exceed maximum block range: 5000"),
    (-32000, "query timeout exceeded"),
    (-32000, "block range is too wide"),
    (-32614, "eth_getLogs is limited to a 10,000 range"),
    (-32701, "Please specify an address in your request or, to remove restrictions, order a node"),
    (-32005, "Requested range exceeds maximum RPC range limit"),
    (-32012, "query exceeds max block range 100000: credits"),
]


@pytest.mark.parametrize(("code", "message"), BUSY)
def test_a_limit_of_requests_is_waited_for(code: Any, message: str) -> None:
    assert is_busy(code, message)


@pytest.mark.parametrize(("code", "message"), RANGES)
def test_a_limit_of_logs_is_halved_and_not_waited_for(code: Any, message: str) -> None:
    assert not is_busy(code, message, may_be_long=True)


@pytest.mark.parametrize(
    "message",
    [
        *("nonce too low", "nonce too low: address 0xab, tx: 3 state: 4", "Nonce too low"),
        *("OldNonce", "transaction nonce is too low. Try incrementing the nonce.", "nonce is expired"),
        "Transaction nonce is too low, expected 4",
        "the tx doesn't have the correct nonce. account has nonce of: 4 tx has nonce of: 3",
        "invalid nonce; got 3, expected 4",
    ],
)
def test_a_used_nonce_is_told_from_other_refusals(message: str) -> None:
    assert is_nonce_used(message)
    assert not is_known(message)
    assert not is_outbid(message)


@pytest.mark.parametrize(
    "message",
    [
        *("already known", "AlreadyKnown", "known transaction: 0xab", "Known transaction", "ALREADY_EXISTS"),
        *("transaction already imported", "Transaction with the same hash was already imported."),
        *("tx already in mempool", "already exists", "transaction already in pool"),
    ],
)
def test_what_a_node_has_already_is_no_refusal(message: str) -> None:
    assert is_known(message)
    assert not is_nonce_used(message)


@pytest.mark.parametrize(
    ("message", "outbid", "low"),
    [
        ("replacement transaction underpriced", True, False),
        ("ReplacementNotAllowed", True, False),
        ("Replacement transaction underpriced", True, False),
        ("there is another transaction with same nonce in the queue", True, False),
        ("transaction underpriced", False, True),
        ("FeeTooLow", False, True),
        ("FeeTooLowToCompete", False, True),
        ("max fee per gas less than block base fee", False, True),
        ("Gas price below configured minimum gas price", False, True),
        ("transaction gas price 1 is too low, effective priority fee below minimum", False, True),
        ("insufficient funds for gas * price + value", False, False),
        ("invalid sender", False, False),
    ],
)
def test_a_price_that_is_too_low_is_told_from_a_nonce_that_waits(
    message: str, outbid: bool, low: bool
) -> None:
    assert (is_outbid(message), is_fee_too_low(message)) == (outbid, low)


@pytest.mark.parametrize(
    "message",
    [
        "header not found",
        "Unknown block",
        "header for hash not found",
        "block not found",
        "no healthy upstream",
    ],
)
def test_a_replica_that_lags_is_waited_for(message: str) -> None:
    assert is_late(message)


@pytest.mark.parametrize(
    "message",
    ["missing trie node 4ad1 (path ) state is not available", "invalid opcode: PUSH0", "stack underflow"],
)
def test_what_waiting_does_not_mend_is_not_waited_for(message: str) -> None:
    assert not is_late(message)
    assert not is_busy(-32000, message)
    assert not is_absent(message)


@pytest.mark.parametrize(
    ("value", "number"),
    [("0x10", 16), ("0x0010", 16), ("0x", 0), ("16", 16), (16, 16), (0, 0), ("0X1f", 31)],
)
def test_a_number_is_read_however_a_node_writes_it(value: object, number: int) -> None:
    assert quantity(value) == number


@pytest.mark.parametrize("value", [None, "", "-1", -1, True, "0xg", "1.5", 1.5, "١", [], {}])
def test_what_is_no_number_is_not_taken_for_one(value: object) -> None:
    with pytest.raises(ValueError, match="is no number"):
        quantity(value)


HEADER = {"number": "0x1", "hash": HASH, "parentHash": HASH, "timestamp": "0x57672e80"}


@pytest.mark.parametrize(
    "more",
    [
        {"extraData": "0x" + "d8" * 97},
        {"extraData": None, "miner": None, "mixHash": None, "nonce": None, "difficulty": None},
        {"mixHash": "0x", "nonce": "0x", "logsBloom": "0x", "size": None, "totalDifficulty": "unknown"},
        {
            "author": "0x" + "11" * 20,
            "sealFields": ["0x84"],
            "signature": "ab",
            "step": "1",
            "l1BlockNumber": "0x2",
        },
        {"timestamp": "1466379904"},
        {"timestamp": 1466379904},
        {"timestamp": "0x0057672e80", "gasLimit": 30_000_000},
    ],
)
def test_a_header_is_read_by_what_every_chain_has(more: dict[str, Any]) -> None:
    block = as_expected("eth_getBlockByNumber", {**HEADER, **more})
    assert (int(block["timestamp"], 16), block["hash"]) == (1466379904, HASH)
    assert len(block.get("extraData", "")) <= 66


@pytest.mark.parametrize("missing", list(HEADER))
def test_a_header_without_its_place_is_refused_by_name(missing: str) -> None:
    header = {name: value for name, value in HEADER.items() if name != missing}
    if missing == "hash":
        # A block that is being made has none.
        assert "hash" not in as_expected("eth_getBlockByNumber", header)
        return
    with pytest.raises(ChainError, match=f"have no {missing}: use another node"):
        as_expected("eth_getBlockByNumber", header)


@pytest.mark.parametrize("timestamp", [1466379904000, 1466379904 * 10**9])
def test_a_clock_that_does_not_count_seconds_is_refused(timestamp: int) -> None:
    with pytest.raises(ChainError, match="not timed in seconds"):
        as_expected("eth_getBlockByNumber", {**HEADER, "timestamp": hex(timestamp)})


@pytest.mark.parametrize(
    ("method", "result"),
    [
        *(("eth_chainId", result) for result in (None, "0xzz", [], {}, -1, True, "x" * 1000)),
        *(("eth_call", result) for result in (None, "0x0", "zz", 7, {})),
        ("eth_getCode", None),
        *(("eth_getBlockByNumber", result) for result in ([], "0x", 7)),
        ("eth_getTransactionReceipt", []),
    ],
)
def test_a_result_of_another_kind_is_refused_in_a_short_line(method: str, result: object) -> None:
    with pytest.raises(ChainError, match=f"^the node answers {method} with ") as caught:
        as_expected(method, result)
    assert len(str(caught.value)) < 200


def test_a_log_that_a_node_gives_twice_counts_once() -> None:
    first, second = (
        {"blockNumber": "0x1", "blockHash": "0xaa", "logIndex": index} for index in ("0x0", "0x1")
    )
    elsewhere = {**first, "blockHash": "0xbb"}
    said = as_expected("eth_getLogs", [first, second, dict(first), elsewhere])
    assert said == [first, second, elsewhere]


def test_logs_that_were_taken_back_or_wait_are_left_out() -> None:
    logs = [{"blockNumber": "0x1"}, {"blockNumber": "0x1", "removed": True}, {"blockNumber": None}]
    assert as_expected("eth_getLogs", logs) == [{"blockNumber": "0x1"}]
    assert as_expected("eth_getLogs", None) == []
    with pytest.raises(ChainError, match="no list of logs"):
        as_expected("eth_getLogs", "0x")
