"""Runs a command for as long as standard input stays open, then ends it.

A node started through this script ends with the program that started it, even when that program is killed:
the pipe closes either way. Run as a file, not imported: `python node_guard.py COMMAND...`.
"""

import subprocess
import sys
import threading

GRACE_SECONDS = 5.0


def end_with_input(node: "subprocess.Popen[bytes]") -> None:
    """Wait for the end of standard input, then end `node`: politely first."""
    sys.stdin.buffer.read()
    node.terminate()
    try:
        node.wait(GRACE_SECONDS)
    except subprocess.TimeoutExpired:
        node.kill()


if __name__ == "__main__":
    child = subprocess.Popen(sys.argv[1:], stdin=subprocess.DEVNULL)
    threading.Thread(target=end_with_input, args=(child,), daemon=True).start()
    sys.exit(child.wait())
