"""Where a script finds its chain when Brownie runs it.

`brownie run scripts/deploy.py --network NAME` starts or finds the network and calls the script's `main()`.
The script hands the address of that network to `open_network` and goes on as it would without Brownie.
"""

from __future__ import annotations

import sys


def brownie_url() -> str | None:
    """Address of the network that Brownie is connected to; `None` when Brownie does not run this program."""
    brownie = sys.modules.get("brownie")
    if brownie is None or not brownie.network.is_connected():
        return None
    return str(brownie.network.web3.provider.endpoint_uri)
