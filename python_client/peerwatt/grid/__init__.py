"""The electrical side: feeders, power flow, limits, sensitivities, curtailment, losses and network charges.

Pure functions of a feeder and injections. Nothing here knows of a chain, a client or a market.
"""
