"""Clients that add messages as fast as they are answered, over raw sockets, and tell the ledger what became of each."""

import collections
import json
import random
import socket
import threading
import time
import uuid

from ledger import Message, Request

ANSWER_SECONDS = 60
ALPHABET = ("the quick brown fox jumps over a lazy dog 0123456789 \"quoted\" back\\slash \t\n äöüß éèê ñ ø "
            "日本語 中文 한국어 кириллица ελληνικά עברית 😀👩‍💻🏳️‍🌈 𝔘𝔫𝔦 \u200b\ufeff \u2028 ")
WEIGHTED_SIZES = ((60, 10, 200), (30, 200, 1500), (9, 1500, 4000), (1, 29_000, 31_000))


class Answer:
    __slots__ = ("status", "headers", "text")

    def __init__(self, status, headers, text):
        self.status, self.headers, self.text = status, headers, text


class Connection:
    """One keep-alive connection. OSError: it broke, and what was asked may or may not have happened."""

    def __init__(self, port):
        self.socket = socket.create_connection(("127.0.0.1", port), ANSWER_SECONDS)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.rest = b""

    def close(self):
        self.socket.close()

    def request(self, path, body, key=None):
        head = f"POST {path} HTTP/1.1\r\nHost: fault\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\n"
        if key:
            head += f"Idempotency-Key: {key}\r\n"
        self.socket.sendall(head.encode() + b"\r\n" + body)
        return self._answer()

    def _answer(self):
        while b"\r\n\r\n" not in self.rest:
            self._receive()
        head, self.rest = self.rest.split(b"\r\n\r\n", 1)
        lines = head.decode("latin-1").split("\r\n")
        headers = {name.lower(): value.strip() for name, value in (line.split(":", 1) for line in lines[1:])}
        length = int(headers.get("content-length", "0"))
        while len(self.rest) < length:
            self._receive()
        body, self.rest = self.rest[:length], self.rest[length:]
        return Answer(int(lines[0].split(" ")[1]), headers, body.decode("utf-8"))

    def _receive(self):
        got = self.socket.recv(65536)
        if not got:
            raise ConnectionError("closed by the daemon")
        self.rest += got


class Contents:
    """Random texts, each beginning with a token of its own by which the store's row is recognised."""

    def __init__(self, seed, sizes=WEIGHTED_SIZES):
        self.random = random.Random(seed)
        self.prefix = "t" + format(self.random.getrandbits(40), "010x")
        self.text = "".join(self.random.choices(ALPHABET, k=60_000))
        self.serial = 0
        self.sizes = sizes

    def next(self):
        self.serial += 1
        token = f"{self.prefix}{self.serial:x}"
        _, least, most = self.random.choices(self.sizes, [size[0] for size in self.sizes])[0]
        size = self.random.randint(least, most)
        start = self.random.randrange(len(self.text))
        return token, token + " " + (self.text[start:] + self.text)[:max(1, size - len(token))] + "."


class Writer:
    def __init__(self, ledger, port, sessions, seed, sizes=WEIGHTED_SIZES, repeats_own=False):
        """repeats_own: it sends again only what it was answered itself, never what is still being served (409)."""
        self.ledger, self.port, self.sessions = ledger, port, sessions
        self.own = collections.deque(maxlen=50) if repeats_own else None
        self.contents = Contents(seed, sizes)
        self.random = self.contents.random
        self.latencies = []  # (when sent, seconds, status)

    def run(self, stopping, pause=0.0):
        """Until told to stop, or until nobody listens any more."""
        connection = None
        while not stopping.is_set():
            try:
                connection = connection or Connection(self.port)
            except OSError:
                break
            if not self.send(connection, *self.choose()):
                connection.close()
                connection = None
            if pause:
                stopping.wait(pause)
        if connection:
            connection.close()

    def send(self, connection, request, body):
        """False: the connection is of no more use."""
        self.ledger.sending(request, body)
        sent = time.monotonic()
        try:
            answer = connection.request(f"/api/v1/sessions/{request.session}/messages", body, request.key)
        except OSError:
            self.ledger.broken(request)
            return False
        self.latencies.append((sent, time.monotonic() - sent, answer.status))
        self.ledger.answered(request, sent, answer.status, answer.headers, answer.text)
        if self.own is not None and (request.key or request.client_ids):
            self.own.append((request, body))
        return answer.headers.get("connection", "").lower() != "close"

    def choose(self):
        repeatable = self.ledger.repeatable if self.own is None else self.own
        if repeatable and self.random.random() < 0.05:
            request, body = self.random.choice(list(repeatable))
            if request.client_ids or request.life == self.ledger.life:
                return request, body
        return self.make_request()

    def make_request(self):
        user, session = self.random.choice(self.sessions)
        client_ids = self.random.random() < 0.15
        key = str(uuid.UUID(int=self.random.getrandbits(128))) if self.random.random() < 0.15 else None
        messages, wire = [], []
        for _ in range(self.random.choice((1, 1, 1, 2, 2, 3, 4, 5))):
            token, content = self.contents.next()
            role = self.random.choice(("user", "assistant", "system"))
            one = {"role": role, "content": content}
            if client_ids:
                one["id"] = f"client-{token}"
            wire.append(one)
            messages.append(Message(token, role, content, one.get("id")))
        body = json.dumps({"messages": wire}, ensure_ascii=self.random.random() < 0.3).encode("utf-8")
        return Request(user, session, messages, key, client_ids, self.ledger.life), body


class Load:
    """with Load(…): the clients run."""

    def __init__(self, ledger, port, sessions, seed, writers=6, pause=0.0, sizes=WEIGHTED_SIZES, repeats_own=False):
        self.writers = [Writer(ledger, port, sessions, f"{seed}/{n}", sizes, repeats_own) for n in range(writers)]
        self.stopping = threading.Event()
        self.threads = [threading.Thread(target=w.run, args=(self.stopping, pause), daemon=True) for w in self.writers]

    def __enter__(self):
        for thread in self.threads:
            thread.start()
        return self

    def __exit__(self, *_):
        self.stopping.set()
        for thread in self.threads:
            thread.join()


def make_sessions(daemon, users=3, sessions_each=3):
    """[(user id, session id)…]"""
    agent = daemon.make("agents", {"name": f"agent-{uuid.uuid4()}"})
    pairs = []
    for _ in range(users):
        user = daemon.make("users", {"name": f"user-{uuid.uuid4()}"})
        pairs += [(user, daemon.make("sessions", {"user_id": user, "agent_id": agent})) for _ in range(sessions_each)]
    return pairs


def percentile(values, share):
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(len(ordered) * share))] if ordered else float("nan")
