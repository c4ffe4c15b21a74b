"""disk_full, store_locked, clock_jump: the process lives, what it stands on does not."""

import os
import sqlite3
import struct
import threading
import time

from load import Load, make_sessions
from workspace import wait_until

RESUME_SECONDS = 5
HEALTH_SECONDS = 1
FULL_SECONDS = 30
ROUNDS_PER_DISK = 5
SIZES = ((1, 2000, 8000),)  # the last segment is soon used up


class Ballast:
    """A file that takes what space there is, and takes what is given back too, until it is removed."""

    def __init__(self, path):
        self.path = path
        self.stopping = threading.Event()
        self.thread = threading.Thread(target=self._fill, daemon=True)

    def __enter__(self):
        self.thread.start()
        return self

    def _fill(self):
        with open(self.path, "wb", buffering=0) as file:
            while not self.stopping.is_set():
                try:
                    file.write(b"x" * 4096)
                except OSError:
                    self.stopping.wait(0.005)

    def __exit__(self, *_):
        self.stopping.set()
        self.thread.join()
        os.remove(self.path)


def disk_full(run):
    rounds = run.number(short=3, full=50)
    slowest = 0.0
    while run.count < rounds and not run.violated:
        run.fresh_ledger()
        mount = run.space.stack.enter_context(run.space.mounted("tmpfs", "-t", "tmpfs", "-o", "size=48m"))
        daemon = run.space.daemon(mount).start()
        sessions = make_sessions(daemon)
        with Load(run.ledger, daemon.port, sessions, run.seed_of(run.count), writers=3, pause=0.02, sizes=SIZES):
            for _ in range(min(ROUNDS_PER_DISK, rounds - run.count)):
                time.sleep(run.random.uniform(0.1, 0.5))
                slowest = max(slowest, fill_and_free(run, daemon, mount))
                run.count += 1
        run.check(daemon, gaps_allowed=True)  # a number given to a refused message may be lost
        run.allow_statuses(201, 409, 503)
        if not run.violated:
            run.space.stack.close()
        run.progress(f"{run.count} of {rounds} rounds")
    run.note(f"slowest resumption {slowest:.2f} s")


def fill_and_free(run, daemon, mount):
    """The seconds until adds succeeded again."""
    ledger = run.ledger
    with Ballast(os.path.join(mount, "ballast")):
        def refusing():
            refused, sent = ledger.statuses[503], ledger.latest_acked_send
            time.sleep(0.3)
            return ledger.statuses[503] > refused and ledger.latest_acked_send == sent
        if not wait_until(refusing, FULL_SECONDS, pause=0):
            ledger.find("wrong", "a full disk did not lead to refusals")
        status, _ = daemon.call("GET", "/api/v1/health", seconds=HEALTH_SECONDS)
        if status != 200:
            ledger.find("wrong", f"health answers {status} on a full disk")
    freed = time.monotonic()
    if not wait_until(lambda: ledger.latest_acked_send >= freed, RESUME_SECONDS):
        ledger.find("wrong", f"no add succeeded within {RESUME_SECONDS} s of free space")
    return time.monotonic() - freed


def store_locked(run):
    seconds = run.number(short=2, full=10)
    daemon = run.space.daemon(run.space.directory()).start()
    sessions = make_sessions(daemon)
    slowest = float("inf")
    with Load(run.ledger, daemon.port, sessions, run.seed_of(0), writers=3, pause=0.005):
        for _ in range(run.number(short=3, full=12)):
            with StoreLock(daemon.database):
                slowest = min(slowest, acked_meanwhile(run.ledger, seconds))
            run.count += 1
            time.sleep(0.3)  # some batches come through between two locks
    if not slowest:
        run.ledger.find("wrong", "nothing was acked while the store was locked")
    run.check(daemon)
    run.allow_statuses(201, 409)
    run.note(f"at least {slowest / seconds:.0f} adds a second with the store locked")


def acked_meanwhile(ledger, seconds):
    before = ledger.statuses[201]
    time.sleep(seconds)
    return ledger.statuses[201] - before


class StoreLock:
    """Another connection holds the store's write lock."""

    def __init__(self, database):
        self.connection = sqlite3.connect(database, isolation_level=None, timeout=30)

    def __enter__(self):
        self.connection.execute("BEGIN EXCLUSIVE")

    def __exit__(self, *_):
        self.connection.execute("ROLLBACK")
        self.connection.close()


def clock_jump(run):
    if run.space.sanitized:
        run.note("left out: with a sanitizer the clock cannot be replaced")
        return
    shift_file = run.space.path("shift")

    def shift(seconds):
        with open(shift_file, "r+b" if os.path.exists(shift_file) else "wb") as file:  # the same file: it is mapped
            file.write(struct.pack("q", seconds))

    shift(0)
    environment = {**run.space.preload("clock_shift"), "CLOCK_SHIFT_FILE": shift_file}
    daemon = run.space.daemon(run.space.directory(), environment).start()
    sessions = make_sessions(daemon)
    with Load(run.ledger, daemon.port, sessions, run.seed_of(0), writers=3, pause=0.005):
        for _ in range(run.number(short=1, full=10)):
            for seconds in (-86400, 86400, -3600, 3600, 0):
                shift(seconds)
                confirm_jump(run, daemon, sessions, seconds)
                sent = time.monotonic()
                if not wait_until(lambda: run.ledger.latest_acked_send > sent, 5):
                    run.ledger.find("wrong", f"no add succeeded after the clock jumped to {seconds:+} s")
                time.sleep(0.6)  # flush deadlines pass under the new time
                run.count += 1
    run.check(daemon)
    run.allow_statuses(201, 409)


def confirm_jump(run, daemon, sessions, seconds):
    """A user made now says what time the daemon believes in."""
    status, data = daemon.call("POST", "/api/v1/users", {"name": f"at-{run.count}-{seconds}"})
    assert status == 201, (status, data)
    made = data["user"]["created_at"][:19]
    wanted = time.time() + seconds
    near = {time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(wanted + off)) for off in range(-5, 6)}
    if made not in near:
        run.ledger.find("wrong", f"the shim has no effect: {made}, expected about {sorted(near)[5]}")
