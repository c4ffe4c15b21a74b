"""slow_clients, overload: too many, too slow, too much.

What is measured is measured in a process of its own, so that it does not wait for this interpreter's lock."""

import collections
import json
import multiprocessing
import os
import re
import selectors
import socket
import threading
import time
import urllib.request

from ledger import Ledger
from load import Connection, Load, Writer, make_sessions, percentile
from surroundings import StoreLock
from workspace import wait_until

fork = multiprocessing.get_context("fork")
P99_RATIO = 2
P99_FLOOR = 0.020  # below this a shared machine's scheduling decides, not the daemon
CONNECTIONS_PER_ADDRESS = 5000
OVERSIZED_EVERY = 0.5
HELD_SHARE = 0.9  # of the slow connections at the same time: the others are just being opened again


class QuietClient:
    """One user that adds a message every so often, in its own process, and what it saw."""

    def __init__(self, port, session, seed, pause):
        self.theirs, self.ours = fork.Pipe()
        self.process = fork.Process(target=self._run, args=(port, session, seed, pause), daemon=True)
        self.process.start()

    def _run(self, port, session, seed, pause):
        if os.geteuid() == 0:
            os.nice(-15)  # its own wait for a core that the load generator keeps busy says nothing about the daemon
        ledger, stopping = Ledger(), threading.Event()
        writer = Writer(ledger, port, [session], seed)
        thread = threading.Thread(target=writer.run, args=(stopping, pause))
        thread.start()
        self.theirs.recv()
        stopping.set()
        thread.join()
        ledger.lock = None  # cannot travel
        self.theirs.send((ledger, writer.latencies))

    def result(self):
        self.ours.send("stop")
        ledger, latencies = self.ours.recv()
        self.process.join()
        return ledger, latencies


def compare_p99(run, latencies, before, during, judged):
    """before and during: (from, to) on the monotonic clock."""
    def p99(span):
        return percentile([seconds for at, seconds, status in latencies if span[0] <= at < span[1] and status == 201], 0.99)
    quiet, loud = p99(before), p99(during)
    run.note(f"p99 of the normal client {quiet * 1000:.1f} ms before, {loud * 1000:.1f} ms during: ×{loud / quiet:.1f}")
    if judged and not loud <= max(P99_RATIO * quiet, P99_FLOOR):
        run.ledger.find("wrong", f"p99 {loud * 1000:.1f} ms, before {quiet * 1000:.1f} ms")


# Slow clients

class SlowCrowd:
    """Connections that are too slow in one of three ways, opened again when the daemon closes them."""

    HEADER, BODY, UNREAD = range(3)
    OPENING = b"POST /api/v1/users HTTP/1.1\r\nHost: slow\r\nContent-Type: application/json\r\n"

    def __init__(self, port, wanted, long_listing):
        self.port, self.wanted, self.long_listing = port, wanted, long_listing
        self.selector = selectors.DefaultSelector()
        self.header_senders = {}  # socket: bytes sent
        self.unread = []
        self.opened = self.closed = self.failed = 0

    def run(self, pipe):
        for number in range(self.wanted):
            self.open(number)
            if number % 200 == 0:
                self.turn(0)
        pipe.send("open")
        next_byte = time.monotonic()
        again = True
        while True:
            self.turn(0.05, again)
            if time.monotonic() >= next_byte:
                next_byte += 1
                self.send_header_bytes()
            if pipe.poll():
                if pipe.recv() == "end":
                    break
                again = False
        pipe.send({"opened": self.opened, "closed": self.closed, "failed": self.failed})

    def open(self, number):
        one = socket.socket()
        one.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        one.setsockopt(socket.IPPROTO_TCP, socket.TCP_MAXSEG, 536)  # else the kernel buffers a whole answer
        try:
            one.bind((f"127.0.0.{2 + number // CONNECTIONS_PER_ADDRESS}", 0))
            one.settimeout(10)
            one.connect(("127.0.0.1", self.port))
            one.setblocking(False)
            self.begin(one, number)
        except OSError:
            self.failed += 1
            one.close()
            return
        self.opened += 1

    def begin(self, one, number):
        kind = number % 3
        if kind == self.HEADER:
            self.header_senders[one] = 0
        elif kind == self.BODY:
            one.send(self.OPENING + b"Content-Length: 1000\r\n\r\n{")
        else:
            one.send(f"GET {self.long_listing} HTTP/1.1\r\nHost: slow\r\n\r\n".encode())
            self.unread.append(one)  # never reads, so cannot see that it was closed either: the daemon's descriptors tell
            return
        self.selector.register(one, selectors.EVENT_READ, number)

    def turn(self, seconds, again=True):
        for key, _ in self.selector.select(seconds):
            try:
                ended = not key.fileobj.recv(65536)
            except OSError:
                ended = True
            if ended:
                self.closed += 1
                self.selector.unregister(key.fileobj)
                self.header_senders.pop(key.fileobj, None)
                key.fileobj.close()
                if again:
                    self.open(key.data)

    def send_header_bytes(self):
        for one, sent in list(self.header_senders.items()):
            try:
                one.send(self.OPENING[sent % len(self.OPENING):][:1])
                self.header_senders[one] = sent + 1
            except OSError:
                pass  # seen as closed in the next turn


def slow_clients(run):
    wanted = run.number(short=500, full=10_000)
    # Full: the first are still held when the last of 10,000 is opened. Short: quickly over.
    limits = {"server__limits__body_timeout": "30s"} if run.full else {
        "server__limits__header_timeout": "2s", "server__limits__body_timeout": "3s", "server__limits__idle_timeout": "3s"}
    slack = run.number(short=10, full=60)
    daemon = run.space.daemon(run.space.directory(), server__limits__connections=wanted + 100, **limits).start()
    sessions = make_sessions(daemon)
    quiet = QuietClient(daemon.port, sessions[0], run.seed_of("quiet"), pause=0.01)
    ours, theirs = fork.Pipe()
    listing = f"/api/v1/sessions/{fill_session(run.ledger, daemon, sessions[1])}/messages?limit=100"
    crowd = fork.Process(target=lambda: SlowCrowd(daemon.port, wanted, listing).run(theirs), daemon=True)
    began = time.monotonic()
    time.sleep(run.number(short=2, full=10))
    descriptors = open_descriptors(daemon)
    opening = time.monotonic()
    crowd.start()
    ours.recv()
    # Connected is not yet accepted: some wait in the listener's queue while the first are answered.
    wait_until(lambda: open_descriptors(daemon) - descriptors >= wanted * HELD_SHARE, 10)
    crowded = time.monotonic()
    peak = 0
    while time.monotonic() < crowded + run.number(short=4, full=20):
        peak = max(peak, open_descriptors(daemon) - descriptors)
        time.sleep(0.1)
    ended = time.monotonic()
    ours.send("do not open again")
    if not wait_until(lambda: open_descriptors(daemon) <= descriptors + 5, slack, pause=0.1):
        run.ledger.find("wrong", f"{open_descriptors(daemon) - descriptors} slow connections were not closed")
    closing = time.monotonic() - ended
    ours.send("end")
    told = ours.recv()
    crowd.join()
    ledger, latencies = quiet.result()
    run.ledger.merge(ledger)
    run.count = wanted
    run.note(f"{peak} held at once, {told['opened']} opened, all closed {closing:.1f} s after the last was opened"
             + (f", {told['failed']} could not connect" if told["failed"] else ""))
    if peak < wanted * HELD_SHARE and not run.space.sanitized:
        run.ledger.find("wrong", f"only {peak} of {wanted} slow connections were held at once")
    compare_p99(run, latencies, (began, opening), (crowded, ended), judged=run.full)
    run.check(daemon)
    run.allow_statuses(201, 409)


def fill_session(ledger, daemon, session):
    """With enough that a list of it does not fit into a socket that nobody reads."""
    writer = Writer(ledger, daemon.port, [session], "long", sizes=((1, 3500, 4000),))
    connection = Connection(daemon.port)
    while ledger.count("acked") < 30:
        writer.send(connection, *writer.make_request())
    connection.close()
    return session[1]


def open_descriptors(daemon):
    return len(os.listdir(f"/proc/{daemon.process.pid}/fd"))


# Overload

def overload(run):
    seconds = run.number(short=20, full=600)
    buffer_mb = run.number(short=32, full=256)
    daemon = run.space.daemon(run.space.directory(), memory__max_buffer_mb=buffer_mb, journal__max_bytes="1GiB").start()
    flooders, quiet_session = make_sessions(daemon, users=10, sessions_each=2), make_sessions(daemon, 1, 1)[0]
    quiet = QuietClient(daemon.port, quiet_session, run.seed_of("quiet"), pause=0.1)
    began = time.monotonic()
    time.sleep(run.number(short=5, full=60))
    with StoreLock(daemon.database), Load(run.ledger, daemon.port, flooders, run.seed_of("flood"), writers=20,
                                          sizes=((9, 200, 4000), (1, 30_000, 60_000))):
        flooded = time.monotonic()
        peak = watch_memory(run, daemon, flooders[0][1], flooded + seconds)
        ended = time.monotonic()
    ledger, latencies = quiet.result()
    answers = collections.Counter(status for at, _, status in latencies if flooded <= at < ended)
    flood_statuses = dict(run.ledger.statuses)
    run.ledger.merge(ledger)
    run.count = 1
    most = (buffer_mb * 2 + 200) << 20
    run.note(f"RSS at most {peak >> 20} MiB (allowed {most >> 20}); the flood was answered {flood_statuses}; "
             f"the quiet user {dict(answers)}; refused for {refusals(daemon)}")
    if peak > most and not run.space.sanitized:
        run.ledger.find("wrong", f"RSS {peak >> 20} MiB with a budget of {buffer_mb} MiB")
    compare_p99(run, latencies, (began, flooded), (flooded, ended), judged=run.full)
    run.check(daemon, gaps_allowed=True)
    run.allow_statuses(201, 409, 413, 429, 503)


def refusals(daemon):
    """How many requests the daemon has refused, by its own reason."""
    with urllib.request.urlopen(f"http://127.0.0.1:{daemon.port}/metrics", timeout=60) as page:
        counted = re.findall(r'holdfast_refused_requests_total\{[^}]*reason="(\w+)"[^}]*\} (\d+)', page.read().decode())
    return {reason: int(count) for reason, count in counted if count != "0"}


def watch_memory(run, daemon, session, until):
    """The highest RSS; meanwhile now and then a message that is too large."""
    peak, oversized_at = 0, 0.0
    oversized = json.dumps({"messages": [{"role": "user", "content": "x" * 300_000}]}).encode()
    while time.monotonic() < until:
        peak = max(peak, daemon.resident_bytes())
        if time.monotonic() > oversized_at:
            oversized_at = time.monotonic() + OVERSIZED_EVERY
            connection = Connection(daemon.port)
            status = connection.request(f"/api/v1/sessions/{session}/messages", oversized).status
            connection.close()
            if status not in (413, 429, 503):
                run.ledger.find("wrong", f"a message of 300 kB was answered {status}")
        time.sleep(0.05)
    return peak
