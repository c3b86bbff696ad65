"""ethers, viem and cast sign every message from its `typed_data()` as JSON, over our digest and as we do."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

from peerwatt.messages import (
    Domain,
    EnvelopeLimits,
    MeterAttestation,
    MeterReading,
    NetworkReport,
    OperatingEnvelope,
    Order,
    Side,
    Step,
    Verdict,
    address_of,
    compact_signature,
)

ROOT = Path(__file__).parents[2]
KEY = bytes(range(1, 33))
MARKET = "0x5FbDB2315678afecb367f032d93F642f64180aa3"
HASHES = [bytes([k]) * 32 for k in (0x00, 0x0A, 0x7F, 0xFF)]
CASES = [
    (message, domain)
    for domain in (Domain(31337, MARKET), Domain(1, MARKET.lower()), Domain((1 << 60) + 1, MARKET))
    for message in (
        Order(1_629_056, 4, (Step(Side.BUY, 0, 1), Step(Side.SELL, 255, (1 << 23) - 1))),
        Order(0, 0, ()),
        MeterReading((1 << 32) - 1, 65_535, 0, 480, (1 << 48) - 1, 480),
        MeterAttestation(7, HASHES[1], (1 << 40) - 1),
        NetworkReport(7, Verdict.CURTAIL, 12, 34, *HASHES),
        OperatingEnvelope(7, 1, HASHES[0], HASHES[3], (EnvelopeLimits(0, 65_535), EnvelopeLimits(1, 2))),
        OperatingEnvelope(7, 1, HASHES[0], HASHES[3], ()),
    )
]


def test_ethers_and_viem_sign_what_we_sign() -> None:
    documents = [message.typed_data(domain) for message, domain in CASES]
    process = subprocess.run(
        ["node", str(Path(__file__).with_name("sign_typed_data.mjs"))],
        input=json.dumps({"key": "0x" + KEY.hex(), "messages": documents}),
        capture_output=True,
        text=True,
        check=True,
        cwd=ROOT,
    )
    for (message, domain), libraries in zip(CASES, json.loads(process.stdout), strict=True):
        for signed in libraries:
            assert signed["digest"] == "0x" + message.digest(domain).hex()
            for form in signed["forms"]:
                assert compact_signature(form) == message.sign(domain, KEY)
                assert message.recover(domain, form) == address_of(KEY)


def test_cast_signs_what_we_sign(tmp_path: Path) -> None:
    path = tmp_path / "message.json"
    for message, domain in CASES:
        path.write_text(json.dumps(message.typed_data(domain)))
        command = ["wallet", "sign", "--private-key", KEY.hex(), "--data", "--from-file", str(path)]
        cast = ROOT / "node_modules" / ".bin" / "cast"
        signature = subprocess.run([cast, *command], capture_output=True, text=True, check=True).stdout
        assert compact_signature(signature) == message.sign(domain, KEY)
