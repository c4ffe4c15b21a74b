"""Questions of LoCoMo conversations (../shared/data/locomo beside the project) asked of a running daemon while half of each
session is stored and half is buffered, and again once all is stored: the same results in the same order with the same
scores, and the recall that the scoring promises. Skipped where there are none."""

import glob
import json
import os
import sys
import unittest

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(os.path.dirname(HERE), "http"))
from holdfast_process import PROJECT, Holdfast  # noqa: E402

LOCOMO = os.path.join(os.path.dirname(PROJECT), "shared", "data", "locomo")
FIRST_RESULTS = 10
LEAST_RECALL = 0.66  # of each question's evidence among the first results, on average over the conversations
FILES = sorted(glob.glob(os.path.join(LOCOMO, "*.json")))


def text_of(turn):
    caption = f" [{turn['blip_caption']}]" if "blip_caption" in turn else ""
    return f"{turn['speaker']}: {turn['text']}{caption}"


class Recall(unittest.TestCase):
    def setUp(self):
        if not FILES:
            print(f"SKIPPED recall on LoCoMo (no conversations in {LOCOMO})", file=sys.stderr)
            self.skipTest("no conversations")
        # Nothing is flushed but when the test says so.
        self.d = Holdfast("buffer.hybrid_buffer.enable_auto_flush=false", "buffer.hybrid_buffer.max_size=50",
                          "buffer.round_buffer.max_size=50", "buffer.performance.force_flush_timeout=1h")
        self.d.start()
        self.addCleanup(self.d.__exit__, None, None, None)

    def send(self, session, turns):
        """In pairs; the turns' ids by those of their messages."""
        sent = {}
        for start in range(0, len(turns), 2):
            pair = turns[start:start + 2]
            body = {"messages": [{"role": "user", "content": text_of(turn)} for turn in pair]}
            answer = self.d.post(f"/api/v1/sessions/{session}/messages", body)
            self.assertEqual(answer.status, 201, answer.text)
            sent.update(zip(answer.data["message_ids"], (turn["dia_id"] for turn in pair)))
        return sent

    def answers(self, user, questions):
        """Of each question the ids and scores of its hits; and from where all of them came."""
        hits = [self.d.query(user, question["question"], top_k=FIRST_RESULTS) for question in questions]
        sources = {hit["metadata"]["retrieval"]["source"] for found in hits for hit in found}
        return [[(hit["id"], hit["score"]) for hit in found] for found in hits], sources

    def test_recall_is_the_same_in_buffers_and_store(self):
        recalls = []
        for path in FILES:
            with open(path, encoding="utf-8") as file:
                document = json.load(file)
            recalls.append(self.recall_of(os.path.basename(path), document))
        self.assertGreaterEqual(sum(recalls) / len(recalls), LEAST_RECALL, recalls)

    def recall_of(self, name, document):
        conversation = document.get("conversation", document)
        questions = [question for question in document["qa"] if question.get("evidence")]
        user = self.d.make_user(f"listener to {name}")
        agent = self.d.make_agent(f"agent of {name}")
        sessions, number = [], 1
        while f"session_{number}" in conversation:
            turns = conversation[f"session_{number}"]
            sessions.append((self.d.make_session(user, agent, f"session {number}"), turns))
            number += 1
        turn_of = {}
        # The border between store and buffers runs through every session.
        for session, turns in sessions:
            turn_of.update(self.send(session, turns[:len(turns) // 2]))
        self.d.flush()
        for session, turns in sessions:
            turn_of.update(self.send(session, turns[len(turns) // 2:]))
        partly_stored, sources = self.answers(user, questions)
        self.assertGreater(len(sources), 1, "nothing was buffered")
        self.d.flush()
        self.assertEqual(self.d.post("/api/v1/cache/clear", {}).status, 200)
        stored, sources = self.answers(user, questions)
        self.assertEqual(sources, {"store"})
        for question, before, after in zip(questions, partly_stored, stored):
            self.assertEqual(before, after, question["question"])
        shares = []
        for question, hits in zip(questions, stored):
            found = {turn_of[identifier] for identifier, _ in hits}
            shares.append(len(found.intersection(question["evidence"])) / len(question["evidence"]))
        recall = sum(shares) / len(shares)
        print(f"{name}: recall@{FIRST_RESULTS} {recall:.3f} over HTTP, the same before and after the flush", file=sys.stderr)
        return recall


if __name__ == "__main__":
    unittest.main()
