"""What was sent and what was answered, and whether the store agrees. Shares no code with the daemon: it reads the SQLite file.

A (acked), U (unknown) and R (refused) are kept here, S (stored) is read from the store, D (dead letters) from the API.
After a drain: A ⊆ S ∪ D; S ∪ D ⊆ A ∪ U; S ∩ D = ∅; R ∩ S = ∅; one row per message; hashes equal; order kept."""

import collections
import copy
import hashlib
import json
import random
import sqlite3
import threading
import time

DRAIN_SECONDS = 60
SAMPLE = 60
FINDINGS_TOLD = 12
ROLES = ("user", "assistant", "system")  # the store's numbers for them


class Message:
    __slots__ = ("token", "id", "role", "digest", "seq", "seen")

    def __init__(self, token, role, content, client_id=None):
        self.token, self.role, self.id = token, role, client_id
        self.digest = digest_of(content)
        self.seq = None
        self.seen = False  # an unknown message that was stored once must stay so


class Request:
    """Messages that went together. It may be sent several times, under its key or its messages' ids."""

    def __init__(self, user, session, messages, key=None, client_ids=False, life=0):
        self.user, self.session, self.messages = user, session, messages
        self.key, self.client_ids, self.life = key, client_ids, life
        self.sent = None
        self.answered = None
        self.in_flight = 0
        self.acked = self.unknown = False

    @property
    def status(self):
        if self.acked:
            return "acked"
        return "unknown" if self.unknown or self.in_flight else "refused"


class Ledger:
    def __init__(self):
        self.lock = threading.Lock()
        self.requests = []
        self.repeatable = collections.deque(maxlen=200)  # (request, its body, which nobody else keeps)
        self.statuses = collections.Counter()
        self.first_text = {}  # by status
        self.findings = collections.Counter()
        self.told = []
        self.life = 0  # idempotency keys are remembered within one life of the daemon
        self.latest_acked_send = 0.0

    def find(self, kind, text):
        self.findings[kind] += 1
        if len(self.told) < FINDINGS_TOLD:
            self.told.append(f"{kind}: {text}")

    # While the load runs

    def sending(self, request, body=b""):
        with self.lock:
            if request.sent is None:
                request.sent = time.monotonic()
                self.requests.append(request)
                if request.key or request.client_ids:
                    self.repeatable.append((request, body))
            request.in_flight += 1

    def broken(self, request):
        with self.lock:
            request.in_flight -= 1
            request.unknown = True
            self.statuses["broken"] += 1

    def answered(self, request, sent, status, headers, text):
        with self.lock:
            request.in_flight -= 1
            self.statuses[status] += 1
            self.first_text.setdefault(status, text)
            if status == 201:
                self.latest_acked_send = max(self.latest_acked_send, sent)
                self._acked(request, headers, json.loads(text)["data"])
            elif status >= 500 and "outcome is unknown" in text:
                request.unknown = True
            if status in (429, 503) and "retry-after" not in headers:
                self.find("wrong", f"{status} without Retry-After: {text[:120]}")

    def _acked(self, request, headers, data):
        ids, first, last = data["message_ids"], data["first_seq"], data["last_seq"]
        again = request.acked
        repeated = again or request.unknown or request.in_flight > 0
        if not again:
            request.acked, request.answered = True, time.monotonic()
        if len(ids) != len(request.messages):
            return self.find("wrong", f"{len(ids)} ids for {len(request.messages)} messages")
        for message, answered_id in zip(request.messages, ids):
            if message.id is None:
                message.id = answered_id
            elif message.id != answered_id:
                self.find("duplicated" if again else "wrong", f"{message.token}: id {message.id}, answered {answered_id}")
        if last < first:  # nothing new was written: fine for what may be there already
            if not repeated:
                self.find("wrong", f"a first request answered as a repeat: {request.messages[0].token}")
            return
        if last - first + 1 != len(ids):
            return self.find("wrong", f"sequence numbers {first} to {last} for {len(ids)} messages")
        for offset, message in enumerate(request.messages):
            if message.seq is None:
                message.seq = first + offset
            elif message.seq != first + offset:
                self.find("duplicated", f"{message.token}: seq {message.seq}, answered again with {first + offset}")

    def count(self, status):
        return sum(len(r.messages) for r in self.requests if r.status == status)

    def as_of_now(self):
        """What a power cut at this moment leaves to expect: acked is acked, everything else is unknown. Call it with the lock."""
        cut = Ledger()
        for request in self.requests:
            twin = copy.copy(request)
            twin.messages = [copy.copy(message) for message in request.messages]
            for message in twin.messages:
                message.seen = False  # what was seen in the store of the other life need not be on this disk
            twin.unknown = twin.status == "unknown"
            twin.in_flight = 0
            cut.requests.append(twin)
        return cut

    def merge(self, other):
        self.requests += other.requests
        self.statuses += other.statuses
        self.first_text = other.first_text | self.first_text
        self.findings += other.findings
        self.told += other.told

    # Afterwards

    def check(self, daemon, gaps_allowed=False, seed=0):
        """True when nothing was found. The daemon runs, and no load does."""
        before = sum(self.findings.values())
        self._read_sample(daemon, random.Random(seed))
        if drain(daemon):
            self.compare(stored_rows(daemon.database), dead_letters(daemon), gaps_allowed)
        else:
            self.find("wrong", f"not drained: nothing more was stored for {DRAIN_SECONDS} s")
        return sum(self.findings.values()) == before

    def _read_sample(self, daemon, choice):
        acked = [r for r in self.requests if r.acked]
        newest, others = acked[-SAMPLE // 3:], acked[:-SAMPLE // 3]
        for request in newest + choice.sample(others, min(len(others), SAMPLE - len(newest))):
            ids = [message.id for message in request.messages]
            status, data = self._read(daemon, request.session, ids)
            got = {m["id"]: digest_of(m["content"]) for m in data["messages"]} if status == 200 else {}
            for message in request.messages:
                if message.id not in got:
                    self.find("lost", f"{message.token} is not readable ({status})")
                elif got[message.id] != message.digest:
                    self.find("wrong", f"{message.token} reads as something else")

    def _read(self, daemon, session, ids):
        """A 503 says that they wait in the journal for the store; it is back, so they are there in the end."""
        progress = Progress(daemon)
        while True:
            status, data = daemon.call("POST", f"/api/v1/sessions/{session}/messages/read", {"message_ids": ids})
            if status != 503 or not progress.goes_on():
                return status, data
            time.sleep(0.05)

    def compare(self, rows, dead, gaps_allowed):
        sent = {message.token: (request, message) for request in self.requests for message in request.messages}
        stored, ids, by_session = set(), set(), collections.defaultdict(list)
        for row_id, content, seq, role, session, user in rows:
            token = content.split(" ", 1)[0]
            if row_id in ids:
                self.find("duplicated", f"id {row_id} has two rows")
            ids.add(row_id)
            if token not in sent:
                self.find("wrong", f"nobody sent {content[:40]!r}")
                continue
            if token in stored:
                self.find("duplicated", f"{token} has two rows")
                continue
            stored.add(token)
            self._compare_row(*sent[token], row_id, content, role, session, user)
            by_session[session].append((seq, *sent[token]))
        self._find_losses(stored, dead, ids)
        for session, entries in by_session.items():
            self._compare_order(session, sorted(entries, key=lambda entry: entry[0]), gaps_allowed)

    def _compare_row(self, request, message, row_id, content, role, session, user):
        message.seen = True
        if request.status == "refused":
            self.find("wrong", f"{message.token} was refused and is stored")
        if digest_of(content) != message.digest:
            self.find("wrong", f"{message.token} has another content")
        if message.id is not None and row_id != message.id:
            self.find("wrong", f"{message.token} has id {row_id}, not {message.id}")
        if (session, user, ROLES[role]) != (request.session, request.user, message.role):
            self.find("wrong", f"{message.token} has another session, user or role")

    def _find_losses(self, stored, dead, ids):
        for dead_id in dead & ids:
            self.find("duplicated", f"{dead_id} is stored and a dead letter")
        for request in self.requests:
            there = sum(message.token in stored or message.id in dead for message in request.messages)
            if request.acked and there < len(request.messages):
                for message in request.messages:
                    if message.token not in stored and message.id not in dead:
                        self.find("lost", f"{message.token} (seq {message.seq} of {request.session}) was acked")
            elif not request.acked and 0 < there < len(request.messages):
                self.find("wrong", f"half of an unknown request is stored: {request.messages[0].token}")
            elif any(message.seen and message.token not in stored for message in request.messages):
                self.find("lost", f"{request.messages[0].token} was stored and is not any more")

    def _compare_order(self, session, entries, gaps_allowed):
        latest_send, previous, places = 0.0, 0, {}
        for seq, request, message in entries:
            if seq == previous:
                self.find("reordered", f"seq {seq} of {session} twice")
            elif seq != previous + 1 and not gaps_allowed:
                self.find("reordered", f"seq {previous} is followed by {seq} in {session}")
            if message.seq is not None and seq != message.seq:
                self.find("reordered", f"{message.token} has seq {seq}, answered {message.seq}")
            # Answered before a message with a lower number was even sent.
            if request.answered is not None and request.answered < latest_send:
                self.find("reordered", f"{message.token} (seq {seq}) is older than one before it in {session}")
            latest_send = max(latest_send, request.sent)
            previous = seq
            places.setdefault(id(request), (request, []))[1].append(message)
        for request, messages in places.values():
            order = [request.messages.index(message) for message in messages]
            if order != sorted(order):
                self.find("reordered", f"the messages of one request: {request.messages[0].token}")


def digest_of(content):
    return hashlib.sha256(content.encode("utf-8")).digest()


class Progress:
    """Whether anything more came into the store for DRAIN_SECONDS."""

    def __init__(self, daemon):
        self.daemon, self.stored, self.deadline = daemon, -1, 0.0

    def goes_on(self):
        stored = count_rows(self.daemon.database)
        if stored > self.stored:
            self.stored, self.deadline = stored, time.monotonic() + DRAIN_SECONDS
        return time.monotonic() < self.deadline


def drain(daemon):
    """False: nothing more came into the store for DRAIN_SECONDS."""
    progress = Progress(daemon)
    while True:
        status, data = daemon.call("POST", "/api/v1/buffer/flush", {"wait": True})
        if status == 200 and data["pending_sessions"] == 0:
            return True
        if not progress.goes_on():
            return False
        time.sleep(0.02)


def count_rows(database):
    connection = sqlite3.connect(f"file:{database}?mode=ro", uri=True, timeout=30)
    try:
        return connection.execute("SELECT max(no) FROM items").fetchone()[0] or 0
    finally:
        connection.close()


def stored_rows(database):
    connection = sqlite3.connect(f"file:{database}?mode=ro", uri=True, timeout=30)
    try:
        yield from connection.execute(
            "SELECT items.id, content, seq, role, sessions.id, users.id FROM items"
            " JOIN sessions ON sessions.no = items.session_no JOIN users ON users.no = items.user_no")
    finally:
        connection.close()


def dead_letters(daemon):
    status, data = daemon.call("GET", "/api/v1/dead-letters")
    return {letter["message_id"] for letter in data["dead_letters"]} if status == 200 else set()
