"""What each level of memory pressure does to requests and caches, and that it ends with its cause."""

import os
import sqlite3
import unittest

from holdfast_process import Holdfast
from messages_test import KEEP_BUFFERED
from raw_http import RawConnection, request

MIB = 1 << 20
MEMORY = "/api/v1/buffer/memory"
# Accounted memory decides, which a test can fill exactly: 4 MiB of buffers, warning at 2.8 and critical at 3.6.
SMALL_BUFFERS = (*KEEP_BUFFERED, "memory.max_buffer_mb=4", "memory.user_share=1", "memory.check_interval=10ms",
                 "server.shards=1", "buffer.hybrid_buffer.max_size=50", "buffer.query.cache_size=10")


def refused_before_its_body(daemon, method, path, size):
    """The answer to a request that waits for leave to send its body."""
    with RawConnection(daemon.port) as connection:
        connection.send(request(f"{method} {path} HTTP/1.1", f"Content-Length: {size}", "Expect: 100-continue"))
        return connection.answer()


def add(daemon, session, content):
    return daemon.post(f"/api/v1/sessions/{session}/messages", {"messages": [{"role": "user", "content": content}]})


class Pressure:
    """A daemon under pressure, and what it says of it."""

    def __init__(self, daemon):
        self.d = daemon

    def level(self):
        return self.d.get(MEMORY).data["level"]

    def stats(self):
        return self.d.get("/api/v1/buffer/stats").data

    def actions(self):
        return self.stats()["memory"]["actions"]

    def cached(self):
        return self.stats()["query_buffer"]["cache_entries"]

    def prepared(self):
        return self.d.get(MEMORY).data["components"]["features"]["bytes"]

    def reach(self, level):
        def reached():
            return self.level() == level
        self.d.wait_until(reached)

    def cache_holds(self, entries):
        def holds():
            return self.cached() == entries
        self.d.wait_until(holds)

    def fill(self, sessions, level):
        """Adds 50 KB to each session in turn until that level."""
        for number in range(4 * 1024 // 50):
            if self.level() == level:
                return
            if add(self.d, sessions[number % len(sessions)], "word " * 10_000).status == 429:
                break  # the level came between the question and the message
        self.reach(level)


class Levels(unittest.TestCase):
    def test_warning_then_critical_then_normal_again(self):
        with Holdfast(*SMALL_BUFFERS) as d:
            pressure = Pressure(d)
            users = [d.make_user(name) for name in "abcd"]
            sessions = [d.make_session(user) for user in users]
            newcomer = d.make_session(d.make_user("newcomer"))
            for number in range(10):
                d.query(users[0], f"question {number}")
            self.assertEqual(pressure.cached(), 10)
            self.assertNotIn("retry-after", add(d, sessions[0], "few words").headers)
            for number in range(8):
                add(d, sessions[number % 4], "word " * 10_000)
                d.query(users[number % 4], f"word {number}")
            self.assertGreater(pressure.prepared(), 4 * MIB // 8 // 4)

            pressure.fill(sessions, "warning")
            pressure.cache_holds(7)
            d.query(users[0], "a question nobody has asked")
            self.assertEqual(pressure.cached(), 7)
            hinted = add(d, sessions[0], "few words")
            self.assertEqual((hinted.status, hinted.headers.get("retry-after")), (201, "1"))
            actions = pressure.actions()
            for action in ("asked_to_slow_down", "cache_shrunk", "answer_not_cached"):
                self.assertGreater(actions[action], 0, action)
            for action in ("refused_big_body", "refused_above_share", "kept_in_journal", "refused"):
                self.assertEqual(actions[action], 0, action)

            database = sqlite3.connect(os.path.join(d.folder, "holdfast.db"), isolation_level=None)
            database.execute("BEGIN IMMEDIATE")  # or the level ends at once
            pressure.fill(sessions, "critical")
            pressure.cache_holds(2)
            big = refused_before_its_body(d, "POST", f"/api/v1/sessions/{newcomer}/messages", 70_000)
            self.assertEqual((big.status, big.field("retry-after")), (503, "1"))
            # One of the four may have a message that came after the level did: it is in the journal, and so are those after it.
            above_share = [add(d, session, "few words") for session in sessions]
            refused = [answer for answer in above_share if answer.status == 429]
            self.assertGreaterEqual(len(refused), 3)
            self.assertLessEqual(pressure.prepared(), 4 * MIB // 8 // 4)
            self.assertEqual({answer.headers.get("retry-after") for answer in above_share}, {"1"})
            self.assertEqual(add(d, newcomer, "few words").status, 201)
            actions = pressure.actions()
            for action in ("refused_big_body", "refused_above_share", "kept_in_journal", "batch_reduced"):
                self.assertGreater(actions[action], 0, action)
            self.assertEqual(actions["refused"], 0)

            database.execute("ROLLBACK")
            pressure.reach("normal")  # by itself: what was buffered goes to the store
            database.close()
            self.assertRegex(d.get("/metrics").text, r'holdfast_flushes_total\{.*reason="memory".*\} [1-9]')
            calm = add(d, sessions[0], "few words")
            self.assertEqual((calm.status, calm.headers.get("retry-after")), (201, None))
            d.query(users[0], "a question nobody has asked")
            self.assertEqual(pressure.cached(), 3)


class Emergency(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.d = Holdfast(*KEEP_BUFFERED, "memory.max_process_mb=1", "memory.check_interval=10ms")
        cls.d.start()
        cls.pressure = Pressure(cls.d)
        cls.pressure.reach("emergency")
        cls.user = cls.d.make_user()
        cls.session = cls.d.make_session(cls.user)

    @classmethod
    def tearDownClass(cls):
        cls.d.__exit__(None, None, None)

    def test_contents_are_refused_before_their_body_is_read(self):
        before = self.pressure.actions()["refused"]
        requests = [("POST", f"/api/v1/sessions/{self.session}/messages"),
                    ("PUT", f"/api/v1/sessions/{self.session}/messages"),
                    ("POST", "/api/v1/messages/batch"),
                    ("POST", f"/api/v1/users/{self.user}/knowledge"),
                    ("PUT", f"/api/v1/users/{self.user}/knowledge")]
        for method, path in requests:
            answer = refused_before_its_body(self.d, method, path, 100)
            self.assertEqual((answer.status, answer.field("retry-after")), (503, "1"), path)
        self.assertEqual(self.pressure.actions()["refused"] - before, len(requests))

    def test_health_and_metrics_answer(self):
        for path in ("/api/v1/health", "/health/live", "/health/ready"):
            self.assertEqual(self.d.get(path).status, 200, path)
        self.assertIn(self.d.get("/health/performance").status, (200, 503))  # what is refused is an error there
        health = self.d.get("/health/buffer")
        self.assertEqual((health.status, health.json["status"]), (503, "fail"))
        metrics = self.d.get("/metrics").text
        self.assertIn("\nholdfast_memory_pressure_level 3\n", metrics)
        self.assertIn('holdfast_refused_requests_total{reason="memory_pressure"}', metrics)

    def test_what_takes_no_memory_is_served(self):
        self.assertEqual(self.d.query(self.user, "anything"), [])
        self.assertEqual(self.d.get(f"/api/v1/sessions/{self.session}/messages").status, 200)
        other = self.d.make_session(self.user)
        self.assertEqual(self.d.delete(f"/api/v1/sessions/{other}").status, 200)
        self.assertEqual(self.d.post("/api/v1/buffer/flush", {}).status, 200)
        self.assertEqual(self.pressure.cached(), 0)


if __name__ == "__main__":
    unittest.main()
