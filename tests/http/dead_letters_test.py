"""Dead letters: what the store refuses for good is set aside by the message, survives, and can be retried or
removed; when everything is refused it is an outage, and nothing is given up. A trigger in the database refuses."""

import os
import re
import sqlite3
import threading
import unittest

from holdfast_process import Holdfast

KEYS = {"id", "user_id", "session_id", "message_id", "operation", "reason", "attempts", "died_at"}
MOST_IN_A_ROW = 10  # refused one after the other before it counts as an outage
REFUSE_POISON = "BEFORE INSERT ON items WHEN NEW.content LIKE '%poison%'"
REFUSE_ALL = "BEFORE INSERT ON items"
QUICK = ("buffer.performance.retry_delay=5ms", "buffer.performance.flush_interval=50ms",
         "buffer.hybrid_buffer.auto_flush_interval=50ms")


class RefusingHoldfast(Holdfast):
    def database(self, statement, *arguments):
        connection = sqlite3.connect(os.path.join(self.folder, "holdfast.db"), timeout=20, isolation_level=None)
        try:
            return connection.execute(statement, arguments).fetchall()
        finally:
            connection.close()

    def refuse(self, when=REFUSE_POISON, name="refusal"):
        self.database(f"CREATE TRIGGER {name} {when} BEGIN SELECT RAISE(ABORT, 'refused by test'); END")

    def allow(self, name="refusal"):
        self.database(f"DROP TRIGGER {name}")

    def stored(self, session):
        """(content, sequence number) in order."""
        return self.database("SELECT i.content, i.seq FROM items i JOIN sessions s ON s.no = i.session_no "
                             "WHERE s.id = ? ORDER BY i.seq", session)

    def letters(self):
        answer = self.get("/api/v1/dead-letters")
        assert answer.status == 200, answer.text
        assert answer.data["total"] == len(answer.data["dead_letters"]), answer.text
        return answer.data["dead_letters"]

    def refused_writes(self):
        counters = re.findall(r"^holdfast_retried_batches_total.* (\d+)$", self.get("/metrics").text, re.MULTILINE)
        return sum(map(int, counters))

    def retry(self, letter):
        return self.post(f"/api/v1/dead-letters/{letter['id']}/retry")

    def remove(self, letter):
        return self.delete(f"/api/v1/dead-letters/{letter['id']}")

    def health(self):
        return {entry["componentType"]: entry for entries in self.get("/health/buffer").json["checks"].values() for entry in entries}


class DeadLetters(unittest.TestCase):
    def daemon(self, *settings):
        d = RefusingHoldfast(*QUICK, *settings)
        d.start()
        self.addCleanup(d.__exit__, None, None, None)
        return d

    def wait_for_letters(self, daemon, count):
        daemon.wait_until(lambda: len(daemon.letters()) >= count)
        self.assertEqual(len(daemon.letters()), count)

    def with_poison(self, *settings, contents=("good 1", "poison 2", "good 3", "good 4", "poison 5", "good 6")):
        d = self.daemon(*settings)
        user = d.make_user()
        session = d.make_session(user)
        d.refuse()
        ids = d.add(session, *contents)
        self.wait_for_letters(d, sum("poison" in content for content in contents))
        d.wait_until(lambda: len(d.stored(session)) == sum("good" in content for content in contents))
        return d, user, session, ids

    def test_good_messages_are_stored_and_the_poison_is_set_aside(self):
        d, user, session, ids = self.with_poison()
        self.assertEqual(d.stored(session), [("good 1", 1), ("good 3", 3), ("good 4", 4), ("good 6", 6)])
        letters = {letter["message_id"]: letter for letter in d.letters()}
        self.assertEqual(set(letters), {ids[1], ids[4]})
        for letter in letters.values():
            self.assertEqual(set(letter), KEYS)
            self.assertEqual((letter["user_id"], letter["session_id"]), (user, session))
            self.assertIn("refused by test", letter["reason"])
            self.assertNotIn("poison", str(letter))
            self.assertGreaterEqual(letter["attempts"], 1)
            self.assertRegex(letter["died_at"], r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d")
        self.assertEqual(d.health()["dead_letters"]["status"], "warn")
        self.assertEqual(d.get("/health/buffer").json["status"], "warn")
        self.assertNotIn("poison", d.log)
        # They are owed to nobody as messages meanwhile.
        self.assertEqual([m["content"] for m in d.get(f"/api/v1/sessions/{session}/messages?order=asc").data["messages"]],
                         ["good 1", "good 3", "good 4", "good 6"])
        self.assertEqual([r for r in d.query(user, "poison", top_k=50) if "poison" in r["content"]], [])
        d.add(session, "good 7")
        d.flush()
        self.assertEqual(d.stored(session)[-1], ("good 7", 7))

    def test_over_many_batches_and_sessions(self):
        d = self.daemon("buffer.round_buffer.max_size=1", "buffer.hybrid_buffer.max_size=2")
        d.refuse()
        user = d.make_user()
        sessions = [d.make_session(user) for _ in range(4)]
        for i in range(12):
            for session in sessions:
                d.add(session, f"good {i} a", f"poison {i}" if i % 4 == 1 else f"good {i} b", f"good {i} c")
        d.flush()
        self.wait_for_letters(d, 12)
        for session in sessions:
            expected = [(f"good {i} {part}", 3 * i + n + 1) for i in range(12) for n, part in enumerate("abc")
                        if not (i % 4 == 1 and part == "b")]
            self.assertEqual(d.stored(session), expected)

    def test_a_retry_stores_with_the_old_sequence_number(self):
        d, user, session, ids = self.with_poison()
        d.allow()
        for letter in d.letters():
            answer = d.retry(letter)
            self.assertEqual(answer.status, 200, answer.text)
        d.flush()
        self.assertEqual(d.letters(), [])
        self.assertEqual(d.stored(session), [("good 1", 1), ("poison 2", 2), ("good 3", 3), ("good 4", 4), ("poison 5", 5), ("good 6", 6)])
        listing = d.get(f"/api/v1/sessions/{session}/messages?order=asc").data["messages"]
        self.assertEqual([m["id"] for m in listing], ids)
        self.assertEqual(d.query(user, "poison 5")[0]["id"], ids[4])
        self.assertEqual(d.health()["dead_letters"]["status"], "pass")
        self.assertEqual(d.post(f"/api/v1/sessions/{session}/messages", {"messages": [{"role": "user", "content": "next"}]}).data["first_seq"], 7)

    def test_a_retry_that_is_refused_again_dies_again(self):
        d, _, session, ids = self.with_poison(contents=("good 1", "poison 2"))
        first, = d.letters()
        self.assertEqual(d.retry(first).status, 200)
        d.wait_until(lambda: [letter["id"] for letter in d.letters() if letter["id"] != first["id"]] or
                     d.letters() and d.letters()[0]["died_at"] != first["died_at"])
        again, = d.letters()
        self.assertEqual(again["message_id"], ids[1])
        self.assertEqual(d.stored(session), [("good 1", 1)])

    def test_a_retry_twice_at_once_stores_once(self):
        d, _, session, _ = self.with_poison(contents=("good 1", "poison 2"))
        letter, = d.letters()
        d.allow()
        statuses = []
        threads = [threading.Thread(target=lambda: statuses.append(d.retry(letter).status)) for _ in range(6)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        self.assertIn(200, statuses)
        self.assertLessEqual(set(statuses), {200, 404, 409})  # 409: while another is under way
        d.flush()
        self.assertEqual((d.stored(session), d.letters()), ([("good 1", 1), ("poison 2", 2)], []))

    def test_removed_is_gone_for_good(self):
        d, _, session, _ = self.with_poison(contents=("good 1", "poison 2", "poison 3"))
        kept, removed = d.letters()
        self.assertEqual(d.remove(removed).status, 200)
        self.assertEqual((d.remove(removed).status, d.retry(removed).status), (404, 404))
        d.kill()
        d.start()
        self.assertEqual(d.letters(), [kept])
        d.allow()
        d.flush()
        self.assertEqual(d.stored(session), [("good 1", 1)])

    def test_they_survive(self):
        d, user, session, _ = self.with_poison()
        letters = d.letters()
        self.assertEqual(d.stop(), 0)
        d.start()
        self.assertEqual(d.letters(), letters)
        d.kill()
        d.start()
        self.assertEqual(d.letters(), letters)
        self.assertEqual(d.health()["dead_letters"]["status"], "warn")
        d.flush()
        self.assertEqual([seq for _, seq in d.stored(session)], [1, 3, 4, 6])
        d.allow()
        for letter in letters:
            self.assertEqual(d.retry(letter).status, 200)
        d.kill()  # taken in again means as durable as any message
        d.start()
        d.flush()
        self.assertEqual([seq for _, seq in d.stored(session)], [1, 2, 3, 4, 5, 6])
        self.assertEqual(d.letters(), [])

    def test_a_letter_is_not_delivered_as_well_after_a_kill(self):
        """What is stored and what is dead have nothing in common, whenever the kill comes."""
        d = self.daemon()
        session = d.make_session()
        d.refuse()
        for round_number in range(5):
            d.add(session, "good", "poison")
            d.wait_until(lambda: len(d.letters()) == round_number + 1)
            d.kill()
            d.allow()
            d.start()
            d.flush()
            self.assertEqual([content for content, _ in d.stored(session)], ["good"] * (round_number + 1))
            self.assertEqual(len(d.letters()), round_number + 1)
            d.refuse()

    def test_killed_while_dying(self):
        d = self.daemon()
        session = d.make_session()
        d.refuse()
        texts = [f"{'poison' if i % 5 == 2 else 'good'} {i}" for i in range(30)]
        for text in texts:
            d.add(session, text)
        for _ in range(4):
            d.kill()
            d.start()
        d.flush()
        d.wait_until(lambda: len(d.stored(session)) == 24)
        self.assertEqual([content for content, _ in d.stored(session)], [t for t in texts if "good" in t])
        self.assertEqual(len({letter["message_id"] for letter in d.letters()}), 6)
        self.assertEqual(len(d.letters()), 6)

    def fill(self, daemon, sessions, count):
        for i in range(count):
            for session in sessions:
                daemon.add(session, f"message {i}")

    def check_outage(self, session_count, count, *settings):
        d = self.daemon(*settings)
        sessions = [d.make_session(d.make_user(f"u{i}")) for i in range(session_count)]
        d.refuse(REFUSE_ALL)
        self.fill(d, sessions, count)
        d.wait_until(lambda: len(d.letters()) > 0)
        d.post("/api/v1/buffer/flush", {"wait": False})
        stable = self.settle(d)
        self.assertLessEqual(stable, MOST_IN_A_ROW)
        self.assertEqual(sum(len(d.stored(session)) for session in sessions), 0)
        d.allow()
        d.wait_until(lambda: sum(len(d.stored(session)) for session in sessions) == session_count * count - len(d.letters()))
        self.assertEqual(len(d.letters()), stable)
        for letter in d.letters():
            self.assertEqual(d.retry(letter).status, 200)
        d.flush()
        for session in sessions:
            self.assertEqual(d.stored(session), [(f"message {i}", i + 1) for i in range(count)])

    def settle(self, daemon):
        """The number of letters once five refused writes in a row have added none."""
        letters, refused = -1, 0

        def stands_still():
            nonlocal letters, refused
            now = len(daemon.letters())
            if now != letters:
                letters, refused = now, daemon.refused_writes()
            return daemon.refused_writes() >= refused + 5

        daemon.wait_until(stands_still)
        return letters

    def test_when_all_is_refused_nearly_nothing_is_given_up(self):
        self.check_outage(1, 40)

    def test_when_all_is_refused_in_many_sessions_at_once(self):
        self.check_outage(25, 3, "server.shards=4", "buffer.performance.max_flush_workers=8")

    def test_an_outage_does_not_end_by_a_restart(self):
        d = self.daemon()
        session = d.make_session()
        d.refuse(REFUSE_ALL)
        self.fill(d, [session], 40)
        total = self.settle(d)
        self.assertLessEqual(total, MOST_IN_A_ROW)
        d.kill()
        d.start()
        self.assertLessEqual(self.settle(d), 2 * MOST_IN_A_ROW)
        d.allow()
        d.wait_until(lambda: len(d.stored(session)) == 40 - len(d.letters()))
        for letter in d.letters():
            self.assertEqual(d.retry(letter).status, 200)
        d.flush()
        self.assertEqual(d.stored(session), [(f"message {i}", i + 1) for i in range(40)])

    def test_a_session_that_works_does_not_wait_for_one_that_is_refused(self):
        d = self.daemon()
        user = d.make_user()
        bad, good = d.make_session(user), d.make_session(user)
        number, = d.database("SELECT no FROM sessions WHERE id = ?", bad)[0]
        d.refuse(f"BEFORE INSERT ON items WHEN NEW.session_no = {number}")
        d.add(bad, *[f"b{i}" for i in range(5)])
        d.add(good, *[f"g{i}" for i in range(5)])
        d.wait_until(lambda: len(d.stored(good)) == 5)
        self.assertEqual([content for content, _ in d.stored(good)], [f"g{i}" for i in range(5)])
        self.assertEqual(len(d.stored(bad)), 0)

    def test_changes_that_are_refused_are_letters_too(self):
        d = self.daemon()
        session = d.make_session()
        path = f"/api/v1/sessions/{session}/messages"
        one, two, three = d.add(session, "first", "second", "third")
        d.flush()
        d.refuse("BEFORE UPDATE ON items WHEN NEW.content LIKE '%poison%'", "no_update")
        d.refuse("BEFORE DELETE ON items WHEN OLD.content = 'third'", "no_delete")
        statuses = [d.put(path, {"message_ids": [one], "new_messages": [{"role": "user", "content": "poison"}]}).status,
                    d.put(path, {"message_ids": [two], "new_messages": [{"role": "user", "content": "fine"}]}).status,
                    d.delete(path, {"message_ids": [three]}).status]
        self.assertEqual(statuses, [200, 200, 200])
        self.wait_for_letters(d, 2)
        self.assertEqual({letter["message_id"] for letter in d.letters()}, {one, three})
        self.assertEqual(len({letter["operation"] for letter in d.letters()}), 2)
        d.wait_until(lambda: ("fine", 2) in d.stored(session))
        d.allow("no_update")
        d.allow("no_delete")
        for letter in d.letters():
            self.assertEqual(d.retry(letter).status, 200)
        d.flush()
        self.assertEqual(d.stored(session), [("poison", 1), ("fine", 2)])
        self.assertEqual(d.letters(), [])

    def test_a_letter_of_a_deleted_session(self):
        d, user, session, _ = self.with_poison(contents=("good 1", "poison 2"))
        letter, = d.letters()
        d.allow()
        self.assertEqual(d.delete(f"/api/v1/sessions/{session}").status, 200)
        self.assertIn(d.retry(letter).status, (200, 404, 409))
        d.flush()
        self.assertEqual(d.database("SELECT count(*) FROM items")[0][0], 0)
        if d.letters():
            self.assertEqual(d.remove(letter).status, 200)
        self.assertEqual(d.letters(), [])

    def test_a_message_deleted_after_it_died_does_not_come_back(self):
        d, _, session, ids = self.with_poison(contents=("good 1", "poison 2"))
        letter, = d.letters()
        d.allow()
        self.assertIn(d.delete(f"/api/v1/sessions/{session}/messages", {"message_ids": [ids[1]]}).status, (200, 404))
        self.assertEqual(d.stored(session), [("good 1", 1)])
        self.assertIn(d.retry(letter).status, (200, 404))

    def test_bypass_refuses_at_once(self):
        d = self.daemon("buffer.enabled=false")
        session = d.make_session()
        d.refuse()
        path = f"/api/v1/sessions/{session}/messages"
        d.add(session, "good 1")
        answer = d.post(path, {"messages": [{"role": "user", "content": "poison"}]})
        self.assertGreaterEqual(answer.status, 400)
        d.add(session, "good 2")
        d.allow()
        self.assertEqual([content for content, _ in d.stored(session)], ["good 1", "good 2"])
        d.kill()
        d.start()
        d.flush()
        self.assertEqual([content for content, _ in d.stored(session)], ["good 1", "good 2"])

    def test_unknown_ids(self):
        d = self.daemon()
        for unknown in ("nothing", "0", "-1", "..", "..%2f..%2fholdfast.db", "%2e%2e", "a" * 1000, "*", "1.tmp"):
            with self.subTest(unknown[:20]):
                for answer in (d.post(f"/api/v1/dead-letters/{unknown}/retry"), d.delete(f"/api/v1/dead-letters/{unknown}")):
                    self.assertEqual(answer.status, 404, answer.text)
                    self.assertEqual(set(answer.json), {"status", "code", "data", "message", "errors"})
        self.assertTrue(os.path.exists(os.path.join(d.folder, "holdfast.db")))
        self.assertEqual(d.letters(), [])
        self.assertEqual(d.health()["dead_letters"]["status"], "pass")


if __name__ == "__main__":
    unittest.main()
