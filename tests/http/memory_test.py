"""What the daemon says about its memory: who has it, where it goes, which setting to change."""

import unittest

from configured_process import ConfiguredHoldfast, KeyFile
from holdfast_process import Holdfast
from messages_test import KEEP_BUFFERED

MEMORY = "/api/v1/buffer/memory"
OVERHEAD = 512  # of a buffered message beside its content


class Analysis(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.d = Holdfast(*KEEP_BUFFERED)
        cls.d.start()
        cls.users = {name: cls.d.make_user(name) for name in ("little", "much", "nothing")}
        cls.d.add(cls.d.make_session(cls.users["little"]), "a few words")
        much = cls.d.make_session(cls.users["much"])
        cls.d.add(much, "x" * 5000, "y" * 3000)
        cls.d.add(much, "z" * 2000)
        cls.d.query(cls.users["much"], "anything")

    @classmethod
    def tearDownClass(cls):
        cls.d.__exit__(None, None, None)

    def test_the_largest_users_come_first_with_what_they_have(self):
        users = self.d.get(MEMORY).data["users"]
        self.assertEqual([user["name"] for user in users], ["much", "little"])
        self.assertEqual(users[0]["user_id"], self.users["much"])
        self.assertEqual([user["messages"] for user in users], [3, 1])
        self.assertEqual([user["buffered_bytes"] for user in users],
                         [10_000 + 3 * OVERHEAD, len("a few words") + OVERHEAD])
        self.assertGreater(users[0]["cache_bytes"], 0)
        self.assertEqual(users[1]["cache_bytes"], 0)

    def test_top_says_how_many(self):
        self.assertEqual(len(self.d.get(MEMORY + "?top=1").data["users"]), 1)
        self.assertEqual(len(self.d.get(MEMORY + "?top=100").data["users"]), 2)
        for wrong in ("0", "101", "ten", "", "-1", "1.5"):
            answer = self.d.get(MEMORY + "?top=" + wrong)
            self.assertEqual((answer.status, answer.json["errors"][0]["field"]), (400, "top"), wrong)

    def test_components_add_up(self):
        data = self.d.get(MEMORY).data
        components = {name: part["bytes"] for name, part in data["components"].items()}
        self.assertEqual(set(components), {"round_buffer", "hybrid_buffer", "in_flight", "operations", "idempotency_keys", "features", "query_cache",
                                           "embedding_cache", "item_cache", "journal", "requests", "request_pool"})
        self.assertEqual(data["accounted_bytes"], sum(components.values()))
        buffered = sum(user["buffered_bytes"] for user in data["users"])
        self.assertEqual(components["round_buffer"] + components["hybrid_buffer"] + components["in_flight"], buffered)
        self.assertEqual(components["query_cache"], data["users"][0]["cache_bytes"])
        self.assertEqual(components["features"], data["users"][0]["feature_bytes"])
        self.assertGreater(components["features"], 3 * 612)
        self.assertGreater(components["journal"], 0)
        self.assertGreater(data["resident_bytes"], data["accounted_bytes"])
        self.assertGreater(data["unaccounted"]["bytes"], 0)
        self.assertGreater(data["estimated_bytes"], data["accounted_bytes"])
        self.assertGreater(data["estimated_peak_bytes"], data["limits"]["buffers"]["bytes"])

    def test_limits_have_an_origin_and_signals_a_level(self):
        data = self.d.get(MEMORY).data
        for limit in ("buffers", "process", "available"):
            self.assertGreater(data["limits"][limit]["bytes"], 0)
            self.assertTrue(data["limits"][limit]["origin"])
        self.assertIn("resident", [signal["signal"] for signal in data["signals"]])
        for signal in data["signals"]:
            self.assertIn(signal["level"], ("normal", "warning", "critical", "emergency"))
        self.assertEqual(data["trend"]["covers_seconds"], 300)
        self.assertEqual(data["suspected_leaks"], [])


class Elsewhere(unittest.TestCase):
    def test_only_operators_see_it(self):
        with ConfiguredHoldfast() as d:
            keys = KeyFile(d.folder + "/keys")
            plain, operator = keys.add("plain"), keys.add("operator", "admin")
            keys.write()
            d.write(auth__enabled=True, auth__keys_file=keys.path)
            self.assertIn("configuration reloaded", d.hang_up())
            self.assertEqual(d.get(MEMORY).status, 401)
            self.assertEqual(d.get(MEMORY, headers={"X-API-Key": plain}).status, 403)
            self.assertEqual(d.get(MEMORY, headers={"X-API-Key": operator}).status, 200)

    def test_a_user_who_is_gone_is_not_there(self):
        with Holdfast(*KEEP_BUFFERED) as d:
            user = d.make_user()
            d.add(d.make_session(user), "one")
            d.delete(f"/api/v1/users/{user}")
            data = d.get(MEMORY).data
            self.assertEqual((data["users"], data["components"]["round_buffer"]["bytes"]), ([], 0))

    def test_the_answers_to_idempotency_keys_are_counted_until_they_are_forgotten(self):
        def bytes_of_keys():
            return d.get(MEMORY).data["components"]["idempotency_keys"]["bytes"]
        with Holdfast(*KEEP_BUFFERED) as d:
            session = d.make_session(d.make_user())
            messages = {"messages": [{"role": "user", "content": "once"}]}
            d.post(f"/api/v1/sessions/{session}/messages", messages, headers={"Idempotency-Key": "k"})
            self.assertGreater(bytes_of_keys(), 100)
        # Nothing else happens: the monitor sees to it.
        with Holdfast(*KEEP_BUFFERED, "journal.idempotency_window=10ms", "buffer.monitoring.aggregation_window=100ms") as d:
            session = d.make_session(d.make_user())
            answer = d.post(f"/api/v1/sessions/{session}/messages", messages, headers={"Idempotency-Key": "k"})
            self.assertEqual(answer.status, 201)
            d.wait_until(lambda: bytes_of_keys() == 0)

    def test_suggestions_name_a_setting_and_its_value(self):
        with Holdfast(*KEEP_BUFFERED, "memory.max_process_mb=1") as d:
            def emergency():
                return d.get(MEMORY).data["level"] == "emergency"
            d.wait_until(emergency)
            suggestion = d.get(MEMORY).data["suggestions"][0]
            self.assertEqual((suggestion["setting"], suggestion["value"]), ("memory.max_process_mb", "1"))
            self.assertIn("raise it", suggestion["text"])


if __name__ == "__main__":
    unittest.main()
