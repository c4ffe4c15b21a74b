"""A running daemon that the tables ask about its memory."""

import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "http"))
import holdfast_process  # noqa: E402

# Nothing moves on by itself, nothing is refused, and one shard, so that a bound is reached where it is expected.
STANDING_STILL = ("server.shards=1", "buffer.performance.flush_interval=1h",
                  "buffer.hybrid_buffer.auto_flush_interval=1h", "buffer.performance.force_flush_timeout=2h",
                  "buffer.round_buffer.max_size=50", "buffer.hybrid_buffer.max_size=50", "memory.user_share=1",
                  "memory.max_buffer_mb=8192", "memory.max_process_mb=16384", "memory.min_system_available_mb=1")


class Daemon(holdfast_process.Holdfast):
    def __init__(self, binary, *settings, environment=None):
        holdfast_process.BINARY = binary
        super().__init__(*settings, profile="balanced", environment=environment)

    def memory(self):
        """What it says, once its monitor has looked at what has been done so far."""
        before = self.checks()
        self.wait_until(lambda: self.checks() >= before + 2)
        return self.get("/api/v1/buffer/memory").data

    def checks(self):
        text = self.get("/metrics").text
        return int(next(line.split()[1] for line in text.splitlines() if line.startswith("holdfast_memory_checks_total")))

    def resident(self):
        with open(f"/proc/{self.process.pid}/statm") as statm:
            return int(statm.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")
