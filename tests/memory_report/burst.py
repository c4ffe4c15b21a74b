"""What of a burst's memory is given back: resident before it, at its peak, and 10 s after all of it is in the store."""

import json
import random
import statistics
import time

from daemon import STANDING_STILL, Daemon
from recovery import forget_peak, peak, unstored

MESSAGES, WARM_UP = 40_000, 4_000
SESSIONS, MESSAGES_A_REQUEST = 20, 500
SIZES, WEIGHTS = (80, 500, 3000), (8, 4, 1)
WAIT_SECONDS = 10


def send(daemon, sessions, messages, source):
    text = "".join(source.choice("abcdefgh ") for _ in range(20_000))
    for first in range(0, messages, MESSAGES_A_REQUEST):
        lines = []
        for number in range(first, first + MESSAGES_A_REQUEST):
            start, size = source.randrange(15_000), source.choices(SIZES, WEIGHTS)[0]
            lines.append(json.dumps({"session_id": sessions[number % SESSIONS], "role": "user",
                                     "content": text[start:start + size]}))
        answer = daemon.request("POST", "/api/v1/messages/batch", raw="\n".join(lines).encode())
        assert answer.data["accepted"] == len(lines), answer.text


def store_all(daemon):
    def all_stored():
        return unstored(daemon) == 0
    daemon.post("/api/v1/buffer/flush", {"wait": False})
    daemon.wait_until(all_stored, seconds=600)


def run(binary):
    """MiB before, at the peak and after of the first burst and of the next."""
    with Daemon(binary, *STANDING_STILL) as daemon:
        source = random.Random(5)
        agent = daemon.make_agent()
        sessions = [daemon.make_session(daemon.make_user(f"user {number}"), agent) for number in range(SESSIONS)]
        send(daemon, sessions, WARM_UP, source)
        store_all(daemon)
        time.sleep(WAIT_SECONDS)
        resident = []
        for _ in range(2):
            resident.append(daemon.resident() / 2**20)
            forget_peak(daemon)
            send(daemon, sessions, MESSAGES, source)
            store_all(daemon)
            resident.append(peak(daemon))
            time.sleep(WAIT_SECONDS)
            resident.append(daemon.resident() / 2**20)
        return resident


def row(name, before, highest, after):
    return (name, f"{before:.1f}", f"{highest:.1f}", f"{after:.1f}", f"{100 * (1 - (after - before) / (highest - before)):.1f} %",
            "≥ 95 %, peak < 500 MB")


def tables(binary, rounds, print_table):
    resident = [statistics.median(values) for values in zip(*(run(binary) for _ in range(rounds)))]
    print_table(f"A burst of {MESSAGES:,} messages (medians of {rounds})",
                ("burst", "before, MiB", "peak, MiB", f"{WAIT_SECONDS} s after all is stored, MiB", "of the growth given back", "seed"),
                [row("first", *resident[:3]), row("second", *resident[3:])])
