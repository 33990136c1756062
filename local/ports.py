"""Free ports of this machine, low enough for every server that is started here."""

import random
import socket

# A Temporal server on PostgreSQL keeps ports in a column that ends at 32767, and the ports that
# the system gives to outgoing connections usually begin at 32768: below, nobody takes ours.
LOWEST, HIGHEST = 20_000, 32_767


def is_free(port: int, host: str = "127.0.0.1") -> bool:
    """Say whether nothing listens on this port now."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError:
            return False
    return True


def free_port(host: str = "127.0.0.1") -> int:
    """Return a port on which nothing listens; chosen at random, so that two askers rarely meet."""
    chooser = random.SystemRandom()
    for _ in range(200):
        port = chooser.randint(LOWEST, HIGHEST)
        if is_free(port, host):
            return port
    raise OSError(f"no free port between {LOWEST} and {HIGHEST} on {host}")
