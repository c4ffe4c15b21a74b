"""What the pool of request buffers saves: the daemon's CPU time for bodies that are read and refused by their first byte,
with and without it."""

import http.client
import os
import statistics

from daemon import STANDING_STILL, Daemon

BODIES = {20_000: 4000, 200_000: 2000, 1_000_000: 500}  # bytes: requests
POOLS = ("0", "16MiB")


def cpu_seconds(daemon):
    with open(f"/proc/{daemon.process.pid}/stat") as stat:
        fields = stat.read().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def send(daemon, size, requests):
    connection = http.client.HTTPConnection("127.0.0.1", daemon.port, timeout=30)
    body = b"?" * size
    for _ in range(requests):
        connection.request("POST", "/api/v1/buffer/flush", body, {"Content-Type": "application/json"})
        response = connection.getresponse()
        response.read()
        assert response.status == 422, response.status
    connection.close()


def run(binary, pool_size):
    """Microseconds of CPU a request, by the size of its body; of the leases the reused share."""
    with Daemon(binary, *STANDING_STILL, f"memory.pool_size={pool_size}") as daemon:
        spent = []
        for size, requests in BODIES.items():
            send(daemon, size, 50)
            before = cpu_seconds(daemon)
            send(daemon, size, requests)
            spent.append(1e6 * (cpu_seconds(daemon) - before) / requests)
        text = daemon.get("/metrics").text
        reused = next(line.split()[1] for line in text.splitlines() if line.startswith("holdfast_request_pool_reuse_ratio"))
        return (*spent, float(reused))


def tables(binary, rounds, print_table):
    runs = {pool_size: [] for pool_size in POOLS}
    for _ in range(rounds):
        for pool_size in POOLS:
            runs[pool_size].append(run(binary, pool_size))
    rows = []
    for pool_size, samples in runs.items():
        *spent, reused = (statistics.median(values) for values in zip(*samples))
        rows.append((pool_size, *(f"{value:.0f}" for value in spent), f"{100 * reused:.0f} %"))
    print_table(f"Pool of request buffers: CPU a request, µs (medians of {rounds})",
                ("memory.pool_size", *(f"{size:,} bytes" for size in BODIES), "reused"), rows)
