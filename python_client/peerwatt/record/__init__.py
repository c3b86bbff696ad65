"""What came of a replay, as plain records, and how they are derived from what happened.

`results` and `household_results` are the records. `derivation` makes all of them from the logs of a replay,
with `fills_and_cuts` for what became of every order and `bills` for what every household pays; `bill_check`
compares each bill with the chain.
"""
