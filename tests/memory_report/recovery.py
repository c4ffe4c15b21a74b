"""What a start after a kill, a stop and the batch route take, by the number of messages that are not in the store yet: memory stays that of the
window the buffers may hold; the rest is read from the journal as the store takes it."""

import json
import os
import signal
import sqlite3
import time

from daemon import STANDING_STILL, Daemon

WINDOW = ("memory.max_buffer_mb=4", "memory.user_share=1")
MESSAGES_A_REQUEST = 500
SESSIONS = 20
TEXT = "the agent asked about the garden by the river and the answer was a recipe for bread with coffee in winter"


def fill(daemon, messages, repeated=1):
    """Acknowledged, and none of them in the store: the text so often. Returns the lock that sees to it."""
    agent = daemon.make_agent()
    sessions = [daemon.make_session(daemon.make_user(f"user {number}"), agent) for number in range(SESSIONS)]
    lock = sqlite3.connect(os.path.join(daemon.folder, "holdfast.db"), isolation_level=None)
    lock.execute("BEGIN IMMEDIATE")
    for first in range(0, messages, MESSAGES_A_REQUEST):
        lines = [json.dumps({"session_id": sessions[number % SESSIONS], "role": "user", "content": f"{number} {TEXT * repeated}"})
                 for number in range(first, min(messages, first + MESSAGES_A_REQUEST))]
        answer = daemon.request("POST", "/api/v1/messages/batch", raw="\n".join(lines).encode())
        assert answer.data["accepted"] == len(lines), answer.text
    return lock


def peak(daemon):
    """MiB since the start or the last forget_peak()."""
    with open(f"/proc/{daemon.process.pid}/status") as status:
        return next(int(line.split()[1]) / 1024 for line in status if line.startswith("VmHWM"))


def forget_peak(daemon):
    with open(f"/proc/{daemon.process.pid}/clear_refs", "w") as references:
        references.write("5")


def unstored(daemon):
    text = daemon.get("/metrics").text
    return sum(float(line.rsplit(" ", 1)[1]) for line in text.splitlines()
               if line.startswith(("holdfast_backlog_messages ", "holdfast_dirty_sessions ")))


def replay(binary, messages):
    """(seconds to ready, peak MiB, seconds until all is stored, peak MiB then)"""
    with Daemon(binary, *STANDING_STILL) as daemon:
        lock = fill(daemon, messages)
        daemon.kill()
        lock.close()
        daemon.settings += WINDOW
        began = time.monotonic()
        daemon.start()
        ready, ready_peak = time.monotonic() - began, peak(daemon)

        def all_stored():
            return unstored(daemon) == 0
        daemon.post("/api/v1/buffer/flush", {"wait": False})
        daemon.wait_until(all_stored, seconds=1800)
        return ready, ready_peak, time.monotonic() - began, peak(daemon)


def batch_route(binary, messages):
    """(peak MiB, seconds) until all is in the store"""
    with Daemon(binary, "server.shards=1", *WINDOW) as daemon:
        agent = daemon.make_agent()
        sessions = [daemon.make_session(daemon.make_user(f"user {number}"), agent) for number in range(SESSIONS)]
        began = time.monotonic()
        for first in range(0, messages, MESSAGES_A_REQUEST):
            lines = [json.dumps({"session_id": sessions[number % SESSIONS], "role": "user", "id": f"message {number}",
                                 "content": f"{number} {TEXT}"})
                     for number in range(first, min(messages, first + MESSAGES_A_REQUEST))]
            body = "\n".join(lines).encode()
            while True:  # as often as it is told to come again
                answer = daemon.request("POST", "/api/v1/messages/batch", raw=body)
                assert answer.status in (201, 429, 503), answer.text
                if answer.data and answer.data.get("accepted") == len(lines):
                    break
                time.sleep(0.05)

        def all_stored():
            return unstored(daemon) == 0
        daemon.post("/api/v1/buffer/flush", {"wait": False})
        daemon.wait_until(all_stored, seconds=1800)
        return peak(daemon), time.monotonic() - began


def drain(binary, messages):
    """(seconds, MiB more than before it)"""
    with Daemon(binary, *STANDING_STILL) as daemon:
        fill(daemon, messages).close()
        before = daemon.resident() / 2**20
        forget_peak(daemon)
        highest = before
        began = time.monotonic()
        daemon.process.send_signal(signal.SIGTERM)
        while daemon.process.poll() is None:
            try:
                highest = max(highest, peak(daemon))
            except (OSError, StopIteration):
                pass  # it has just ended
            time.sleep(0.01)
        return time.monotonic() - began, highest - before


def tables(programs, sizes, print_table):
    replays = {messages: replay(programs.binary, messages) for messages in sizes}
    print_table(f"Replay: a start after a kill, {WINDOW[0]} (single runs)",
                ("messages", "ready after, s", "peak, MiB", "all stored after, s", "peak, MiB"),
                [(f"{messages:,}", f"{ready:.2f}", f"{ready_peak:.1f}", f"{stored:.1f}", f"{stored_peak:.1f}")
                 for messages, (ready, ready_peak, stored, stored_peak) in replays.items()])
    programs.draw("recovery", "Peak memory of a start after a kill", "messages in the journal", sizes,
                  **{"until ready": [run[1] for run in replays.values()], "until stored": [run[3] for run in replays.values()]})
    routes = {messages: batch_route(programs.binary, messages) for messages in sizes}
    print_table(f"The batch route: {MESSAGES_A_REQUEST} messages a request, each with an id, {WINDOW[0]} (single runs)",
                ("messages", "peak, MiB", "messages/s"),
                [(f"{messages:,}", f"{highest:.1f}", f"{messages / seconds:,.0f}")
                 for messages, (highest, seconds) in routes.items()])
    # Longer than a stop may take is the journal's business again.
    drains = {messages: drain(programs.binary, messages) for messages in sizes if messages <= 100_000}
    print_table("Drain: a stop with everything in the buffers (single runs)", ("messages", "seconds", "MiB more than before"),
                [(f"{messages:,}", f"{seconds:.2f}", f"{more:.1f}") for messages, (seconds, more) in drains.items()])
