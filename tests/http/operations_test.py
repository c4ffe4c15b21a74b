"""What operators see: health, metrics, stats, flush, bypass, shutdown, refusals at start, any shard count."""

import contextlib
import os
import shutil
import sqlite3
import subprocess
import tempfile
import time
import unittest

from holdfast_process import BINARY, PROJECT, Holdfast
from messages_test import KEEP_BUFFERED


class Running(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.d = Holdfast()
        cls.d.start()
        user = cls.d.make_user()
        cls.user, cls.session = user, cls.d.make_session(user)
        cls.d.add(cls.session, "hello there", "general words")
        cls.d.query(user, "hello")

    @classmethod
    def tearDownClass(cls):
        cls.d.__exit__(None, None, None)

    def check_health(self, path, names):
        answer = self.d.get(path)
        self.assertEqual((answer.status, answer.headers["content-type"]), (200, "application/health+json"))
        self.assertIn(answer.json["status"], ("pass", "warn"))
        self.assertEqual(set(answer.json["checks"]), names)
        for entries in answer.json["checks"].values():
            for entry in entries:
                self.assertIn(entry["status"], ("pass", "warn", "fail"))

    def test_health(self):
        self.check_health("/health/buffer",
                          {"buffer_service_status", "component_health", "memory_usage_check", "worker_pool_status"})
        self.check_health("/health/performance", {"latency_check", "throughput_check", "error_rate_check", "capacity_check"})
        for path in ("/health/live", "/health/ready"):
            self.assertEqual((self.d.get(path).status, self.d.get(path).json["status"]), (200, "pass"))

    def test_performance_health_has_percentiles(self):
        text = self.d.get("/health/performance").text
        for percentile in ("p50", "p90", "p95", "p99"):
            self.assertIn(percentile, text)

    def test_metrics(self):
        answer = self.d.get("/metrics")
        self.assertEqual(answer.status, 200)
        self.assertTrue(answer.headers["content-type"].startswith("text/plain"))
        for name in ("holdfast_build_info", "holdfast_messages_total", "holdfast_journal_sync_duration_seconds"):
            self.assertIn(name, answer.text)

    def test_openapi_names_every_path(self):
        paths = self.d.get("/openapi.json").json["paths"]
        self.assertEqual(set(paths["/api/v1/sessions/{id}/messages"]), {"get", "post", "put", "delete"})
        self.assertGreater(len(paths), 20)

    def test_stats(self):
        data = self.d.get("/api/v1/buffer/stats").data
        expected = {
            "round_buffer": {"current_size", "tokens", "sessions"},
            "hybrid_buffer": {"current_size", "chunks", "pending_vectors"},
            "write_buffer": {"total_writes", "total_transfers", "transfer_rate", "avg_batch_size", "buffer_utilization",
                             "flush_success_rate"},
            "query_buffer": {"cache_size", "cache_entries", "cache_memory", "hit_rate", "similar_hits"},
            "speculative_buffer": {"enabled", "predicted_queries", "entries", "memory", "hits", "verified_hits", "false_hits", "threshold"},
            "performance": {"avg_write_latency", "avg_query_latency", "p50", "p90", "p95", "p99", "worker_utilization",
                            "queue_depth", "messages_per_minute", "error_percentage"},
        }
        for part, keys in expected.items():
            self.assertTrue(keys <= set(data[part]), (part, data[part]))
        self.assertTrue({"journal", "store", "mode"} <= set(data))
        self.assertEqual(data["mode"], "buffer")

    def test_the_stores_counts_have_a_time(self):
        def counted_at():
            return self.d.get("/api/v1/buffer/stats").data["store"].get("counted_at")
        self.d.wait_until(counted_at)
        self.assertRegex(counted_at(), r"^\d{4}-\d\d-\d\dT")

    def test_health_stays_in_memory_while_the_database_is_locked(self):
        import sqlite3
        lock = sqlite3.connect(os.path.join(self.d.folder, "holdfast.db"), isolation_level=None)
        lock.execute("BEGIN IMMEDIATE")
        try:
            self.assertEqual(self.d.get("/api/v1/health").status, 200)
            self.assertEqual(self.d.get("/health/live").status, 200)
            self.assertIn(self.d.get("/health/buffer").status, (200, 503))
            self.assertEqual(len(self.d.add(self.session, "while the store is locked")), 1)
            self.assertEqual(self.d.query(self.user, "store is locked")[0]["content"], "while the store is locked")
        finally:
            lock.execute("ROLLBACK")
            lock.close()


class Lifecycle(unittest.TestCase):
    def test_health_warns_where_the_store_takes_no_writes_though_it_can_be_read(self):
        import sqlite3

        def datastore():
            checks = d.get("/health/buffer").json["checks"]["component_health"]
            return next(check for check in checks if check["componentType"] == "datastore")
        with Holdfast(*KEEP_BUFFERED) as d:
            d.add(d.make_session(d.make_user()), "one")
            self.assertEqual(datastore()["status"], "pass")
            lock = sqlite3.connect(os.path.join(d.folder, "holdfast.db"), isolation_level=None)
            lock.execute("BEGIN IMMEDIATE")
            d.post("/api/v1/buffer/flush", {"wait": False})
            d.wait_until(lambda: datastore()["status"] == "warn", seconds=60)
            self.assertIn("writes to the store fail", datastore()["output"])
            lock.execute("ROLLBACK")
            lock.close()
            d.wait_until(lambda: datastore()["status"] == "pass", seconds=60)

    def test_sigterm_drains_into_the_store(self):
        with Holdfast(*KEEP_BUFFERED) as d:
            user = d.make_user()
            session = d.make_session(user)
            d.add(session, "one", "two")
            self.assertEqual(d.stop(), 0)
            import sqlite3
            with sqlite3.connect(os.path.join(d.folder, "holdfast.db")) as database:
                self.assertEqual(database.execute("SELECT count(*) FROM items").fetchone()[0], 2)

    def test_sigterm_ends_in_time_though_the_store_hangs(self):
        import sqlite3
        with Holdfast(*KEEP_BUFFERED, "buffer.performance.flush_timeout=5s", "server.drain_timeout=1s") as d:
            user = d.make_user()
            session = d.make_session(user)
            d.add(session, "kept in the journal")
            lock = sqlite3.connect(os.path.join(d.folder, "holdfast.db"), isolation_level=None)
            lock.execute("BEGIN IMMEDIATE")
            self.assertEqual(d.stop(), 0)
            self.assertIn("left in the journal for the next start: 1 operations", d.log)
            lock.execute("ROLLBACK")
            lock.close()
            d.start()
            self.assertEqual(len(d.query(user, "journal")), 1)

    def test_reasons_are_counted(self):
        with Holdfast("buffer.round_buffer.max_size=2", "buffer.hybrid_buffer.max_size=2", "buffer.round_buffer.max_tokens=100",
                      *KEEP_BUFFERED) as d:
            user = d.make_user()
            session = d.make_session(user)
            for i in range(5):
                d.add(session, f"short {i}")       # rounds: two move, twice; the second pair fills a batch
            d.add(session, "word " * 90)           # tokens: what is held moves first
            d.add(session, "word " * 300)          # oversized: goes straight on
            d.delete(f"/api/v1/sessions/{session}/messages", {"message_ids": d.add(session, "gone")})
            d.flush()
            text = d.get("/metrics").text

            def count(metric, reason):
                for line in text.splitlines():
                    if line.startswith(metric) and f'reason="{reason}"' in line:
                        return float(line.rsplit(" ", 1)[1])
                self.fail(f"{metric} {reason} is not exported")
            transfers = next(line.split("{")[0] for line in text.splitlines() if 'reason="oversized"' in line)
            flushes = next(line.split("{")[0] for line in text.splitlines() if 'reason="bypass"' in line)
            self.assertEqual(count(transfers, "rounds"), 4)
            self.assertGreaterEqual(count(transfers, "tokens"), 1)
            self.assertEqual(count(transfers, "oversized"), 1)
            self.assertGreaterEqual(count(flushes, "size"), 1)

    def test_bypass_by_setting_and_by_environment(self):
        for how in ({"settings": ("buffer.enabled=false",)}, {"environment": {"MEMFUSE_BUFFER_ENABLED": "false"}}):
            with Holdfast(*how.get("settings", ()), environment=how.get("environment")) as d:
                user = d.make_user()
                session = d.make_session(user)
                path = f"/api/v1/sessions/{session}/messages"
                data = d.post(path, {"messages": [{"role": "user", "content": "straight through"}]}).data
                self.assertEqual(data["mode"], "bypass")
                d.kill()
                d.start()
                self.assertEqual(d.query(user, "straight")[0]["id"], data["message_ids"][0])
                self.assertEqual(len(d.get(path + "?buffer_only=true").data["messages"]), 1)
                d.put(path, {"message_ids": data["message_ids"],
                             "new_messages": [{"role": "user", "content": "around the corner"}]})
                self.assertEqual(d.query(user, "corner")[0]["content"], "around the corner")
                d.delete(path, {"message_ids": data["message_ids"]})
                self.assertEqual(d.get(path).data["messages"], [])
                self.assertEqual(d.get("/api/v1/buffer/stats").data["mode"], "bypass")

    def test_what_was_buffered_is_stored_when_bypass_is_switched_on(self):
        with Holdfast(*KEEP_BUFFERED) as d:
            user = d.make_user()
            d.add(d.make_session(user), "left in the journal")
            d.kill()
            d.settings.append("buffer.enabled=false")
            d.start()
            self.assertEqual(len(d.query(user, "journal")), 1)

    def test_any_shard_count_gives_the_same_answers(self):
        answers = []
        for shards in (1, 3, 7):
            with Holdfast(*KEEP_BUFFERED, f"server.shards={shards}") as d:
                found = []
                for u in range(5):
                    user = d.make_user(f"user{u}")
                    session = d.make_session(user)
                    d.add(session, "blue boats float", f"user {u} likes boats", "nothing else")
                    found.append([(h["content"], round(h["score"], 12)) for h in d.query(user, "boats")])
                    listing = d.get(f"/api/v1/sessions/{session}/messages?order=asc").data["messages"]
                    found.append([m["content"] for m in listing])
                answers.append(found)
        self.assertEqual(answers[0], answers[1])
        self.assertEqual(answers[0], answers[2])

    def test_the_shard_count_may_change_between_runs(self):
        with Holdfast(*KEEP_BUFFERED, "server.shards=2") as d:
            users = [d.make_user(f"u{i}") for i in range(4)]
            for user in users:
                d.add(d.make_session(user), "remember this")
            d.kill()
            d.settings[-1] = "server.shards=5"
            d.start()
            for user in users:
                self.assertEqual(len(d.query(user, "remember")), 1)


class ChangedBehindItsBack(unittest.TestCase):
    def test_a_flush_does_not_wait_for_messages_of_a_session_that_is_gone(self):
        with Holdfast(*KEEP_BUFFERED) as d:
            session = d.make_session()
            d.add(session, "nowhere to go")
            with contextlib.closing(sqlite3.connect(f"{d.folder}/holdfast.db")) as store, store:
                store.execute("DELETE FROM sessions")
            began = time.monotonic()
            self.assertEqual(d.post("/api/v1/buffer/flush", {}).data["pending_sessions"], 0)
            self.assertLess(time.monotonic() - began, 15, "a flush that is not done is answered after 20 s")
            self.assertIn('holdfast_dead_messages_total{reason="session_gone"} 1', d.get("/metrics").text)


class RefusalsAtStart(unittest.TestCase):
    def refuse(self, *arguments, config="config/testing.yaml", environment=None):
        done = subprocess.run([os.path.join(PROJECT, BINARY), "--config", os.path.join(PROJECT, config), *arguments],
                              capture_output=True, text=True, timeout=60, cwd="/tmp",
                              env={**os.environ, **(environment or {})})
        self.assertEqual(done.returncode, 2, done.stderr)
        lines = [line for line in done.stderr.splitlines() if line]
        self.assertEqual(len(lines), 1, done.stderr)
        return lines[0]

    def test_settings(self):
        self.assertIn("buffer.round_buffer.max_tokens", self.refuse("--set", "buffer.round_buffer.max_tokns=1"))
        self.assertIn("100", self.refuse("--set", "buffer.round_buffer.max_tokens=7"))
        self.assertIn("buffer.enabled", self.refuse("--set", "buffer.enabled=perhaps"))
        self.assertIn("SERVER__PRT", self.refuse(environment={"HOLDFAST__SERVER__PRT": "1"}))
        self.assertIn("nowhere.yaml", self.refuse(config="config/nowhere.yaml"))
        self.assertIn("is a directory", self.refuse(config="config"))  # as a missing bind mount is one

    def test_settings_before_and_after_the_command_count(self):
        printed = subprocess.run([os.path.join(PROJECT, BINARY), "--set", "server.port=7777", "--set", "server.shards=3", "print-config",
                                  "--set", "server.shards=2"], capture_output=True, text=True, check=True, timeout=60).stdout
        self.assertRegex(printed, r"\n  port: 7777\b")
        self.assertRegex(printed, r"\n  shards: 2\b")  # what comes later wins

    def run_program(self, *arguments, code=0, text=None):
        done = subprocess.run([os.path.join(PROJECT, BINARY), *arguments], input=text, capture_output=True, text=True, timeout=60)
        self.assertEqual(done.returncode, code, done.stdout + done.stderr)
        return done

    def test_a_file_is_checked_with_what_it_names(self):
        self.assertEqual(self.run_program("check-config", "config/balanced.yaml").stdout, "config/balanced.yaml: ok\n")
        with tempfile.TemporaryDirectory() as folder:
            file = os.path.join(folder, "h.yaml")
            for text, problem in (("auth: {enabled: true, keys_file: /nowhere/keys}", "/nowhere/keys cannot be read"),
                                  ("server: {tls: {cert: /nowhere/c, key: /nowhere/k}}", "/nowhere/c")):
                with open(file, "w", encoding="utf-8") as out:
                    out.write(text)
                self.assertIn(problem, self.run_program("check-config", file, code=2).stderr)
            with open("config/balanced.yaml", encoding="utf-8") as every_key, open(file, "w", encoding="utf-8") as out:
                out.write(every_key.read().replace("profile: balanced", "profile: high_throughput"))
            self.assertIn("warning: profile high_throughput has no effect", self.run_program("check-config", file).stderr)

    def test_a_folder_is_neither_a_text_nor_a_journal(self):
        self.assertEqual(self.run_program("tokens", "-", text="Hello, world").stdout, "3\n")
        self.assertIn("config: is a directory", self.run_program("tokens", "config", code=2).stderr)
        self.assertIn("config: no journal is there", self.run_program("journal", "inspect", "config", code=2).stderr)
        with Holdfast() as d:
            self.assertIn("1 segments", self.run_program("journal", "inspect", os.path.join(d.folder, "journal")).stdout)

    def test_a_busy_port(self):
        with Holdfast() as d:
            line = self.refuse("--set", f"server.port={d.port}", "--set", f"journal.dir={d.folder}/j2",
                               "--set", f"store.sqlite.path={d.folder}/other.db")
            self.assertIn(str(d.port), line)

    def test_a_journal_in_use(self):
        with Holdfast() as d:
            line = self.refuse("--set", "server.port=0", "--set", f"journal.dir={d.folder}/journal",
                               "--set", f"store.sqlite.path={d.folder}/other.db")
            self.assertIn(f"{d.folder}/journal", line)

    def test_a_journal_of_another_store(self):
        with Holdfast(*KEEP_BUFFERED) as d:
            session = d.make_session()
            d.add(session, "in the journal alone")
            d.kill()
            other = f"store.sqlite.path={d.folder}/other.db"
            line = self.refuse("--set", "server.port=0", "--set", f"journal.dir={d.folder}/journal", "--set", other)
            self.assertIn("holds 1 operations for another store than this one", line)
            d.start()
            messages = d.get(f"/api/v1/sessions/{session}/messages").data["messages"]
            self.assertEqual([message["content"] for message in messages], ["in the journal alone"])
            d.stop()  # after which the journal owes nothing
            d.settings.append(other)
            d.start()
            d.add(d.make_session(), "in another one")

    def test_an_older_copy_of_the_store(self):
        with Holdfast(*KEEP_BUFFERED) as d:
            session = d.make_session()
            d.stop()
            shutil.copy(f"{d.folder}/holdfast.db", f"{d.folder}/copy.db")
            d.start()
            d.add(session, "of a session that the copy has")
            d.add(d.make_session(user=d.make_user("bob")), "of one that it has not")
            d.kill()
            for name in ("holdfast.db", "holdfast.db-wal", "holdfast.db-shm"):
                os.remove(f"{d.folder}/{name}")
            os.rename(f"{d.folder}/copy.db", f"{d.folder}/holdfast.db")
            d.start()
            self.assertEqual(len(d.get(f"/api/v1/sessions/{session}/messages").data["messages"]), 1)
            d.stop()
            self.assertIn("1 operations in the journal are of sessions that the store does not have", d.log)

    def test_an_unwritable_directory(self):
        line = self.refuse("--set", "server.port=0", "--set", "journal.dir=/proc/nope", "--set",
                           "store.sqlite.path=/tmp/never-made/h.db")
        self.assertIn("/proc/nope", line)
        self.assertFalse(os.path.exists("/tmp/never-made"))


if __name__ == "__main__":
    unittest.main()
