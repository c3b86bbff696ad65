"""A script that Brownie runs works on the network that Brownie was told to use."""

import shutil
from pathlib import Path

from peerwatt.chain import open_network
from tests.scripts.conftest import ROOT, Brownie

SCRIPT = """
from peerwatt.chain import Sender, brownie_url, demo_account, deploy, open_network


def main(name):
    with open_network(brownie_url()) as network:
        account = demo_account("tests", "brownie")
        network.fund({account.address: 10**18})
        print("deployed", name, "at", deploy(Sender(network, account), name).address)
"""


def test_script_deploys_where_brownie_is_connected(brownie: Brownie, tmp_path: Path) -> None:
    for folder in ("contracts", "interfaces", "scripts", "tests"):
        (tmp_path / folder).mkdir()
    (tmp_path / "scripts" / "deploy_one.py").write_text(SCRIPT)
    done = brownie.run("deploy_one", "PaymentToken", project=tmp_path)
    assert done.returncode == 0, done.stdout
    [address] = [line.split()[-1] for line in done.stdout.splitlines() if line.startswith("deployed")]
    with open_network(brownie.url) as network:
        assert network.web3.eth.get_code(address)
    failed = brownie.run("deploy_one", "Nothing", project=tmp_path)
    assert failed.returncode == 1
    assert "no compiled contract Nothing" in failed.stdout


def test_market_is_deployed_used_and_replayed_under_brownie(brownie: Brownie, tmp_path: Path) -> None:
    """The shipped scripts, one after the other, as the README shows them."""
    for folder in ("contracts", "interfaces", "tests"):
        (tmp_path / folder).mkdir()
    shutil.copytree(ROOT / "scripts", tmp_path / "scripts")

    def run(script: str, *arguments: str) -> str:
        done = brownie.run(f"scripts/{script}.py", *arguments, project=tmp_path)
        assert done.returncode == 0, done.stdout
        return done.stdout

    assert "10 participants" in run("deploy")
    assert "deposited 300.000000 EUR" in run("wallet_deposit", "bakery", "300")
    assert "cash              300.000000 EUR" in run("wallet_balance", "bakery")
    assert "posted for interval" in run("wallet_order", "bakery")
    assert "withdrew 5.000000 EUR" in run("wallet_withdraw", "bakery", "5")
    replayed = run("replay_pilot", "brooklyn-10", "6", str(tmp_path / "report"))
    assert "0 mismatches, conservation error 0" in replayed
    assert (tmp_path / "report" / "report.html").exists()
