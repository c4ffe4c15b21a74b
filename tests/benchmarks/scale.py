"""scale.py [--sessions N] [--messages N] [--adds N]: what a daemon on one shard takes to start, and whether a request costs
the same whatever there is.

Idle sessions: resident memory with 100,000 sessions that were written to and have nothing buffered any more, above that with 1,000.
Start: from exec to the line "ready" with an empty journal. Replay: the same with messages that are in the journal alone, short ones
and a tenth as many of 1 KB, by the bytes of their records. Sessions: one daemon has 10, another 10,000 and a third N of 1,000 users; adds of a message each go in turns to the 10, to 10 of N,
to any of the 10,000 and to any of N (each once where there are enough, so that no messages share a batch), and the processor time of the whole process is counted until all is in the store. Medians of 5."""

import argparse
import concurrent.futures
import http.client
import json
import os
import random
import sqlite3
import statistics
import sys
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(os.path.dirname(HERE), "memory_report"))
from daemon import STANDING_STILL, Daemon  # noqa: E402
from recovery import TEXT, fill  # noqa: E402

RUNS = 5
USERS = 1000
FEW = 10
SOME = 10_000
IDLE = 100_000
REPEATED = 10  # a message of 100 bytes, to be one of 1 KB
SETTLED_SECONDS = 15  # freed memory has gone back to the system
CONNECTIONS = 16
BINARY = os.environ.get("HOLDFASTD", "build/release/bin/holdfastd")


def start_seconds(daemon):
    """To within the 10 ms at which its log is looked at."""
    began = time.monotonic()
    daemon.start()
    return time.monotonic() - began


def cpu_seconds(daemon):
    with open(f"/proc/{daemon.process.pid}/stat") as stat:
        user, system = stat.read().rsplit(")", 1)[1].split()[11:13]
    return (int(user) + int(system)) / os.sysconf("SC_CLK_TCK")


def empty_start():
    began = time.monotonic()
    with Daemon(BINARY, "server.shards=1"):
        return time.monotonic() - began


def journal_bytes(daemon):
    """Without the holes that were taken in advance."""
    total = 0
    for entry in os.scandir(os.path.join(daemon.folder, "journal")):
        if entry.is_file():
            file = os.open(entry.path, os.O_RDONLY)
            try:
                end = 0
                while True:
                    begin = os.lseek(file, end, os.SEEK_DATA)
                    end = os.lseek(file, begin, os.SEEK_HOLE)
                    total += end - begin
            except OSError:
                pass  # nothing but a hole follows
            os.close(file)
    return total


def replay(messages, repeated):
    """(bytes of the journal, seconds to ready) of a start after a kill; what fills a batch is on its way to the store meanwhile"""
    with Daemon(BINARY, *STANDING_STILL) as daemon:
        lock = fill(daemon, messages, repeated)
        daemon.kill()
        lock.close()
        size = journal_bytes(daemon)
        return size, start_seconds(daemon)


def fill_with_sessions(daemon, count):
    """Past the daemon: an import of a line each took 48 s for 200,000, getting slower. Answer: all ids."""
    daemon.start()
    agent = daemon.make_agent()
    first = [daemon.make_session(daemon.make_user(f"user {number}"), agent) for number in range(USERS)]
    daemon.stop()
    ids = list(first)
    store = sqlite3.connect(os.path.join(daemon.folder, "holdfast.db"))
    known = {row[1]: row for row in store.execute("SELECT user_no, id, agent_id, created_at FROM sessions")}
    rows = []
    for number in range(USERS, count):
        user_no, like, agent_id, now = known[first[number % USERS]]
        # The first 48 bits name the user's shard, four the format; the others are random.
        ids.append(f"{like[:15]}{random.getrandbits(12):03x}-8{random.getrandbits(12):03x}-{random.getrandbits(48):012x}")
        rows.append((ids[-1], user_no, agent_id, f"session {number}", now, now))
    store.executemany("INSERT INTO sessions (id, user_no, agent_id, name, created_at, updated_at) VALUES (?, ?, ?, ?, ?, ?)", rows)
    store.commit()
    store.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    store.close()
    return ids


def add(port, sessions):
    connection = http.client.HTTPConnection("127.0.0.1", port)
    for session in sessions:
        body = json.dumps({"messages": [{"role": "user", "content": f"{random.random()} {TEXT}"}]})
        connection.request("POST", f"/api/v1/sessions/{session}/messages", body)
        answer = connection.getresponse()
        text = answer.read()
        assert answer.status == 201, text
    connection.close()


def adds(daemon, sessions, count):
    """Processor microseconds an add, until all is in the store."""
    before = cpu_seconds(daemon)
    with concurrent.futures.ThreadPoolExecutor(CONNECTIONS) as pool:
        each = count // CONNECTIONS
        chosen = random.sample(sessions, count) if len(sessions) >= count else random.choices(sessions, k=count)
        shares = [chosen[first:first + each] for first in range(0, each * CONNECTIONS, each)]
        list(pool.map(lambda share: add(daemon.port, share), shares))
    daemon.post("/api/v1/buffer/flush")
    return (cpu_seconds(daemon) - before) / count * 1e6


def write_to(daemon, sessions):
    """A message into each, a thousand at a time, and these into the store."""
    for first in range(0, len(sessions), USERS):
        lines = [json.dumps({"session_id": session, "role": "user", "content": TEXT}) for session in sessions[first:first + USERS]]
        answer = daemon.request("POST", "/api/v1/messages/batch", raw="\n".join(lines).encode())
        assert answer.status == 201 and answer.data["accepted"] == len(lines), answer.text
        daemon.flush()


def bytes_of_an_idle_session():
    with Daemon(BINARY, "server.shards=1") as daemon:
        daemon.stop()
        ids = fill_with_sessions(daemon, IDLE)
        daemon.start()
        # The store's own caches are as full before as after.
        write_to(daemon, ids[:USERS] * (IDLE // USERS))
        time.sleep(SETTLED_SECONDS)
        before = daemon.resident()
        write_to(daemon, ids)
        time.sleep(SETTLED_SECONDS)
        return (daemon.resident() - before) / (IDLE - USERS)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--sessions", type=int, default=1_000_000)
    parser.add_argument("--messages", type=int, default=1_000_000)
    parser.add_argument("--adds", type=int, default=16_000, help="of each of the 5 rounds")
    options = parser.parse_args()

    print(f"start, empty journal: {statistics.median(empty_start() for _ in range(RUNS)) * 1000:.0f} ms", flush=True)
    print(f"an idle session: {bytes_of_an_idle_session():.0f} bytes resident", flush=True)
    for messages, repeated in (options.messages, 1), (options.messages // REPEATED, REPEATED):
        runs = [replay(messages, repeated) for _ in range(RUNS)]
        size, seconds = (statistics.median(column) for column in zip(*runs))
        print(f"replay of {messages:,} messages, {size / 1e6:.0f} MB of records: ready after {seconds:.2f} s, {size / seconds / 1e6:.0f} MB/s",
              flush=True)

    with (Daemon(BINARY, "server.shards=1") as large, Daemon(BINARY, "server.shards=1") as middle,
          Daemon(BINARY, "server.shards=1") as small):
        large.stop()
        middle.stop()
        ids = fill_with_sessions(large, options.sessions)
        starts = []
        for _ in range(RUNS):
            starts.append(start_seconds(large))
            large.stop()
        print(f"start with {options.sessions:,} sessions in the store: {statistics.median(starts) * 1000:.0f} ms", flush=True)
        large.start()
        some = fill_with_sessions(middle, SOME)
        middle.start()
        agent = small.make_agent()
        cases = {f"{FEW} of {FEW} sessions": (small, [small.make_session(small.make_user(f"user {number}"), agent) for number in range(FEW)]),
                 f"{FEW} of {options.sessions:,} sessions": (large, ids[:FEW]),
                 f"any of {SOME:,} sessions": (middle, some),
                 f"any of {options.sessions:,} sessions": (large, ids)}
        for daemon, sessions in cases.values():
            adds(daemon, sessions, options.adds // 4)  # warm
        costs = {name: [] for name in cases}
        for _ in range(RUNS):
            for name, (daemon, sessions) in cases.items():
                costs[name].append(adds(daemon, sessions, options.adds))
        for name, measured in costs.items():
            print(f"adds to {name}: {statistics.median(measured):.0f} µs of processor time an add ({min(measured):.0f}–{max(measured):.0f})")
        for daemon in (small, middle, large):
            print(f"resident afterwards: {daemon.resident() / 2**20:.1f} MiB")


main()
