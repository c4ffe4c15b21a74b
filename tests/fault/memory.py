"""memory_cgroup, memory_address_space: little memory, more asked for than the machine can do, and a store that hangs."""

import contextlib
import os
import re
import time
import urllib.request

from load import Load, make_sessions
from surroundings import StoreLock
from workspace import wait_until

MIB = 1 << 20
CGROUP_BYTES = 256 * MIB
ADDRESS_SPACE_BYTES = 2048 * MIB  # stacks and arenas of the threads are reserved, though hardly used
PROCESS_MIB = 120
LARGEST_SHARE = 0.9
LARGEST_EXCESS = 1.1  # of the process's limit, at which writes are refused: what was begun goes on
NORMAL_SECONDS = 10  # after everything is in the store
WRITERS = 24  # four times what keeps the machine busy
SIZES = ((1, 2000, 30_000),)


@contextlib.contextmanager
def cgroup():
    """A memory cgroup of its own, v1 or v2; None where none can be made."""
    for root, limit in (("/sys/fs/cgroup/memory", "memory.limit_in_bytes"), ("/sys/fs/cgroup", "memory.max")):
        folder = os.path.join(root, f"holdfast-fault-{os.getpid()}")
        try:
            os.mkdir(folder)
            with open(os.path.join(folder, limit), "w") as file:
                file.write(str(CGROUP_BYTES))
        except OSError:
            with contextlib.suppress(OSError):
                os.rmdir(folder)
            continue
        try:
            yield folder
        finally:
            wait_until(lambda: remove(folder), 10)
        return
    yield None


def remove(folder):
    try:
        os.rmdir(folder)
        return True
    except OSError:
        return False


def confined(run, daemon, command):
    """The daemon is started by a shell that runs the command first."""
    script = run.space.path("confined")
    with open(script, "w") as file:
        file.write(f'#!/bin/sh\nset -e\n{command}\nexec "{daemon.binary}" "$@"\n')
    os.chmod(script, 0o755)
    daemon.binary = script
    return daemon.start()


def metric(daemon, name):
    with urllib.request.urlopen(f"http://127.0.0.1:{daemon.port}/metrics", timeout=30) as answer:
        found = re.search(rf"^{name} (\S+)$", answer.read().decode(), re.M)
    return float(found.group(1)) if found else None


def memory_cgroup(run):
    if run.space.sanitized:
        run.note("left out: a sanitizer has memory of its own")
        return
    with cgroup() as folder:
        if not folder:
            run.note("left out: no memory cgroup can be made here")
            return
        # However it ends, the daemon has left the cgroup before that is removed.
        with contextlib.ExitStack() as stack:
            daemon = run.space.daemon(run.space.directory())
            stack.callback(daemon.kill)
            confined(run, daemon, f'echo $$ > "{folder}/cgroup.procs"')
            overload(run, daemon, LARGEST_SHARE * CGROUP_BYTES)


def memory_address_space(run):
    if run.space.sanitized:
        run.note("left out: a sanitizer has memory of its own")
        return
    # So little that the short form comes under pressure, too.
    daemon = run.space.daemon(run.space.directory(), memory__max_process_mb=PROCESS_MIB)
    confined(run, daemon, f"ulimit -v {ADDRESS_SPACE_BYTES // 1024}")
    overload(run, daemon, LARGEST_EXCESS * PROCESS_MIB * MIB)


def overload(run, daemon, most_resident):
    seconds = run.number(short=20, full=600)
    sessions = make_sessions(daemon, users=8)
    peak, highest, slowest = 0, 0, 0.0
    with StoreLock(daemon.database), Load(run.ledger, daemon.port, sessions, run.seed_of(0), writers=WRITERS, sizes=SIZES, repeats_own=True):
        until = time.monotonic() + seconds
        while time.monotonic() < until and daemon.process.poll() is None:
            peak = max(peak, daemon.resident_bytes())
            asked = time.monotonic()
            highest = max(highest, metric(daemon, "holdfast_memory_pressure_level"))
            slowest = max(slowest, time.monotonic() - asked)
            time.sleep(0.2)
    run.count += 1
    if daemon.process.poll() is not None:
        run.ledger.find("wrong", f"the daemon ended with {daemon.process.returncode}: {daemon.log()[-500:]}")
        return
    if peak > most_resident:
        run.ledger.find("wrong", f"resident memory reached {peak / MIB:.0f} MiB, more than {most_resident / MIB:.0f}")
    if highest < 1:
        run.ledger.find("wrong", "memory never came under pressure")
    run.allow_statuses(201, 413, 429, 503)
    run.check(daemon, gaps_allowed=True)  # drains; a number given to a refused message may be lost
    began = time.monotonic()
    if not wait_until(lambda: metric(daemon, "holdfast_memory_pressure_level") == 0, NORMAL_SECONDS, pause=0.1):
        run.ledger.find("wrong", f"still under pressure {NORMAL_SECONDS} s later:\n{daemon.log()[-1000:]}")
    run.note(f"{seconds} s with the store hung: resident memory at most {peak / MIB:.0f} MiB (allowed: {most_resident / MIB:.0f}), level at most "
             f"{highest:.0f} of 3, metrics within {slowest:.2f} s, normal after {time.monotonic() - began:.1f} s, "
             f"answers {dict(sorted(run.ledger.statuses.items(), key=str))}")
