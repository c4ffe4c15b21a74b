"""power_cut: what the block device had got at one instant is mounted and recovered.

The data directory is on an ext4 image behind a loop device. The image file holds what was written to the device and nothing of
the page cache, so a copy of it is what a power cut would have left. It cannot show a missing barrier: what the device was given
counts as kept. The same cut with a journal that is not synced must lose messages, or the method proves nothing."""

import os
import signal
import subprocess
import time

from load import Load, make_sessions
from workspace import DaemonFailed, wait_until

CUTS_PER_IMAGE = 10
IMAGE_BYTES = 128 << 20
COPIES_TRIED = 40
NOT_YET = "9s"


class Disk:
    """An ext4 file system in a file, mounted through a loop device that bypasses the page cache of that file."""

    def __init__(self, space):
        self.space = space
        self.image = space.path("image")
        with open(self.image, "wb") as image:
            image.truncate(IMAGE_BYTES)
        space.stack.callback(os.remove, self.image)
        subprocess.run(["mkfs.ext4", "-q", "-F", self.image], check=True)
        command = ["losetup", "--find", "--show", "--direct-io=on", self.image]
        self.device = subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()
        space.stack.callback(subprocess.run, ["losetup", "--detach", self.device])
        self.mount = space.stack.enter_context(space.mounted(self.device))
        os.sync()  # the empty file system itself is not what is being tested

    def writes(self):
        with open(f"/sys/block/{os.path.basename(self.device)}/stat") as stat:
            numbers = stat.read().split()
        return numbers[4], numbers[6], numbers[8]  # writes done, sectors written, in flight

    def copy(self, target):
        """One instant: repeated when the kernel wrote something back during the copy."""
        for _ in range(COPIES_TRIED):
            before = self.writes()
            subprocess.run(["cp", "--sparse=always", self.image, target], check=True)
            if before == self.writes() and before[2] == "0":
                return
            time.sleep(0.05)
        raise RuntimeError("the block device does not come to rest")


def cut(run, daemon, disk, judge):
    """Stops the daemon, checks what the device holds, lets it go on."""
    target = run.space.path("cut")
    with run.ledger.lock:  # acked is what a client had read by now; nothing is sent until the daemon stands still
        expected = run.ledger.as_of_now()
        daemon.signal(signal.SIGSTOP)
        wait_until(daemon.stopped, 10, pause=0.001)
    disk.copy(target)
    try:
        with run.space.mounted(target, "-o", "loop") as mount:
            survivor = run.space.daemon(os.path.join(mount, "data"))
            try:
                judge(survivor, expected)
            finally:
                survivor.kill()
        os.remove(target)
    finally:
        daemon.signal(signal.SIGCONT)


def loaded_disk(run, environment=None, **settings):
    disk = Disk(run.space)
    data = os.path.join(disk.mount, "data")
    os.mkdir(data)
    daemon = run.space.daemon(data, environment, **settings)
    daemon.start()
    return disk, daemon, make_sessions(daemon)


def power_cut(run):
    cuts = run.number(short=5, full=500)

    def judge(survivor, expected):
        run.unknown += expected.count("unknown")
        survivor.start()
        run.check(survivor, expected, gaps_allowed=True)  # unacked bytes may reach the disk in any order

    while run.count < cuts and not run.violated:
        run.fresh_ledger()
        disk, daemon, sessions = loaded_disk(run)
        with Load(run.ledger, daemon.port, sessions, run.seed_of(run.count)):
            for _ in range(min(CUTS_PER_IMAGE, cuts - run.count)):
                time.sleep(run.random.uniform(0.05, 0.4))
                cut(run, daemon, disk, judge)
                run.count += 1
                if run.violated:
                    break
        run.check(daemon)
        run.allow_statuses(201, 409)
        if not run.violated:
            run.space.stack.close()
        run.progress(f"{run.count} of {cuts} cuts")


def control(durability, shim):
    """The same cut of a journal that is not synced: it has to lose something."""
    def scenario(run):
        slow = {"journal__sync_interval": "10s", "buffer__performance__flush_interval": NOT_YET,
                "buffer__hybrid_buffer__auto_flush_interval": NOT_YET, "buffer__round_buffer__max_size": 50}
        environment = run.space.preload(shim) if shim else None
        disk, daemon, sessions = loaded_disk(run, environment, journal__durability=durability, **slow)
        lost = []

        def judge(survivor, expected):
            acked = expected.count("acked")
            try:
                survivor.start()
                expected.check(survivor, gaps_allowed=True)
                lost.append(min(acked, expected.findings["lost"]))
            except DaemonFailed:
                lost.append(acked)  # not even the store's file is whole

        with Load(run.ledger, daemon.port, sessions, run.seed_of(0)):
            time.sleep(0.4)
            cut(run, daemon, disk, judge)
            run.count += 1
        if lost == [0]:
            run.ledger.find("wrong", "the cut of an unsynced journal lost nothing: this method proves nothing")
        run.note(f"control: {lost[0]} acked messages were lost in the cut, as they must be")
    return scenario
