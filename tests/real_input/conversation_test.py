"""A real conversation through HTTP: every acknowledged turn is found by its own words while buffered, once stored and
after a restart. Uses a LoCoMo conversation where one is at hand (../shared/data/locomo beside the project), else the
small one in this folder."""

import json
import os
import sys
import unittest

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(os.path.dirname(HERE), "http"))
from holdfast_process import PROJECT, Holdfast  # noqa: E402

LOCOMO = os.path.join(os.path.dirname(PROJECT), "shared", "data", "locomo", "30.json")
FIRST_RESULTS = 10


def turns_of(path):
    """Sessions of (role, text): the first speaker is the user, the other the assistant."""
    with open(path, encoding="utf-8") as file:
        conversation = json.load(file)
    conversation = conversation.get("conversation", conversation)
    sessions = []
    number = 1
    while f"session_{number}" in conversation:
        sessions.append([("user" if turn["speaker"] == conversation["speaker_a"] else "assistant",
                          f"{turn['speaker']}: {turn['text']}") for turn in conversation[f"session_{number}"]])
        number += 1
    return sessions


class Conversation(unittest.TestCase):
    def setUp(self):
        path = LOCOMO
        if not os.path.exists(path):
            print(f"SKIPPED the LoCoMo conversation ({os.path.basename(LOCOMO)} is not here): "
                  "running the project's own small conversation", file=sys.stderr)
            path = os.path.join(HERE, "conversation.json")
        self.sessions = turns_of(path)
        self.d = Holdfast()
        self.d.start()

    def tearDown(self):
        self.d.__exit__(None, None, None)

    def test_every_turn_is_found_by_its_own_words(self):
        user = self.d.make_user("listener")
        agent = self.d.make_agent()
        sent = {}
        for number, turns in enumerate(self.sessions):
            session = self.d.make_session(user, agent, f"session {number + 1}")
            for start in range(0, len(turns), 2):
                body = {"messages": [{"role": role, "content": text} for role, text in turns[start:start + 2]]}
                answer = self.d.post(f"/api/v1/sessions/{session}/messages", body)
                self.assertEqual(answer.status, 201, answer.text)
                for identifier, (_, text) in zip(answer.data["message_ids"], turns[start:start + 2]):
                    sent[identifier] = text
        self.assertEqual(len(sent), sum(len(turns) for turns in self.sessions))
        self.find_all(user, sent)
        self.d.flush()
        self.find_all(user, sent)
        self.assertEqual(self.d.stop(), 0)
        self.d.start()
        self.find_all(user, sent)

    def find_all(self, user, sent):
        missing = []
        for identifier, text in sent.items():
            hits = self.d.query(user, text, top_k=FIRST_RESULTS)
            # The same words may have been said twice: then any of those turns is right.
            if text not in [hit["content"] for hit in hits]:
                missing.append(text)
        self.assertEqual(missing, [])


if __name__ == "__main__":
    unittest.main()
