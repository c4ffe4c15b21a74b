"""The judge itself: each kind of violation, planted, is found; without one nothing is."""

import json
import os
import sys
import unittest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from ledger import Ledger, Message, Request  # noqa: E402


class Judge(unittest.TestCase):
    def setUp(self):
        self.ledger = Ledger()
        self.rows = []
        for first in (1, 3, 5):  # three acked requests of two messages
            self.acked(self.send(f"a{first}", f"a{first + 1}"), first)

    def send(self, *tokens):
        request = Request("user", "session", [Message(t, "user", f"{t} text") for t in tokens])
        self.ledger.sending(request)
        return request

    def answer(self, request, status, data="", headers=()):
        self.ledger.answered(request, 0.0, status, headers, data)

    def acked(self, request, first):
        tokens = [message.token for message in request.messages]
        data = {"message_ids": [f"id-{t}" for t in tokens], "first_seq": first, "last_seq": first + len(tokens) - 1}
        self.answer(request, 201, json.dumps({"data": data}))
        self.rows += [self.row(token, first + n) for n, token in enumerate(tokens)]

    def row(self, token, seq, content=None):
        return [f"id-{token}", content or f"{token} text", seq, 0, "session", "user"]

    def found(self, dead=(), gaps_allowed=False):
        self.ledger.compare(self.rows, set(dead), gaps_allowed)
        return dict(self.ledger.findings)

    def test_nothing_is_found_where_all_is_right(self):
        self.assertEqual(self.found(), {})

    def test_an_acked_message_that_is_missing_is_lost(self):
        self.rows.pop()
        self.assertEqual(self.found(), {"lost": 1})

    def test_a_dead_letter_is_not_lost(self):
        self.rows.pop()
        self.assertEqual(self.found(dead=["id-a6"]), {})

    def test_stored_and_dead_is_twice(self):
        self.assertEqual(self.found(dead=["id-a6"]), {"duplicated": 1})

    def test_one_id_has_one_row(self):
        self.rows.append(self.row("a6", 7))
        self.assertEqual(self.found()["duplicated"], 2)  # the id and the content

    def test_one_content_has_one_row(self):
        self.rows.append(["another", *self.row("a6", 7)[1:]])
        self.assertEqual(self.found(), {"duplicated": 1})

    def test_another_content_is_wrong(self):
        self.rows[0][1] = "a1 texT"
        self.assertEqual(self.found(), {"wrong": 1})

    def test_another_id_session_or_role_is_wrong(self):
        self.rows[0][0], self.rows[1][3], self.rows[2][5] = "another", 1, "somebody"
        self.assertEqual(self.found(), {"wrong": 3})

    def test_a_message_nobody_sent_is_wrong(self):
        self.rows.append(self.row("b1", 7))
        self.assertEqual(self.found(), {"wrong": 1})

    def test_a_refused_message_must_not_be_stored(self):
        self.answer(self.send("r1"), 503, "overloaded", {"retry-after": "1"})
        self.assertEqual(self.found(), {})
        self.rows.append(self.row("r1", 7))
        self.assertEqual(self.found(), {"wrong": 1})

    def test_an_unknown_message_may_be_stored_whole_or_not_at_all(self):
        self.ledger.broken(self.send("u1", "u2"))
        self.answer(self.send("u3"), 503, "the outcome is unknown", {"retry-after": "1"})
        self.assertEqual(self.found(), {})
        self.rows.append(self.row("u1", 7))
        self.assertEqual(self.found(), {"wrong": 1})
        self.rows += [self.row("u2", 8), self.row("u3", 9)]
        self.assertEqual(self.found(), {"wrong": 1})
        self.rows.pop()  # stored once, then gone
        self.assertEqual(self.found(), {"wrong": 1, "lost": 1})

    def test_the_answered_number_is_the_stored_one(self):
        self.rows[4][2], self.rows[5][2] = 6, 5
        self.assertGreater(self.found()["reordered"], 0)

    def test_numbers_have_no_gaps_and_are_given_once(self):
        self.ledger.broken(self.send("u1"))
        self.rows.append(self.row("u1", 8))
        self.assertEqual(self.found(gaps_allowed=True), {})
        self.assertEqual(self.found(), {"reordered": 1})
        self.rows[-1][2] = 6
        self.assertEqual(self.found(), {"reordered": 2})

    def test_what_was_sent_after_an_answer_comes_after_it(self):
        early, late = self.ledger.requests[0], self.ledger.requests[2]
        for request, first in ((early, 5), (late, 1)):
            for offset, message in enumerate(request.messages):
                message.seq = first + offset
        self.rows = [self.row("a5", 1), self.row("a6", 2), self.row("a3", 3), self.row("a4", 4), self.row("a1", 5), self.row("a2", 6)]
        self.assertGreater(self.found()["reordered"], 0)

    def test_a_repeat_answered_with_another_id_or_number_is_a_duplicate(self):
        request = self.ledger.requests[0]
        self.ledger.sending(request)
        data = {"message_ids": ["id-a1", "id-new"], "first_seq": 7, "last_seq": 8}
        self.answer(request, 201, json.dumps({"data": data}))
        self.assertEqual(dict(self.ledger.findings), {"duplicated": 3})

    def test_a_refusal_says_when_to_try_again(self):
        self.answer(self.send("r1"), 429, "slow down")
        self.assertEqual(dict(self.ledger.findings), {"wrong": 1})

    def test_at_a_cut_what_is_not_acked_is_unknown(self):
        self.send("u1")
        cut = self.ledger.as_of_now()
        self.assertEqual((cut.count("acked"), cut.count("unknown")), (6, 1))
        cut.compare(self.rows[:4], set(), True)
        self.assertEqual(dict(cut.findings), {"lost": 2})


if __name__ == "__main__":
    unittest.main()
