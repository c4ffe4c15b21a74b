"""The configuration while the daemon runs: what takes effect, what is named, what is refused whole; and bypass
switched on and off under load without a message lost, doubled or out of order."""

import os
import random
import sqlite3
import threading
import unittest

from configured_process import ConfiguredHoldfast

KEPT = {"buffer.performance.flush_interval": "1h", "buffer.hybrid_buffer.auto_flush_interval": "1h",
        "buffer.performance.force_flush_timeout": "2h"}


class LiveKeys(unittest.TestCase):
    def check_changed(self, answer, *changed, needs_restart=()):
        self.assertEqual(answer.status, 200, answer.text)
        self.assertEqual((set(answer.data["changed"]), set(answer.data["needs_restart"])), (set(changed), set(needs_restart)))

    def round_length(self, daemon, session):
        return len(daemon.get(f"/api/v1/sessions/{session}/messages?buffer_only=true&limit=100").data["messages"])

    def test_round_buffer_size(self):
        with ConfiguredHoldfast({**KEPT, "buffer.round_buffer.max_size": 5}) as d:
            user = d.make_user()
            session, later = d.make_session(user), d.make_session(user)
            for i in range(5):
                d.add(session, f"m{i}")
            self.assertEqual(self.round_length(d, session), 5)
            d.write(buffer__round_buffer__max_size=2)
            self.check_changed(d.reload(), "buffer.round_buffer.max_size")
            d.add(session, "m5")
            self.assertEqual(self.round_length(d, session), 1)
            for i in range(3):
                d.add(later, f"n{i}")
            self.assertEqual(self.round_length(d, later), 1)
            d.write(buffer__round_buffer__max_size=50)
            self.assertIn("buffer.round_buffer.max_size", d.hang_up())
            for i in range(20):
                d.add(later, f"o{i}")
            self.assertEqual(self.round_length(d, later), 21)
            listing = d.get(f"/api/v1/sessions/{later}/messages?order=asc&limit=100").data["messages"]
            self.assertEqual([m["content"] for m in listing], [f"n{i}" for i in range(3)] + [f"o{i}" for i in range(20)])

    def test_intervals_apply_to_what_waits_already(self):
        with ConfiguredHoldfast(KEPT) as d:
            session = d.make_session()
            d.add(session, "waits")
            d.write(buffer__performance__flush_interval="50ms", buffer__hybrid_buffer__auto_flush_interval="50ms")
            self.check_changed(d.reload(), "buffer.performance.flush_interval", "buffer.hybrid_buffer.auto_flush_interval")
            database = sqlite3.connect(os.path.join(d.folder, "holdfast.db"))
            self.addCleanup(database.close)
            d.wait_until(lambda: database.execute("SELECT count(*) FROM items").fetchone()[0] == 1)

    def test_limits(self):
        with ConfiguredHoldfast() as d:
            session = d.make_session()
            path, two = f"/api/v1/sessions/{session}/messages", {"messages": [{"role": "user", "content": "x"}] * 2}
            large = {"messages": [{"role": "user", "content": "x" * 5000}]}
            fields = {f"X-{i}": "y" for i in range(10)}
            self.assertEqual([d.post(path, body, headers=fields).status for body in (two, large)], [201, 201])
            steps = ((("server.limits.body_bytes", "2KiB"), large, 413), (("server.limits.message_bytes", "1KiB"), large, 413),
                     (("server.limits.batch_messages", 1), two, 413), (("server.limits.header_fields", 5), two, 431))
            for (key, value), body, status in steps:
                with self.subTest(key):
                    before = dict(d.file)
                    d.write(**{key: value})
                    self.check_changed(d.reload(), key)
                    self.assertEqual(d.post(path, body, headers=fields).status, status)
                    self.assertEqual(d.get("/api/v1/health").status, 200)
                    d.file = before
                    d.write()
                    self.check_changed(d.reload(), key)
                    self.assertEqual(d.post(path, body, headers=fields).status, 201)

    def test_query_keys(self):
        with ConfiguredHoldfast(KEPT) as d:
            user = d.make_user()
            session = d.make_session(user)
            for i in range(3):
                d.add(session, f"boats number {i}")
            newest_last = [r["content"] for r in d.query(user, "boats number")]
            d.write(buffer__query__default_sort_by="timestamp", buffer__query__default_order="asc", buffer__query__cache_size=10)
            self.check_changed(d.reload(), "buffer.query.default_sort_by", "buffer.query.default_order", "buffer.query.cache_size")
            results = [r["content"] for r in d.query(user, "boats number")]
            self.assertEqual((results, set(results)), ([f"boats number {i}" for i in range(3)], set(newest_last)))
            d.write(buffer__query__default_order="desc")
            d.reload()
            self.assertEqual([r["content"] for r in d.query(user, "boats number")], results[::-1])
            d.write(buffer__query__enable_session_queries=False)
            d.reload()
            self.assertEqual({r["metadata"]["scope"] for r in d.query(user, "boats number", session_id=session)}, {None})

    def test_cache_size_shrinks_what_is_cached(self):
        with ConfiguredHoldfast({**KEPT, "buffer.query.cache_size": 100}, settings=("server.shards=1",)) as d:
            user = d.make_user()
            d.add(d.make_session(user), "something to find")

            def ask_and_count():
                for i in range(40):
                    d.query(user, f"question {os.urandom(8).hex()} number {i}")
                return d.get("/api/v1/buffer/stats").data["query_buffer"]["cache_entries"]
            self.assertGreater(ask_and_count(), 10)
            d.write(buffer__query__cache_size=10)
            self.check_changed(d.reload(), "buffer.query.cache_size")
            self.assertLessEqual(ask_and_count(), 10)
            d.write(buffer__query__cache_ttl="0s")
            d.reload()
            self.assertEqual(len(d.query(user, "something to find")), 1)

    def test_log_level(self):
        with ConfiguredHoldfast({"buffer.monitoring.log_level": "INFO"}) as d:
            self.assertIn("info", d.hang_up())
            self.assertEqual(d.reload().status, 200)
            self.assertEqual(d.read_log().count("configuration reloaded"), 2)  # by whichever way
            d.write(buffer__monitoring__log_level="CRITICAL")
            self.assertEqual(d.reload().status, 200)
            before = len(d.read_log())
            self.assertEqual(d.reload().status, 200)
            d.stop()
            self.assertEqual(len(d.log), before)

    def test_drain_timeout_is_the_new_one(self):
        """Named as changed, so it must be what a stop then does."""
        with ConfiguredHoldfast({"server.drain_timeout": "20s"}) as d:
            d.write(server__drain_timeout="3s")
            self.check_changed(d.reload(), "server.drain_timeout")
            self.assertEqual(d.stop(), 0)
            self.assertIn("draining for at most 3 s", d.log)

    def test_what_needs_a_restart_is_named_and_stays(self):
        with ConfiguredHoldfast({"buffer.performance.max_flush_workers": 3, "store.sqlite.path": "ignored-by-set"}) as d:
            d.write(buffer__performance__max_flush_workers=5, journal__segment_size="8MiB", buffer__round_buffer__max_size=7,
                    buffer__token_counter__model="gpt-4", memory__max_process_mb=100)
            answer = d.reload()
            self.check_changed(answer, "buffer.round_buffer.max_size",
                               needs_restart=("buffer.performance.max_flush_workers", "journal.segment_size",
                                              "buffer.token_counter.model", "memory.max_process_mb"))
            said = d.hang_up()
            self.assertIn("journal.segment_size", said)
            self.assertNotIn("buffer.round_buffer.max_size", said)  # it is as the file says by now
            self.assertNotIn("store.sqlite.path", said)             # --set is above the file
            d.add(d.make_session(), "still working")

    def test_nothing_changed(self):
        with ConfiguredHoldfast() as d:
            self.check_changed(d.reload())
            self.assertIn("changed: nothing", d.hang_up())

    def test_an_invalid_file_is_refused_whole(self):
        with ConfiguredHoldfast({"server.limits.batch_messages": 5}) as d:
            session = d.make_session()
            path, two = f"/api/v1/sessions/{session}/messages", {"messages": [{"role": "user", "content": "x"}] * 2}
            tail = "server:\n  limits:\n    batch_messages: 1\n"
            broken = (("buffer:\n  round_buffer:\n    max_size: 51\n" + tail, "buffer.round_buffer.max_size"),
                      ("buffer:\n  round_buffer:\n    max_sise: 5\n" + tail, "max_sise"), ("a: b: c\n" + tail, ""),
                      ("profile: nothing\n" + tail, "profile"), ("auth:\n  enabled: true\n" + tail, "auth.keys_file"),
                      ("- 1\n- 2\n", ""), ("buffer: [\n" + tail, ""), (tail + tail, "server"), ("\x00", ""))
            for text, named in broken:
                with self.subTest(text[:40]):
                    d.write_text(text)
                    answer = d.reload()
                    self.assertEqual((answer.status, answer.json["code"]), (400, 400), answer.text)
                    self.assertIn(named, answer.json["message"])
                    said = d.hang_up()
                    self.assertIn("nothing changed", said)
                    self.assertIn(named, said)
                    self.assertEqual(d.post(path, two).status, 201)
            os.remove(d.config_path)
            self.assertEqual(d.reload().status, 400)
            self.assertIn("refused", d.hang_up())
            d.write(server__limits__batch_messages=1)
            self.check_changed(d.reload(), "server.limits.batch_messages")
            self.assertEqual(d.post(path, two).status, 413)

    def test_hang_ups_and_reloads_at_once(self):
        with ConfiguredHoldfast(KEPT) as d:
            session = d.make_session()
            failures = []

            def reload_often():
                failures.extend(status for status in (d.reload().status for _ in range(15)) if status != 200)
            threads = [threading.Thread(target=reload_often) for _ in range(3)]
            for thread in threads:
                thread.start()
            for i in range(10):
                d.write(buffer__round_buffer__max_size=1 + i % 5)
                d.hang_up()
                d.add(session, f"m{i}")
            for thread in threads:
                thread.join()
            self.assertEqual(failures, [])
            listing = d.get(f"/api/v1/sessions/{session}/messages?order=asc").data["messages"]
            self.assertEqual([m["content"] for m in listing], [f"m{i}" for i in range(10)])


class Writer(threading.Thread):
    """Adds to one session and changes, deletes and looks at its own messages; keeps account of what was answered."""

    def __init__(self, daemon, user, session, name, stopping, alone):
        super().__init__()
        self.d, self.user, self.session, self.name, self.stopping = daemon, user, session, name, stopping
        self.alone = alone           # the only writer of its session
        self.path = f"/api/v1/sessions/{session}/messages"
        self.random = random.Random(name)
        self.seq, self.content, self.gone = {}, {}, set()  # by id
        self.ranges, self.modes, self.problems, self.made = [], set(), [], 0

    def run(self):
        try:
            while not self.stopping.is_set() and not self.problems and self.made < 400:
                self.random.choice((self.add, self.add, self.add, self.change, self.erase, self.look, self.search))()
        except Exception as problem:  # to be told by the main thread
            self.problems.append(f"{type(problem).__name__}: {problem}")

    def expect(self, what, answer, status):
        if answer.status != status:
            self.problems.append(f"{what}: {answer.status} {answer.text[:200]}")
        return answer.status == status

    def add(self):
        count = self.random.choice((1, 1, 2, 3))
        texts = [f"{self.name} item{self.made + i} first" for i in range(count)]
        answer = self.d.post(self.path, {"messages": [{"role": "user", "content": text} for text in texts]})
        if not self.expect("add", answer, 201):
            return
        data = answer.data
        self.made += count
        self.modes.add(data["mode"])
        self.ranges.append((data["first_seq"], data["last_seq"]))
        if data["last_seq"] - data["first_seq"] + 1 != count or len(data["message_ids"]) != count:
            self.problems.append(f"add of {count}: {data}")
        for i, mid in enumerate(data["message_ids"]):
            if mid in self.seq:
                self.problems.append(f"id {mid} twice")
            self.seq[mid], self.content[mid] = data["first_seq"] + i, texts[i]

    def pick(self):
        there = [mid for mid in self.content if mid not in self.gone]
        recent = there[-6:] if self.random.random() < 0.7 else there  # buffered, and stored long since
        return self.random.choice(recent) if there else None

    def change(self):
        mid = self.pick()
        if mid is None:
            return
        text = self.content[mid].rsplit(" ", 1)[0] + f" changed{self.random.randrange(1000)}"
        answer = self.d.put(self.path, {"message_ids": [mid], "new_messages": [{"role": "user", "content": text}]})
        if self.expect("change", answer, 200):
            self.content[mid] = text

    def erase(self):
        mid = self.pick()
        if mid is not None and self.expect("delete", self.d.delete(self.path, {"message_ids": [mid]}), 200):
            self.gone.add(mid)

    def own_in_order(self):
        return [(mid, self.content[mid]) for mid in sorted(self.seq, key=self.seq.get) if mid not in self.gone]

    def look(self):
        answer = self.d.get(self.path + "?order=desc&limit=100")
        if not self.expect("list", answer, 200):
            return
        found = [(m["id"], m["content"]) for m in answer.data["messages"] if m["content"].startswith(self.name + " ")][::-1]
        own = self.own_in_order()
        if len(answer.data["messages"]) < 100 or self.alone:
            own = own[-100:] if self.alone else own
        else:
            own = own[len(own) - len(found):]
        if found != own:
            self.problems.append(f"list: {differences(found, own)}")

    def search(self):
        mid = self.pick()
        if mid is None:
            return
        answer = self.d.post(f"/api/v1/users/{self.user}/query", {"query": self.content[mid], "top_k": 30})
        if not self.expect("query", answer, 200):
            return
        results = answer.data["results"]
        ids = [r["id"] for r in results]
        if len(set(ids)) != len(ids):
            self.problems.append("query: a message twice")
        if self.gone.intersection(ids):
            self.problems.append("query: a deleted message")
        if mid not in ids:
            self.problems.append(f"query: {self.content[mid]!r} is not found (partial: {answer.data.get('partial')})")
        for result in results:
            if result["id"] in self.content and result["content"] != self.content[result["id"]]:
                self.problems.append(f"query: {result['content']!r} instead of {self.content[result['id']]!r}")


def differences(found, expected):
    lost, more = [e for e in expected if e not in found], [f for f in found if f not in expected]
    return f"{len(found)} found, {len(expected)} expected; lost {lost[:3]}, more {more[:3]}, order {'right' if lost or more else 'wrong'}"


class BypassUnderLoad(unittest.TestCase):
    SWITCHES = 60

    def switch(self, daemon, number):
        """By signal and by route in turn; answers what went wrong."""
        enabled = number % 2 == 1
        daemon.write(buffer__enabled=enabled)
        if number % 4 < 2:
            self.assertIn("configuration reloaded", daemon.hang_up())
        else:
            self.assertEqual(daemon.reload().data["changed"], ["buffer.enabled"])
        self.assertEqual(daemon.get("/api/v1/buffer/stats").data["mode"], "buffer" if enabled else "bypass")

    def check_sequence(self, ranges):
        numbers = sorted(number for first, last in ranges for number in range(first, last + 1))
        self.assertEqual(numbers, list(range(1, len(numbers) + 1)))

    def check_store(self, daemon, session, writers):
        with sqlite3.connect(os.path.join(daemon.folder, "holdfast.db")) as database:
            rows = database.execute(
                "SELECT i.id, i.content, i.seq, u.id FROM items i JOIN sessions s ON s.no = i.session_no "
                "JOIN users u ON u.no = i.user_no WHERE s.id = ? ORDER BY i.seq", (session,)).fetchall()
        database.close()
        expected = sorted((w.seq[mid], mid, w.content[mid]) for w in writers for mid in w.seq if mid not in w.gone)
        found = [(seq, mid, content) for mid, content, seq, _ in rows]
        self.assertEqual(found, expected, differences(found, expected))
        self.assertEqual({user for *_, user in rows}, {writers[0].user})
        times = self.created_order(daemon, session)
        self.assertEqual(times, [mid for _, mid, _ in expected][:100])

    def created_order(self, daemon, session):
        messages = daemon.get(f"/api/v1/sessions/{session}/messages?order=asc&limit=100").data["messages"]
        return [m["id"] for m in messages]

    def run_storm(self, settings, shards):
        with ConfiguredHoldfast({"buffer.enabled": True, **settings}, settings=(f"server.shards={shards}",)) as d:
            users = [d.make_user(f"u{i}") for i in range(2)]
            stopping = threading.Event()
            sessions, writers = [], []
            for i, count in enumerate((1, 1, 2)):
                session = d.make_session(users[i % 2])
                sessions.append(session)
                writers += [Writer(d, users[i % 2], session, f"writer{i}{j}", stopping, count == 1) for j in range(count)]
            for writer in writers:
                writer.start()
            try:
                for number in range(self.SWITCHES):
                    self.switch(d, number)
            finally:
                stopping.set()
                for writer in writers:
                    writer.join()
            self.assertEqual([problem for writer in writers for problem in writer.problems], [])
            self.assertEqual(set().union(*(writer.modes for writer in writers)), {"buffer", "bypass"})
            self.assertTrue(all(writer.gone and writer.made > 10 for writer in writers))
            d.flush()
            for session in sessions:
                its = [writer for writer in writers if writer.session == session]
                self.check_sequence([r for writer in its for r in writer.ranges])
                self.check_store(d, session, its)
            d.kill()
            d.start()
            d.flush()
            for session in sessions:
                self.check_store(d, session, [writer for writer in writers if writer.session == session])

    def test_with_buffers_that_flush_all_the_time(self):
        self.run_storm({"buffer.performance.flush_interval": "20ms", "buffer.hybrid_buffer.auto_flush_interval": "20ms"}, 2)

    def test_with_buffers_that_keep_what_they_have(self):
        self.run_storm(KEPT, 1)

    def test_with_small_buffers(self):
        self.run_storm({"buffer.round_buffer.max_size": 1, "buffer.hybrid_buffer.max_size": 1}, 3)


if __name__ == "__main__":
    unittest.main()
