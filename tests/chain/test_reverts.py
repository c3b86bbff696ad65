"""A contract's refusal is the same typed error on every chain, from a call and from a transaction."""

import pytest

from peerwatt.chain import Artifact, ContractReverted, Network, OutOfGas, Sender, deploy

FAR = 2**40


def test_custom_error_of_a_transaction_carries_name_arguments_and_receipt(
    sender: Sender, doorman: Artifact
) -> None:
    contract = deploy(sender, doorman, True).contract
    with pytest.raises(ContractReverted) as caught:
        sender.send(contract.functions.enter(5))
    receipt = caught.value.receipt
    assert receipt is not None
    time = sender.network.latest_timestamp()
    assert (caught.value.name, caught.value.args_by_name) == ("TooLate", {"time": time, "deadline": 5})
    assert str(caught.value) == f"the contract refused: TooLate(time={time}, deadline=5)"
    assert receipt["status"] == 0
    assert receipt["gasUsed"] > 21_000


def test_custom_error_of_a_call_is_decoded_alike(sender: Sender, doorman: Artifact) -> None:
    contract = deploy(sender, doorman, True).contract
    with pytest.raises(ContractReverted) as caught:
        contract.functions.knock(14).call()
    assert caught.value.name == "TooLate"
    assert caught.value.args_by_name == {"time": sender.network.latest_timestamp(), "deadline": 14}


def test_struct_arguments_are_decoded(sender: Sender, doorman: Artifact) -> None:
    contract = deploy(sender, doorman, True).contract
    with pytest.raises(ContractReverted) as caught:
        contract.functions.invite(7).call(sender=sender.address)
    assert caught.value.name == "NotInvited"
    assert caught.value.args_by_name == {"guest": (7, sender.address.lower())}


def test_reason_string_and_failed_assertion_have_names_too(sender: Sender, doorman: Artifact) -> None:
    contract = deploy(sender, doorman, True).contract
    with pytest.raises(ContractReverted) as reason:
        contract.functions.knock(13).call()
    assert (reason.value.name, reason.value.args_by_name) == ("Error", {"reason": "thirteen"})
    with pytest.raises(ContractReverted) as panic:
        contract.functions.knock(0).call()
    assert (panic.value.name, panic.value.args_by_name) == ("Panic", {"code": 0x32})


def test_constructor_may_refuse(sender: Sender, doorman: Artifact) -> None:
    with pytest.raises(ContractReverted, match=r"^the contract refused: Closed\(\)$"):
        deploy(sender, doorman, False)


def test_error_of_an_unknown_abi_shows_its_selector(network: Network) -> None:
    error = network.errors.decode(bytes.fromhex("deadbeef") + bytes(32))
    assert str(error) == "the contract refused: 0xdeadbeef()"
    assert str(network.errors.decode(b"")) == "the contract refused, no reason given"


def test_running_out_of_gas_is_told_from_a_refusal(sender: Sender, doorman: Artifact) -> None:
    contract = deploy(sender, doorman, True).contract
    with pytest.raises(OutOfGas, match="gas limit of 100000"):
        sender.send(contract.functions.wait(), gas_limit=100_000)


def test_failed_transaction_uses_up_its_nonce_and_the_next_one_succeeds(
    sender: Sender, doorman: Artifact
) -> None:
    contract = deploy(sender, doorman, True).contract
    with pytest.raises(ContractReverted):
        sender.send(contract.functions.enter(5))
    assert sender.send(contract.functions.enter(FAR))["status"] == 1


def test_others_of_a_block_stand_when_one_is_refused(sender: Sender, doorman: Artifact) -> None:
    contract = deploy(sender, doorman, True).contract
    enter = contract.functions.enter
    with pytest.raises(ContractReverted):
        sender.send_all([enter(FAR), enter(5), enter(FAR)])
    assert contract.functions.knock(1).call() == sender.network.latest_timestamp()
