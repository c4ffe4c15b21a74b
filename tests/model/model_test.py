"""The model test: random adds, updates, deletes, queries, flushes, slow stores, kills and restarts against a reference that is a
few dictionaries. Acknowledged implies present exactly once, in order, with its last content, after any crash; deleted implies
gone. One seed a run: MODEL_SEED (default: fixed) and MODEL_STEPS."""

import os
import random
import sqlite3
import sys
import threading
import unittest

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(os.path.dirname(HERE), "http"))
from holdfast_process import Holdfast  # noqa: E402

WORDS = ["amber", "birch", "copper", "delta", "ember", "fjord", "granite", "harbor", "indigo", "juniper"]


class Reference:
    """What must be there: for each session its messages in order of acknowledgement."""

    def __init__(self):
        self.sessions = {}  # session id -> list of [message id, content]

    def contents(self, session):
        return [content for _, content in self.sessions[session]]

    def with_word(self, sessions, word):
        return {i for s in sessions for i, content in self.sessions[s] if word in content.split()}


class Model(unittest.TestCase):
    def setUp(self):
        self.seed = int(os.environ.get("MODEL_SEED", "20261121"))
        self.random = random.Random(self.seed)
        self.d = Holdfast("buffer.hybrid_buffer.auto_flush_interval=300ms", "buffer.performance.flush_interval=200ms",
                          "buffer.round_buffer.max_size=3", "journal.segment_size=1MiB")
        self.d.start()
        self.reference = Reference()
        agent = self.d.make_agent()
        self.users = {}
        for name in ("one", "two", "three"):
            user = self.d.make_user(name)
            self.users[user] = [self.d.make_session(user, agent) for _ in range(2)]
            for session in self.users[user]:
                self.reference.sessions[session] = []
        self.serial = 0

    def tearDown(self):
        self.d.__exit__(*((None,) * 3 if not self.failed() else (AssertionError, None, None)))

    def failed(self):
        return any(error for _, error in getattr(self._outcome, "errors", []) if error)

    def session(self):
        return self.random.choice(list(self.reference.sessions))

    def text(self):
        self.serial += 1
        return f"{self.random.choice(WORDS)} {self.random.choice(WORDS)} serial{self.serial}"

    def add(self):
        session = self.session()
        contents = [self.text() for _ in range(self.random.randint(1, 3))]
        ids = self.d.add(session, *contents)
        self.reference.sessions[session] += [list(pair) for pair in zip(ids, contents)]

    def some_message(self):
        session = self.session()
        messages = self.reference.sessions[session]
        return (session, self.random.choice(messages)) if messages else (session, None)

    def update(self):
        session, message = self.some_message()
        if message:
            content = self.text()
            answer = self.d.put(f"/api/v1/sessions/{session}/messages",
                                {"message_ids": [message[0]], "new_messages": [{"role": "user", "content": content}]})
            self.assertEqual(answer.status, 200, answer.text)
            message[1] = content

    def delete(self):
        session, message = self.some_message()
        if message:
            answer = self.d.delete(f"/api/v1/sessions/{session}/messages", {"message_ids": [message[0]]})
            self.assertEqual(answer.status, 200, answer.text)
            self.reference.sessions[session].remove(message)

    def query(self):
        user = self.random.choice(list(self.users))
        word = self.random.choice(WORDS)
        found = self.d.query(user, word, top_k=1000, store_type="keyword")
        self.assertEqual({hit["id"] for hit in found}, self.reference.with_word(self.users[user], word))
        self.assertEqual(len(found), len({hit["id"] for hit in found}))

    def read_again(self):
        user = self.random.choice(list(self.users))
        word = self.random.choice(WORDS)  # twice, so that the second may come from the cache
        first, second = (self.d.query(user, word, top_k=10) for _ in range(2))
        for hit in first + second:
            del hit["metadata"]["retrieval"]["source"]  # it may have been on its way to the store
        self.assertEqual(second, first)

    def slow_store(self):
        """The store cannot commit for a moment, while work goes on."""
        lock = sqlite3.connect(os.path.join(self.d.folder, "holdfast.db"), isolation_level=None, timeout=10,
                               check_same_thread=False)
        lock.execute("BEGIN IMMEDIATE")
        release = threading.Timer(0.4, lambda: (lock.execute("ROLLBACK"), lock.close()))
        release.start()
        for _ in range(5):
            self.add()
        self.update()
        self.delete()
        self.query()
        release.join()

    def flush(self):
        self.d.flush()

    def kill(self):
        self.d.kill()
        self.d.start()

    def restart(self):
        self.assertEqual(self.d.stop(), 0)
        self.d.start()

    def check(self):
        for session in self.reference.sessions:
            expected = self.reference.contents(session)
            answer = self.d.get(f"/api/v1/sessions/{session}/messages?order=asc&limit=100")
            self.assertEqual([m["content"] for m in answer.data["messages"]], expected[:100])
            answer = self.d.get(f"/api/v1/sessions/{session}/messages?order=desc&limit=100")
            self.assertEqual([m["content"] for m in answer.data["messages"]], expected[::-1][:100])

    def test_acknowledged_implies_present_exactly_once_in_order(self):
        steps = int(os.environ.get("MODEL_STEPS", "250"))
        moves = [self.add] * 12 + [self.update] * 4 + [self.delete] * 3 + [self.query] * 5 + [self.read_again] * 2 + \
                [self.flush] * 2 + [self.slow_store, self.kill, self.restart]
        for step in range(steps):
            move = self.random.choice(moves)
            try:
                move()
                if move in (self.kill, self.restart, self.flush) or step % 20 == 0:
                    self.check()
            except AssertionError as error:
                raise AssertionError(f"seed {self.seed}, step {step} ({move.__name__}): {error}") from error
        self.kill()
        self.d.flush()
        self.check()


if __name__ == "__main__":
    unittest.main()
