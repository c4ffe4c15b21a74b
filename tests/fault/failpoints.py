"""failpoints: killed exactly there. Only a daemon of the asan or tsan preset has the points; with another one this says so."""

from load import Load, make_sessions
from workspace import wait_until

POINTS = ("journal_written", "journal_synced", "segment_before_rename", "segment_before_directory_sync", "segment_removed",
          "last_segment_written_again", "store_before_write", "store_committed", "batch_stored")
AT_START = {"last_segment_written_again"}  # passed before any load
DYING_SECONDS = 10


def failpoints(run):
    if not run.space.has_failpoints:
        run.note("left out: this daemon has no failpoints (name one of the asan preset with --daemon)")
        return
    times = run.number(short=1, full=25)
    for point in POINTS:
        # Segments are deleted once they are stored, and not kept for their keys.
        daemon = run.space.daemon(run.space.directory(), journal__idempotency_window="0s").start()
        sessions = make_sessions(daemon)
        daemon.kill()
        for number in range(times):
            run.ledger.life += 1
            daemon.environment["HOLDFAST_FAILPOINT"] = f"{point}:{nth_pass(run, point)}"
            run.count += dies(daemon, run, sessions, f"{point} {number}")
            del daemon.environment["HOLDFAST_FAILPOINT"]
            daemon.kill()
            daemon.start()
            good = run.check(daemon)
            daemon.kill()
            if not good:
                return
        run.fresh_ledger()
        run.progress(f"{point}: {run.count} deaths so far")
    run.note(f"{len(POINTS)} points, {times} rounds each; {run.count} of {len(POINTS) * times} rounds passed their point often enough")
    run.allow_statuses(201, 409, 503)


def nth_pass(run, point):
    if point in AT_START:
        return 1
    passed_often = point.startswith("journal")
    return run.random.randint(1, 60 if passed_often else 3 if point.startswith("segment") else 8)


def dies(daemon, run, sessions, part):
    """True when the point was passed often enough; a start may do that already."""
    try:
        daemon.start()
    except Exception:
        return daemon.process.poll() is not None
    with Load(run.ledger, daemon.port, sessions, run.seed_of(part)):
        return wait_until(lambda: daemon.process.poll() is not None, DYING_SECONDS)
