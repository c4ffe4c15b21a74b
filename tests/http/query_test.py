"""Queries: what is acknowledged is found at once, by the same score wherever it is, and never from a stale cache."""

import unittest

from holdfast_process import Holdfast
from messages_test import KEEP_BUFFERED

RESULT_KEYS = {"id", "content", "score", "type", "role", "created_at", "updated_at", "metadata"}
METADATA_KEYS = {"user_id", "agent_id", "session_id", "session_name", "scope", "level", "retrieval"}


class Queries(unittest.TestCase):
    def setUp(self):
        self.d = Holdfast(*KEEP_BUFFERED)
        self.d.start()
        self.user = self.d.make_user()
        self.session = self.d.make_session(self.user, name="first")
        self.path = f"/api/v1/users/{self.user}/query"

    def tearDown(self):
        self.d.__exit__(None, None, None)

    def test_shape(self):
        identifier = self.d.add(self.session, "Melanie painted a sunrise over the lake")[0]
        answer = self.d.post(self.path + "/", {"query": "Who painted the sunrise?", "session_id": None})
        self.assertEqual((answer.status, answer.json["message"]), (200, "Found 1 results"))
        self.assertEqual(answer.data["total"], 1)
        hit = answer.data["results"][0]
        self.assertEqual(set(hit), RESULT_KEYS)
        self.assertEqual(set(hit["metadata"]), METADATA_KEYS)
        self.assertEqual((hit["id"], hit["type"], hit["role"]), (identifier, "message", "user"))
        self.assertTrue(0 < hit["score"] <= 1)
        self.assertTrue(hit["created_at"].endswith("Z"))
        self.assertEqual((hit["metadata"]["session_id"], hit["metadata"]["session_name"], hit["metadata"]["level"]),
                         (self.session, "first", 0))
        self.assertIsNone(hit["metadata"]["scope"])
        self.assertTrue({"source", "similarity"} <= set(hit["metadata"]["retrieval"]))

    def test_a_session_tags_and_does_not_filter(self):
        other = self.d.make_session(self.user, name="second")
        self.d.add(self.session, "the dog barks")
        self.d.add(other, "the dog sleeps")
        scopes = {hit["content"]: hit["metadata"]["scope"] for hit in self.d.query(self.user, "dog", session_id=other)}
        self.assertEqual(scopes, {"the dog barks": "cross_session", "the dog sleeps": "in_session"})

    def test_names_that_do_not_exist(self):
        stranger = self.d.make_user("stranger")
        foreign = self.d.make_session(stranger)
        for body in ({"session_id": foreign}, {"session_id": "none"}, {"agent_id": "none"}):
            self.assertEqual(self.d.post(self.path, {"query": "x", **body}).status, 404, body)
        self.assertEqual(self.d.post("/api/v1/users/none/query", {"query": "x"}).status, 404)
        self.assertEqual(self.d.post(self.path, {}).status, 422)

    def test_an_agent_filters(self):
        agent = self.d.make_agent("second agent")
        other = self.d.make_session(self.user, agent)
        self.d.add(self.session, "green apples")
        kept = self.d.add(other, "green pears")[0]
        for _ in range(2):
            self.assertEqual([h["id"] for h in self.d.query(self.user, "green", agent_id=agent)], [kept])
            self.d.flush()

    def test_users_do_not_see_each_other(self):
        stranger = self.d.make_user("stranger")
        self.d.add(self.session, "secret plans")
        for _ in range(2):
            self.assertEqual(self.d.query(stranger, "secret plans"), [])
            self.d.flush()

    def test_top_k(self):
        self.d.add(self.session, *[f"tea number {i}" for i in range(30)])
        for expected, top_k in ((5, None), (1, 1), (12, 12), (30, 30), (30, 5000), (0, 0), (0, -3)):
            more = {} if top_k is None else {"top_k": top_k}
            self.assertEqual(len(self.d.query(self.user, "tea", **more)), expected, top_k)

    def test_the_score_does_not_change_when_a_message_moves(self):
        self.d.add(self.session, "Caroline went to the support group", "Melanie likes pottery and painting",
                   "The support group was powerful", "Kids love the beach", "Camping with the family in summer")
        first = [(h["id"], h["score"]) for h in self.d.query(self.user, "which support group", top_k=4)]
        self.assertEqual(len(first) >= 2, True)
        self.d.flush()
        self.d.post("/api/v1/cache/clear")
        second = [(h["id"], h["score"]) for h in self.d.query(self.user, "which support group", top_k=4)]
        self.assertEqual([i for i, _ in first], [i for i, _ in second])
        for (_, before), (_, after) in zip(first, second):
            self.assertAlmostEqual(before, after, places=9)

    def test_the_cache_hides_no_write_and_no_delete(self):
        one = self.d.add(self.session, "a red kite")[0]
        self.assertEqual([h["id"] for h in self.d.query(self.user, "red kite")], [one])
        self.d.query(self.user, "  RED   kite ")
        two = self.d.add(self.session, "another red kite")[0]
        self.assertEqual({h["id"] for h in self.d.query(self.user, "red kite")}, {one, two})
        self.d.delete(f"/api/v1/sessions/{self.session}/messages", {"message_ids": [one]})
        self.assertEqual({h["id"] for h in self.d.query(self.user, "red kite")}, {two})
        self.d.put(f"/api/v1/sessions/{self.session}/messages",
                   {"message_ids": [two], "new_messages": [{"role": "user", "content": "a blue whale"}]})
        self.assertEqual([h["id"] for h in self.d.query(self.user, "whale")], [two])
        self.d.put(f"/api/v1/sessions/{self.session}", {"name": "renamed"})
        self.assertEqual(self.d.query(self.user, "whale")[0]["metadata"]["session_name"], "renamed")

    def test_a_repeated_query_is_a_cache_hit(self):
        self.d.add(self.session, "a red kite")
        self.d.query(self.user, "red kite")
        self.d.query(self.user, "red kite", top_k=3)
        stats = self.d.get("/api/v1/buffer/stats").data["query_buffer"]
        self.assertEqual(stats["cache_entries"], 1)
        self.assertEqual(stats["hit_rate"], 0.5)
        self.assertEqual(self.d.post("/api/v1/cache/clear").status, 200)
        self.assertEqual(self.d.get("/api/v1/buffer/stats").data["query_buffer"]["cache_entries"], 0)

    def test_what_may_be_asked_next_is_searched_before(self):
        with Holdfast("buffer.speculative_buffer.enabled=true", "buffer.speculative_buffer.context_window=1") as d:
            user = d.make_user()
            d.query(user, "anything?")
            d.add(d.make_session(user), "my bicycle has a broken chain", "shall we repair the bicycle chain tomorrow")
            stats = lambda: d.get("/api/v1/buffer/stats").data["speculative_buffer"]
            d.wait_until(lambda: stats()["predicted_queries"] == 1)
            self.assertEqual(d.query(user, "shall we repair the bicycle chain on monday")[0]["content"],
                             "shall we repair the bicycle chain tomorrow")
            self.assertEqual(stats()["hits"], 1)
            d.wait_until(lambda: stats()["verified_hits"] == 1)
            self.assertEqual(stats()["false_hits"], 0)

    def test_store_type_narrows(self):
        self.d.add(self.session, "painting with watercolours")
        for store_type, found in (("keyword", True), ("vector", True), ("graph", False)):
            self.assertEqual(bool(self.d.query(self.user, "painting", store_type=store_type)), found, store_type)
        self.assertEqual(self.d.post(self.path, {"query": "x", "store_type": "magic"}).status, 422)
        self.assertEqual(self.d.query(self.user, "painting", include_messages=False), [])


if __name__ == "__main__":
    unittest.main()
