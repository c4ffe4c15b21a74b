"""A daemon with embedding.provider openai against a server that answers well, badly, late or not at all: messages are never lost and
never wait for it, queries say when they had to do without it, and what is pending gets its vector once it is back."""

import os
import shutil
import subprocess
import sys
import tempfile
import time
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "http"))

from embedding_server import DIMENSIONS, EmbeddingServer  # noqa: E402
from holdfast_process import Holdfast  # noqa: E402

SECRET = "sk-a-key-that-nobody-may-see"


class RemoteHoldfast(Holdfast):
    def __init__(self, server, *settings, scheme="http", environment=None):
        super().__init__("embedding.provider=openai", f"embedding.openai.base_url={scheme}://127.0.0.1:{server.port}/v1",
                         f"embedding.openai.dimensions={DIMENSIONS}", "embedding.openai.model=words", "embedding.openai.timeout=2s",
                         *settings, environment=environment)

    def ask(self, user, text, **more):
        """(contents found, the whole data of the answer)"""
        data = self.post(f"/api/v1/users/{user}/query", {"query": text, **more}).data
        return [result["content"] for result in data["results"]], data

    def statistics(self):
        return self.get("/api/v1/buffer/stats").data

    def metric(self, line):
        for sample in self.get("/metrics").text.splitlines():
            if sample.startswith(line + " "):
                return float(sample.rsplit(" ", 1)[1])
        raise AssertionError(f"no metric {line}")

    def wait_for(self, what, true):
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline:
            if true():
                return
            time.sleep(0.02)
        raise AssertionError(f"{what}: not within a minute; {self.statistics()['embedding']}")

    def wait_for_vectors(self):
        """What is in the store has its vectors, and nothing waits."""
        def all_there():
            statistics = self.statistics()["embedding"]
            return statistics["pending_vectors"] == 0 and statistics["waiting"] == 0
        self.wait_for("no vector is pending", all_there)


class OpenAiEmbedder(unittest.TestCase):
    def setUp(self):
        self.server = EmbeddingServer().start()
        self.addCleanup(lambda: self.server.stop())

    def found_by_meaning(self, daemon, user, query="which vehicle", content="I bought an automobile", **more):
        daemon.wait_for(f"{query!r} finds {content!r} by its meaning",
                        lambda: content in daemon.ask(user, query, store_type="vector", **more)[0])

    def test_buffered_and_stored_messages_are_found_by_meaning(self):
        with RemoteHoldfast(self.server) as d:
            user = d.make_user()
            session = d.make_session(user)
            d.add(session, "I bought an automobile", "the loaf was warm")
            self.found_by_meaning(d, user)  # while it is buffered
            self.assertNotIn("degraded", d.ask(user, "which vehicle")[1])
            d.flush()
            d.wait_for_vectors()
            found, data = d.ask(user, "any vehicle", store_type="vector")
            self.assertEqual(found[0], "I bought an automobile")
            self.assertEqual(data["results"][0]["metadata"]["retrieval"]["source"], "store")
            self.assertEqual(self.server.texts().count("I bought an automobile"), 1, "its vector went to the store with it")
            self.assertEqual(d.statistics()["embedding"]["embedder"], f"openai/words/{DIMENSIONS}/int8")
            self.assertEqual(self.server.requests[0][1]["model"], "words")

    def test_contextual_chunks_are_windows_of_neighbouring_turns(self):
        def scores(d, user, query):
            results = d.post(f"/api/v1/users/{user}/query", {"query": query, "store_type": "vector"}).data["results"]
            return {result["content"]: result["score"] for result in results}
        with RemoteHoldfast(self.server, "buffer.hybrid_buffer.chunk_strategy=contextual") as d:
            user = d.make_user()
            d.add(d.make_session(user), "I bought an automobile", "it is red", "the loaf was warm")
            both = ["I bought an automobile", "it is red"]
            d.wait_for("both have their vectors", lambda: sorted(scores(d, user, "which vehicle")) == sorted(both))
            buffered = scores(d, user, "the vehicle")
            self.assertGreater(buffered[both[0]], buffered[both[1]])
            d.flush()
            d.wait_for_vectors()
            self.assertEqual(scores(d, user, "any vehicle"), buffered)
            d.kill()
            d.start()
            # What was stored and not yet noted so is buffered again, and its vectors are asked for again.
            d.wait_for("the same scores", lambda: scores(d, user, "a vehicle") == buffered)

    def test_knowledge_and_bypassed_messages_are_found_by_meaning(self):
        with RemoteHoldfast(self.server, "buffer.enabled=false") as d:
            user = d.make_user()
            session = d.make_session(user)
            answer = d.post(f"/api/v1/sessions/{session}/messages", {"messages": [{"role": "user", "content": "my puppy sleeps"}]})
            self.assertEqual((answer.status, answer.data["embedding"]), (201, "pending"))
            d.post(f"/api/v1/users/{user}/knowledge", {"knowledge": ["a baker lives next door"]})
            self.found_by_meaning(d, user, "a hound", "my puppy sleeps")
            self.found_by_meaning(d, user, "bread", "a baker lives next door")

    def test_many_texts_go_in_few_requests(self):
        self.server.stop()
        with RemoteHoldfast(self.server, "embedding.openai.max_batch=50") as d:
            session = d.make_session(user := d.make_user())
            d.add(session, *(f"note {n} about a car" for n in range(200)))
            d.flush()
            d.wait_for("200 are pending", lambda: d.statistics()["embedding"]["pending_vectors"] == 200)
            self.server.start()
            before = len(self.server.requests)
            d.wait_for_vectors()
            sizes = [len(body["input"]) for _, body in self.server.requests[before:]]
            self.assertLessEqual(max(sizes), 50)
            self.assertGreaterEqual(max(sizes), 40)
            self.assertEqual(len(d.ask(user, "vehicle", top_k=300, store_type="vector")[0]), 200)

    def outage(self, behave, reason, settings=()):
        """Whatever is wrong with the server: messages are taken, flushed, found by keyword, and embedded when it is well again."""
        self.server.behave = behave
        with RemoteHoldfast(self.server, "embedding.openai.timeout=300ms", *settings) as d:
            user = d.make_user()
            session = d.make_session(user)
            began = time.monotonic()
            d.add(session, "I bought an automobile")
            d.flush()
            found, data = d.ask(user, "automobile")
            self.assertEqual(found, ["I bought an automobile"])
            self.assertTrue(data["degraded"])
            self.assertTrue(d.ask(user, "automobile")[1]["degraded"], "the degraded answer was not cached")
            self.assertLess(time.monotonic() - began, 20)
            self.assertNotIn("degraded", d.ask(user, "automobile", store_type="keyword")[1])
            self.assertEqual(d.ask(user, "vehicle")[0], [], "nothing is made up")
            d.wait_for("the item is counted as pending", lambda: d.statistics()["embedding"]["pending_vectors"] == 1)
            d.wait_for(reason, lambda: d.metric(f'holdfast_embedding_failures_total{{reason="{reason}"}}') > 0)
            self.assertGreaterEqual(d.metric("holdfast_degraded_answers_total"), 2)
            self.server.behave = "well"
            self.server.released.set()
            d.wait_for_vectors()
            self.found_by_meaning(d, user)
            d.wait_for("the answer is whole again", lambda: "degraded" not in d.ask(user, "automobile")[1])
            self.assertGreaterEqual(d.metric("holdfast_embedding_back_filled_total"), 1)

    def test_a_slow_server_holds_nothing_up(self):
        self.outage("slow", "timeout")

    def test_wrong_dimensions_are_refused(self):
        self.outage("wrong dimensions", "answer")

    def test_garbage_is_refused(self):
        self.outage("garbage", "answer")

    def test_an_answer_without_end_is_not_read(self):
        self.outage("endless", "answer")

    def test_a_status_of_500(self):
        self.outage("broken", "status")

    def test_a_server_that_refuses_everything_is_asked_again(self):
        self.outage("refuses all", "status")

    def test_too_many_requests_are_waited_out(self):
        self.outage("too many requests", "rate_limited")

    def test_a_dead_server_opens_the_circuit_and_is_found_again(self):
        self.server.stop()
        with RemoteHoldfast(self.server) as d:
            user = d.make_user()
            d.add(d.make_session(user), "I bought an automobile")
            for _ in range(10):
                self.assertTrue(d.ask(user, "automobile")[1]["degraded"])
            self.assertEqual(d.statistics()["embedding"]["circuit_breaker"], "open")
            self.assertEqual(d.metric("holdfast_embedding_circuit_open"), 1)
            d.flush()
            self.server.start()
            d.wait_for_vectors()
            self.found_by_meaning(d, user)
            self.assertEqual(d.statistics()["embedding"]["circuit_breaker"], "closed")

    def test_what_is_pending_survives_a_restart(self):
        self.server.stop()
        with RemoteHoldfast(self.server) as d:
            user = d.make_user()
            session = d.make_session(user)
            d.add(session, "I bought an automobile")
            d.flush()
            d.add(session, "a puppy in the buffer")
            d.kill()
            self.server.start()
            d.start()
            self.found_by_meaning(d, user)
            self.found_by_meaning(d, user, "hound", "a puppy in the buffer")
            d.wait_for_vectors()

    def test_another_model_embeds_everything_anew(self):
        with RemoteHoldfast(self.server) as d:
            user = d.make_user()
            d.add(d.make_session(user), "I bought an automobile")
            d.flush()
            d.wait_for_vectors()
            self.found_by_meaning(d, user)
            d.stop()
            asked = len(self.server.requests)
            d.settings.append("embedding.openai.model=other")
            d.start()
            d.wait_for("it is asked for again", lambda: "I bought an automobile" in
                       [text for _, body in self.server.requests[asked:] for text in body["input"]])
            self.assertEqual({body["model"] for _, body in self.server.requests[asked:]}, {"other"})
            self.found_by_meaning(d, user)

    def test_one_text_that_is_refused_does_not_hold_up_the_others(self):
        self.server.behave = "refuses poison"
        with RemoteHoldfast(self.server) as d:
            user = d.make_user()
            d.add(d.make_session(user), "I bought an automobile", "poison in a puppy's bread", "a baker")
            d.flush()
            d.wait_for_vectors()
            self.found_by_meaning(d, user)
            self.found_by_meaning(d, user, "loaf", "a baker")
            self.assertIn("poison in a puppy's bread", d.ask(user, "poison")[0])
            self.assertGreaterEqual(d.metric('holdfast_embedding_failures_total{reason="refused"}'), 1)

    def long_message(self, words):
        return " ".join(["nothing of note"] * 200 + words)

    def test_long_messages_and_knowledge_are_split_into_chunks_that_the_model_takes(self):
        self.server.behave = 56
        with RemoteHoldfast(self.server, "embedding.openai.max_tokens=64") as d:
            user = d.make_user()
            message, fact = self.long_message(["an automobile"]), self.long_message(["a puppy"])
            d.add(d.make_session(user), message, "a short loaf")
            self.found_by_meaning(d, user, "vehicle", message)  # while it is buffered
            buffered = d.post(f"/api/v1/users/{user}/query", {"query": "vehicle", "store_type": "vector"}).data["results"][0]
            asked = len(self.server.texts())
            d.flush()
            d.post(f"/api/v1/users/{user}/knowledge", {"knowledge": [fact]})
            d.wait_for_vectors()
            self.found_by_meaning(d, user, "hound", fact)
            again = [text for text in self.server.texts()[asked:] if "automobile" in text]
            self.assertEqual(again, [], "its vectors went to the store with it")
            d.kill()
            d.start()
            found = d.post(f"/api/v1/users/{user}/query", {"query": "any vehicle", "store_type": "vector"}).data["results"][0]
            self.assertEqual((found["content"], found["score"]), (message, buffered["score"]))
            self.assertEqual(d.metric('holdfast_embedding_failures_total{reason="refused"}'), 0)
            texts = [text for text in self.server.texts() if "nothing of note" in text]
            self.assertGreaterEqual(sum(map(len, texts)), len(message) + len(fact))

    def test_a_long_query_is_the_mean_of_its_chunks(self):
        self.server.behave = 56
        with RemoteHoldfast(self.server, "embedding.openai.max_tokens=64") as d:
            user = d.make_user()
            d.add(d.make_session(user), "I bought an automobile", "a short loaf")
            query = "which vehicle do I have, " * 30
            self.found_by_meaning(d, user, query)
            self.assertNotIn("degraded", d.ask(user, query)[1])
            chunks = [text for text in self.server.texts() if text in query]
            self.assertGreater(len(chunks), 10)
            self.assertTrue(all(len(chunk) <= 64 for chunk in chunks))
            self.assertEqual(d.metric('holdfast_embedding_failures_total{reason="refused"}'), 0)

    def test_a_chunk_that_is_refused_does_not_cost_the_others(self):
        self.server.behave = "refuses poison"
        with RemoteHoldfast(self.server, "embedding.openai.max_tokens=64") as d:
            user = d.make_user()
            message = self.long_message(["poison"] + ["nothing of note"] * 20 + ["an automobile"])
            d.add(d.make_session(user), message)
            d.flush()
            d.wait_for_vectors()
            self.found_by_meaning(d, user, "vehicle", message)
            self.assertGreaterEqual(d.metric('holdfast_embedding_failures_total{reason="refused"}'), 1)

    def test_a_changed_message_gets_the_vector_of_what_it_says_now(self):
        with RemoteHoldfast(self.server) as d:
            user = d.make_user()
            session = d.make_session(user)
            first = d.add(session, "I bought an automobile")
            d.flush()
            d.put(f"/api/v1/sessions/{session}/messages",
                  {"message_ids": first, "new_messages": [{"role": "user", "content": "I bought a puppy"}]})
            d.flush()
            d.wait_for_vectors()
            self.found_by_meaning(d, user, "hound", "I bought a puppy")
            self.assertEqual(d.ask(user, "vehicle", store_type="vector")[0], [])

    def test_the_key_is_sent_and_never_shown(self):
        with RemoteHoldfast(self.server, "embedding.openai.api_key_env=TEST_EMBEDDING_KEY", "buffer.monitoring.log_level=DEBUG",
                            environment={"TEST_EMBEDDING_KEY": SECRET}) as d:
            user = d.make_user()
            d.add(d.make_session(user), "I bought an automobile")
            self.found_by_meaning(d, user)
            self.assertEqual(self.server.requests[0][0]["Authorization"], "Bearer " + SECRET)
            shown = d.get("/metrics").text + d.get("/api/v1/buffer/stats").text
            d.stop()
            self.assertNotIn(SECRET, shown + d.log)
            self.assertEqual(d.log.count("embedder: "), 1)

    def test_a_key_that_is_not_there_stops_the_start(self):
        with self.assertRaisesRegex(AssertionError, "no environment variable TEST_NO_SUCH_KEY"):
            daemon = RemoteHoldfast(self.server, "embedding.openai.api_key_env=TEST_NO_SUCH_KEY")
            self.addCleanup(shutil.rmtree, daemon.folder, True)
            daemon.start()


@unittest.skipUnless(shutil.which("openssl"), "there is no openssl command to make certificates with")
class OverTls(unittest.TestCase):
    def setUp(self):
        folder = tempfile.mkdtemp(prefix="holdfast-embedding-tls-")
        self.addCleanup(shutil.rmtree, folder)
        self.certificate, key = os.path.join(folder, "server.crt"), os.path.join(folder, "server.key")
        subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2",
                        "-subj", "/CN=embedding", "-addext", "subjectAltName=IP:127.0.0.1", "-out", self.certificate, "-keyout", key],
                       check=True, capture_output=True, stdin=subprocess.DEVNULL)
        self.server = EmbeddingServer(tls=(self.certificate, key)).start()
        self.addCleanup(self.server.stop)

    def test_a_verified_server_is_used(self):
        with RemoteHoldfast(self.server, scheme="https", environment={"SSL_CERT_FILE": self.certificate}) as d:
            user = d.make_user()
            d.add(d.make_session(user), "I bought an automobile")
            d.wait_for("it is found", lambda: d.ask(user, "vehicle", store_type="vector")[0] == ["I bought an automobile"])

    def test_an_unknown_certificate_is_sent_nothing(self):
        with RemoteHoldfast(self.server, scheme="https") as d:
            user = d.make_user()
            d.add(d.make_session(user), "I bought an automobile")
            self.assertTrue(d.ask(user, "automobile")[1]["degraded"])
            self.assertEqual(self.server.requests, [])


if __name__ == "__main__":
    unittest.main(argv=sys.argv)
