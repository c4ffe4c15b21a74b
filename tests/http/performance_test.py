"""The profile, the history and the capacity figures of a running daemon."""

import threading
import unittest

from holdfast_process import Holdfast

COMPONENTS = {"http_parse", "token_count", "journal_wait", "round", "transfer", "threshold_check", "flush", "embedding", "store",
              "cache_check", "multi_source_query", "aggregation"}


class Profile(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.d = Holdfast("buffer.round_buffer.max_size=2", "buffer.hybrid_buffer.max_size=2").start()
        cls.user = cls.d.make_user()
        cls.session = cls.d.make_session(cls.user)

    @classmethod
    def tearDownClass(cls):
        cls.d.__exit__(None, None, None)

    def test_a_profile_tells_where_the_time_goes(self):
        answers = []
        profile = threading.Thread(target=lambda: answers.append(self.d.post("/api/v1/buffer/profile", {"duration": 1})))
        profile.start()
        adds = queries = 0
        while profile.is_alive():
            self.d.add(self.session, f"message {adds} about the weather in town")
            self.d.query(self.user, f"weather {queries}")
            adds += 1
            queries += 1
        data = answers[0].data
        self.assertEqual(answers[0].status, 200)
        self.assertGreaterEqual(data["duration"], 1)
        self.assertEqual(set(data["components"]), COMPONENTS)
        self.assertGreater(data["messages"], 0)
        self.assertLessEqual(data["messages"], adds)
        for component in ("token_count", "journal_wait", "threshold_check", "cache_check", "aggregation", "embedding", "flush", "store"):
            self.assertGreater(data["components"][component]["calls"], 0, component)
            self.assertGreater(data["components"][component]["mean_us"], 0, component)
        shares = [entry["share"] for entry in data["components"].values() if entry["share"] is not None]
        self.assertAlmostEqual(sum(shares), 1, places=6)
        self.assertIsNone(data["components"]["journal_wait"]["share"])
        self.assertEqual(set(data["threads"]), {"shard", "journal", "flush", "pool", "other"})
        self.assertGreater(data["threads"]["shard"]["cpu_seconds"], 0)
        self.assertEqual(data["threads"]["journal"]["threads"], 1)
        self.assertGreater(data["memory_peaks"]["accounted_bytes"], 0)
        self.assertGreater(data["memory_peaks"]["resident_bytes"], data["memory_peaks"]["accounted_bytes"])
        self.assertIn(data["busiest_component"], COMPONENTS)
        self.assertEqual(data["bottleneck"] == "none", data["suggestion"] is None)

    def test_one_at_a_time(self):
        statuses = []
        take = lambda: statuses.append(self.d.post("/api/v1/buffer/profile", {"duration": 1}).status)
        threads = [threading.Thread(target=take) for _ in range(2)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        self.assertEqual(sorted(statuses), [200, 409])

    def test_durations_that_are_none(self):
        for duration in (0, 61, -1, 1.5, "5", True):
            self.assertEqual(self.d.post("/api/v1/buffer/profile", {"duration": duration}).status, 422, duration)

    def test_a_profile_does_not_hold_up_the_stop(self):
        with Holdfast() as d:
            answers = []

            def take():
                answer = d.post("/api/v1/buffer/profile", {"duration": 60})
                while answer.status == 409:
                    answer = d.post("/api/v1/buffer/profile", {"duration": 60})
                answers.append(answer)
            profile = threading.Thread(target=take)
            profile.start()
            while d.post("/api/v1/buffer/profile", {"duration": 1}).status != 409:
                pass
            self.assertEqual(d.stop(), 0)
            profile.join()
            self.assertEqual(answers[0].status, 200)
            self.assertLess(answers[0].data["duration"], 30)


class History(unittest.TestCase):
    def test_rows_cover_what_happened(self):
        with Holdfast("buffer.monitoring.collection_interval=20ms", "buffer.monitoring.aggregation_window=100ms") as d:
            session = d.make_session()
            d.add(session, "one", "two")
            for _ in range(10_000):
                data = d.get("/api/v1/metrics/history?window=1h").data
                if len(data["rows"]) > 3 and any(row["messages_per_minute"] for row in data["rows"]):
                    break
            self.assertEqual(data["units"]["write_p95"], "ms")
            self.assertEqual(data["retention_period"], 86400)
            messages = sum(row["messages_per_minute"] * row["seconds"] / 60 for row in data["rows"])
            self.assertAlmostEqual(messages, 2, places=3)
            times = [row["time"] for row in data["rows"]]
            self.assertEqual(times, sorted(times))
            self.assertTrue(all(row["memory_bytes"] > 0 for row in data["rows"]))
            one = d.get("/api/v1/metrics/history?window=1h&metric=write_p95").data
            self.assertEqual(set(one["rows"][0]), {"time", "seconds", "write_p95"})
            for wrong in ("window=0s", "window=1w", "window=", "window=31d", "metric=nothing"):
                self.assertEqual(d.get(f"/api/v1/metrics/history?{wrong}").status, 400, wrong)

    def test_health_over_a_window(self):
        with Holdfast("buffer.monitoring.collection_interval=20ms") as d:
            d.add(d.make_session(), "hello")
            checks = d.get("/health/performance?window=1h").json["checks"]
            write = next(c for c in checks["latency_check"] if c["componentType"] == "write")
            self.assertEqual(write["observedValue"]["count"], 1)
            capacity = {c["componentType"]: c["observedValue"] for c in checks["capacity_check"]}
            self.assertIn("time_to_full", capacity)
            headroom = capacity["headroom_at_twice_the_load"]
            self.assertAlmostEqual(headroom["headroom"], 1 - headroom["at_twice_the_load"])
            self.assertEqual(d.get("/health/performance?window=soon").status, 400)


if __name__ == "__main__":
    unittest.main()
