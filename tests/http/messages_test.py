"""Messages: add, list, read, update, delete, before and after they reach the store, and after a restart."""

import http.client
import json
import os
import sqlite3
import threading
import unittest

from holdfast_process import Holdfast

MESSAGE_KEYS = {"id", "session_id", "role", "content", "created_at", "updated_at"}
KEEP_BUFFERED = ("buffer.performance.flush_interval=1h", "buffer.hybrid_buffer.auto_flush_interval=1h",
                 "buffer.performance.force_flush_timeout=2h")


class Messages(unittest.TestCase):
    def setUp(self):
        self.d = Holdfast(*KEEP_BUFFERED)
        self.d.start()
        self.user = self.d.make_user()
        self.session = self.d.make_session(self.user)
        self.path = f"/api/v1/sessions/{self.session}/messages"

    def tearDown(self):
        self.d.__exit__(None, None, None)

    def contents(self, **parameters):
        query = "&".join(f"{name}={value}" for name, value in parameters.items())
        answer = self.d.get(f"{self.path}?{query}")
        self.assertEqual(answer.status, 200, answer.text)
        return [message["content"] for message in answer.data["messages"]]

    def everywhere(self, check):
        """Runs check while buffered, once stored, and after a restart."""
        check()
        self.d.flush()
        check()
        self.assertEqual(self.d.stop(), 0)
        self.d.start()
        check()

    def test_add_answers_ids_and_how_durable(self):
        answer = self.d.post(self.path + "/", {"messages": [{"role": "user", "content": "hi"},
                                                            {"role": "assistant", "content": "hello"}]})
        self.assertEqual(answer.status, 201)
        body = answer.json
        self.assertEqual(body["message"], "Messages added successfully")
        data = body["data"]
        self.assertEqual(len(data["message_ids"]), 2)
        self.assertEqual((data["total_messages"], data["buffer_status"], data["transfer_triggered"]), (2, "success", False))
        self.assertEqual((data["first_seq"], data["last_seq"], data["mode"]), (1, 2, "buffer"))
        self.assertIn(data["durability"], ("fsync", "os", "none"))

    def test_list_is_the_same_before_and_after_the_store(self):
        for i in range(7):
            self.d.add(self.session, f"question {i}", f"more {i}")
        forward = [text for i in range(7) for text in (f"question {i}", f"more {i}")]

        def check():
            self.assertEqual(self.contents(order="asc", limit=100), forward)
            self.assertEqual(self.contents(limit=3), forward[::-1][:3])
            message = self.d.get(self.path).data["messages"][0]
            self.assertEqual(set(message), MESSAGE_KEYS)
        self.everywhere(check)

    def test_buffer_only_is_the_round_buffer_alone(self):
        for i in range(6):
            self.d.add(self.session, f"m{i}")
        self.assertEqual(self.contents(buffer_only="true"), ["m5"])
        self.assertEqual(len(self.contents(buffer_only="false")), 6)
        self.d.flush()
        self.assertEqual(self.contents(buffer_only="true"), [])

    def test_limit_rules(self):
        self.d.add(self.session, *[f"m{i}" for i in range(120)])
        self.assertEqual(len(self.contents()), 20)
        self.assertEqual(len(self.contents(limit=1000)), 100)
        for bad in ("0", "-1", "abc", ""):
            answer = self.d.get(f"{self.path}?limit={bad}")
            self.assertEqual(answer.status, 400, bad)
            self.assertEqual(answer.json["errors"][0]["field"], "limit")
        for bad in ("sort_by=color", "order=up", "buffer_only=maybe"):
            self.assertEqual(self.d.get(f"{self.path}?{bad}").status, 400, bad)
        identifiers = [m["id"] for m in self.d.get(f"{self.path}?sort_by=id&order=asc&limit=100").data["messages"]]
        self.assertEqual(identifiers, sorted(identifiers))

    def test_read_update_delete_wherever_the_message_is(self):
        one, two, three = self.d.add(self.session, "apples are red", "bananas are yellow", "cherries are dark")
        answer = self.d.post(self.path + "/read", {"message_ids": [two, one]})
        self.assertEqual(answer.json["message"], "Messages read successfully")
        self.assertEqual([m["id"] for m in answer.data["messages"]], [two, one])
        self.assertEqual(self.d.post(self.path + "/read", {"message_ids": [one, "nope"]}).status, 404)
        answer = self.d.put(self.path, {"message_ids": [one],
                                        "new_messages": [{"role": "user", "content": "apricots are orange"}]})
        self.assertEqual((answer.status, answer.json["message"]), (200, "Messages updated successfully"))
        answer = self.d.delete(self.path, {"message_ids": [two]})
        self.assertEqual((answer.status, answer.json["message"]), (200, "Messages deleted successfully"))
        self.assertEqual(answer.data, {"message_ids": [two]})

        def check():
            self.assertEqual(self.contents(order="asc"), ["apricots are orange", "cherries are dark"])
            self.assertEqual(self.d.query(self.user, "apricots")[0]["id"], one)
            self.assertNotIn(two, [hit["id"] for hit in self.d.query(self.user, "bananas yellow", top_k=50)])
            self.assertEqual(self.d.delete(self.path, {"message_ids": [two]}).status, 404)
        self.everywhere(check)
        # And the same once more on what is in the store by now.
        self.d.put(self.path, {"message_ids": [three], "new_messages": [{"role": "user", "content": "figs"}]})
        self.d.delete(self.path, {"message_ids": [one]})
        self.everywhere(lambda: self.assertEqual(self.contents(), ["figs"]))

    def test_deleted_stays_deleted_after_kill(self):
        one, two = self.d.add(self.session, "keep me", "drop me")
        self.d.flush()
        self.d.delete(self.path, {"message_ids": [two]})
        self.d.kill()
        self.d.start()
        self.assertEqual(self.contents(), ["keep me"])
        self.d.flush()
        self.assertEqual(self.contents(), ["keep me"])

    def test_everything_acknowledged_survives_kill(self):
        texts = [f"number {i}" for i in range(60)]
        for text in texts:
            self.d.add(self.session, text)
        self.d.kill()
        self.d.start()
        self.assertEqual(self.contents(order="asc", limit=100), texts)
        self.d.kill()
        self.d.start()
        self.d.flush()
        self.assertEqual(self.contents(order="asc", limit=100), texts)

    def test_more_than_a_replay_takes_at_once_survives_kill(self):
        with Holdfast(*KEEP_BUFFERED, "server.shards=2", "memory.user_share=1") as daemon:
            agent = daemon.make_agent()
            sessions = [daemon.make_session(daemon.make_user(f"user {number}"), agent) for number in range(6)]
            with sqlite3.connect(os.path.join(daemon.folder, "holdfast.db"), isolation_level=None) as lock:
                lock.execute("BEGIN IMMEDIATE")  # all of it stays in the journal
                connection = http.client.HTTPConnection("127.0.0.1", daemon.port)
                for number in range(1200):
                    body = {"messages": [{"role": "user", "content": str(number)}]}
                    connection.request("POST", f"/api/v1/sessions/{sessions[number % 6]}/messages", json.dumps(body))
                    answer = connection.getresponse()
                    answer.read()
                    self.assertEqual(answer.status, 201)
                connection.close()
                daemon.kill()
                lock.execute("ROLLBACK")
            daemon.start()
            for first, session in enumerate(sessions):
                expected = [str(number) for number in range(first, 1200, 6)]
                for order, texts in (("asc", expected[:100]), ("desc", expected[:-101:-1])):
                    answer = daemon.get(f"/api/v1/sessions/{session}/messages?order={order}&limit=100")
                    self.assertEqual([message["content"] for message in answer.data["messages"]], texts)

    def test_client_made_ids(self):
        message = {"id": "mine-1", "role": "user", "content": "once"}

        def check():
            answer = self.d.post(self.path, {"messages": [message]})
            self.assertEqual((answer.status, answer.data["message_ids"]), (201, ["mine-1"]))
            self.assertEqual(self.contents(), ["once"])
            self.assertEqual(self.d.post(self.path, {"messages": [{**message, "content": "other"}]}).status, 409)
        self.everywhere(check)

    def test_idempotency_key(self):
        body = {"messages": [{"role": "user", "content": "pay once"}]}
        first = self.d.post(self.path, body, headers={"Idempotency-Key": "k1"})
        again = self.d.post(self.path, body, headers={"Idempotency-Key": "k1"})
        self.assertEqual((first.status, again.status), (201, 201))
        self.assertEqual(first.data["message_ids"], again.data["message_ids"])
        self.assertEqual(again.headers.get("idempotency-replayed"), "true")
        self.assertNotIn("idempotency-replayed", first.headers)
        other = {"messages": [{"role": "user", "content": "pay twice"}]}
        self.assertEqual(self.d.post(self.path, other, headers={"Idempotency-Key": "k1"}).status, 422)
        self.assertEqual(self.contents(), ["pay once"])

    def test_extras_are_kept_and_shown_when_asked(self):
        self.d.post(self.path, {"messages": [{"role": "user", "content": "x", "metadata": {"a": [1, None]},
                                              "created_at": "2023-05-08T13:56:00Z", "ignored": 1}]})

        def check():
            plain = self.d.get(self.path).data["messages"][0]
            self.assertEqual(set(plain), MESSAGE_KEYS)
            self.assertTrue(plain["created_at"].startswith("2023-05-08T13:56:00"))
            full = self.d.get(self.path + "?include=metadata").data["messages"][0]
            self.assertEqual(full["metadata"], {"a": [1, None]})
        self.everywhere(check)

    def test_wrong_bodies(self):
        for messages, location in (([{"role": "robot", "content": "x"}], ["body", "messages", 0, "role"]),
                                   ([{"role": "user", "content": ""}], ["body", "messages", 0, "content"]),
                                   ([{"role": "user"}], ["body", "messages", 0, "content"]),
                                   ([], ["body", "messages"]), ("x", ["body", "messages"])):
            answer = self.d.post(self.path, {"messages": messages})
            self.assertEqual(answer.status, 422, answer.text)
            self.assertEqual(answer.json["detail"][0]["loc"], location)
        self.assertEqual(self.d.post(self.path, {"messages": [{"role": "user", "content": "x" * (300 << 10)}]}).status, 413)
        self.assertEqual(self.d.post(self.path, raw=b"x" * (2 << 20)).status, 413)
        self.assertEqual(self.d.post("/api/v1/sessions/none/messages",
                                     {"messages": [{"role": "user", "content": "x"}]}).status, 404)
        self.assertEqual(self.contents(), [])

    def test_batch_route_takes_many_sessions(self):
        other = self.d.make_session(self.user, name="second")
        lines = [{"session_id": s, "role": "user", "content": f"line {i}"} for i in range(50) for s in (self.session, other)]
        raw = "\n".join(json.dumps(line) for line in lines) + "\nnot json\n" + json.dumps(
            {"session_id": "none", "role": "user", "content": "x"}) + "\n"
        answer = self.d.post("/api/v1/messages/batch", raw=raw.encode())
        self.assertIn(answer.status, (200, 201, 207), answer.text)
        self.assertEqual((answer.data["accepted"], answer.data["rejected"]), (100, 2))
        self.assertEqual([error["line"] for error in answer.data["errors"]], [101, 102])
        self.assertEqual(self.contents(order="asc", limit=100), [f"line {i}" for i in range(50)])

    def test_concurrent_adds_to_one_session_get_gapless_numbers(self):
        spans = []
        lock = threading.Lock()

        def work(worker):
            for i in range(20):
                data = self.d.post(self.path, {"messages": [{"role": "user", "content": f"{worker}-{i}"}]}).data
                with lock:
                    spans.append((data["first_seq"], data["last_seq"]))
        threads = [threading.Thread(target=work, args=(w,)) for w in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        self.assertEqual(sorted(first for first, _ in spans), list(range(1, 81)))

    def test_deleting_a_session_takes_its_buffered_messages_along(self):
        self.d.add(self.session, "ephemeral words")
        self.assertEqual(self.d.delete(f"/api/v1/sessions/{self.session}").status, 200)
        self.assertEqual(self.d.query(self.user, "ephemeral words"), [])
        self.d.kill()
        self.d.start()
        self.assertEqual(self.d.query(self.user, "ephemeral words"), [])
        self.assertEqual(self.d.get(self.path).status, 404)


if __name__ == "__main__":
    unittest.main()
