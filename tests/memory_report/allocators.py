"""The same fragmenting load under several allocators (LD_PRELOAD): messages of 80 bytes to 15 KB in sessions of which
each eighth stays buffered while the others are flushed around it, and queries in between."""

import glob
import random
import statistics
import time

from daemon import STANDING_STILL, Daemon

# Of glibc also libstdc++, as jemalloc has operator new and glibc has not.
LIBRARIES = {"glibc, no purge": ("libstdc++.so.6", "libc.so.6"), "mimalloc": ("libmimalloc.so.2*",)}
SIZES, WEIGHTS = (80, 500, 3000, 15_000), (8, 4, 2, 1)
CYCLES, SESSIONS, MESSAGES = 6, 64, 40
IDLE_SECONDS = 10
MEBI = 1 << 20


def variants():
    """name: environment; those that are installed. The daemon is linked with jemalloc; what is preloaded comes first."""
    found = {"jemalloc, as built": {},
             "jemalloc, its own settings": {"MALLOC_CONF": "background_thread:false,dirty_decay_ms:10000,lg_tcache_max:15"}}
    for name, libraries in LIBRARIES.items():
        paths = [sorted(glob.glob(f"/usr/lib/*/{library}"))[:1] for library in libraries]
        if all(paths):
            found[name] = {"LD_PRELOAD": " ".join(path[0] for path in paths)}
        else:
            print(f"{name} is left out: it is not installed")
    return found


def load(daemon):
    """Messages added, all in the store at the end."""
    source = random.Random(11)
    text = "".join(source.choice("abcdefgh ") for _ in range(100_000))
    agent = daemon.make_agent()
    users = [daemon.make_user(f"user {number}") for number in range(8)]
    for _ in range(CYCLES):
        sessions = []
        for number in range(SESSIONS):
            session = daemon.make_session(users[number % len(users)], agent)
            sessions.append(session)
            for _ in range(4):
                sizes = source.choices(SIZES, WEIGHTS, k=MESSAGES // 4)
                starts = [source.randrange(80_000) for _ in sizes]
                daemon.add(session, *(text[start:start + size] for start, size in zip(starts, sizes)))
            if number % 8 == 0:
                daemon.query(users[number // 8], text[number:number + 30])
        for number, session in enumerate(sessions):
            if number % 8 != 0:
                daemon.post("/api/v1/buffer/flush", {"session_id": session})
    daemon.flush()
    return CYCLES * SESSIONS * MESSAGES


def run(binary, environment):
    """(resident after the load, after idling, messages a second)"""
    with Daemon(binary, *STANDING_STILL, "journal.durability=os", environment=environment) as daemon:
        began = time.monotonic()
        messages = load(daemon)
        spent = time.monotonic() - began
        loaded = daemon.resident()
        time.sleep(IDLE_SECONDS)
        return loaded / MEBI, daemon.resident() / MEBI, messages / spent


def tables(binary, rounds, print_table):
    compared = variants()
    runs = {name: [] for name in compared}
    for _ in range(rounds):
        for name, environment in compared.items():
            runs[name].append(run(binary, environment))
    rows = []
    for name, samples in runs.items():
        loaded, idle, rate = (statistics.median(values) for values in zip(*samples))
        rows.append((name, f"{loaded:.1f}", f"{idle:.1f}", f"{rate:,.0f}"))
    print_table(f"Allocators ({CYCLES * SESSIONS * MESSAGES:,} messages, medians of {rounds})",
                ("allocator", "after the load, MiB", f"after {IDLE_SECONDS} s idle, MiB", "messages/s"), rows)
