"""kill_fsync, kill_os, sigterm: the process ends, the disk stays."""

import signal
import subprocess
import time

from load import Load, make_sessions

CHECK_EVERY = 10
STOP_SECONDS = 25


def kill(durability):
    def scenario(run):
        cycles = run.number(short=15, full=1000)
        daemon = run.space.daemon(run.space.directory(), journal__durability=durability)
        daemon.start()
        sessions = make_sessions(daemon)
        for cycle in range(1, cycles + 1):
            run.ledger.life += 1
            with Load(run.ledger, daemon.port, sessions, run.seed_of(cycle)):
                time.sleep(run.random.uniform(0.03, 0.3))
                daemon.kill()
            if run.random.random() < 0.15:  # also while it starts and replays
                daemon.spawn()
                time.sleep(run.random.uniform(0.0, 0.12))
                daemon.kill()
            daemon.start()
            run.count = cycle
            if cycle % CHECK_EVERY == 0 or cycle == cycles:
                if not run.check(daemon):
                    return
                run.progress(f"{cycle} of {cycles} cycles")
        run.allow_statuses(201, 409)
    return scenario


def sigterm(run):
    slowest = 0.0
    daemon = run.space.daemon(run.space.directory())
    daemon.start()
    sessions = make_sessions(daemon)
    for cycle in range(run.number(short=3, full=50)):
        run.ledger.life += 1
        with Load(run.ledger, daemon.port, sessions, run.seed_of(cycle)):
            time.sleep(run.random.uniform(0.1, 0.6))
            began = time.monotonic()
            daemon.signal(signal.SIGTERM)
            try:
                code = daemon.process.wait(STOP_SECONDS)
            except subprocess.TimeoutExpired:
                code = "none"
                daemon.kill()
            slowest = max(slowest, time.monotonic() - began)
        if code != 0:
            run.ledger.find("wrong", f"exit code {code} after SIGTERM")
        daemon.start()
        run.count += 1
        if not run.check(daemon):
            return
    run.allow_statuses(201, 409, 503)
    run.note(f"slowest stop {slowest:.2f} s")
