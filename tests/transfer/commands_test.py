"""holdfastd import and export as an operator meets them: files, pipes, a killed run, a running daemon."""

import http.server
import json
import os
import signal
import sqlite3
import subprocess
import sys
import tempfile
import threading
import unittest

PROJECT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
sys.path.insert(0, os.path.join(PROJECT, "tests", "http"))

from holdfast_process import BINARY, Holdfast  # noqa: E402

DONE, SKIPPED, REFUSED, STOPPED, FAILED = range(5)


def message(number, **more):
    return {"user": f"user {number % 3}", "agent": "bot", "session": f"talk {number % 5}",
            "role": ("user", "assistant")[number % 2], "content": f"message number {number} «ü»", **more}


def to_lines(messages):
    return "".join(json.dumps(entry) + "\n" for entry in messages)


class Commands(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.TemporaryDirectory(prefix="holdfast-transfer-")
        self.addCleanup(self.folder.cleanup)

    def path(self, name):
        return os.path.join(self.folder.name, name)

    def write(self, name, text):
        with open(self.path(name), "w", encoding="utf-8") as out:
            out.write(text)
        return self.path(name)

    def command(self, *arguments, data="data", settings=()):
        command = [os.path.join(PROJECT, BINARY), *arguments, "--config", os.path.join(PROJECT, "config/testing.yaml")]
        for setting in (f"journal.dir={self.path(data)}/journal", f"store.sqlite.path={self.path(data)}/h.db", *settings):
            command += ["--set", setting]
        return command

    def run_command(self, *arguments, code=DONE, text=None, **more):
        done = subprocess.run(self.command(*arguments, **more), input=text, capture_output=True, encoding="utf-8",
                              timeout=120, cwd=self.folder.name)
        self.assertEqual(done.returncode, code, done.stderr)
        return done

    def exported(self, *arguments, **more):
        return self.run_command("export", *arguments, **more).stdout

    def contents(self, **more):
        return [json.loads(line)["content"] for line in self.exported(**more).splitlines()]

    def test_what_is_exported_imports_as_the_same(self):
        messages = [message(number, metadata={"n": number, "deep": {"a": [1.5, None]}} if number % 4 == 0 else {})
                    for number in range(700)]
        messages[3]["id"] = "chosen"
        messages[4]["created_at"] = "2024-02-29T12:00:00.5+01:00"
        self.run_command("import", self.write("in", to_lines(messages)), settings=["memory.streaming.chunk_size=90"])
        first = self.exported()
        self.assertEqual(len(first.splitlines()), 700)
        self.assertIn('"id":"chosen"', first)
        self.assertIn("2024-02-29T11:00:00.500000Z", first)
        self.run_command("import", "-", text=first, data="other")
        self.assertEqual(self.exported(data="other"), first)
        with sqlite3.connect(self.path("other/h.db")) as base:
            wrong = base.execute("SELECT s.name FROM sessions s JOIN items i ON i.session_no = s.no GROUP BY s.no "
                                 "HAVING max(i.seq) <> count(*) OR s.last_seq <> count(*)").fetchall()
        self.assertEqual(wrong, [], "a session's messages are numbered without gaps")
        mine = self.exported("--user", "user 1").splitlines()
        self.assertEqual(mine, [line for line in first.splitlines() if json.loads(line)["user"] == "user 1"])

    def test_imported_messages_are_found_by_a_daemon(self):
        with Holdfast() as daemon:
            daemon.stop()
            settings = [f"journal.dir={daemon.folder}/journal", f"store.sqlite.path={daemon.folder}/holdfast.db"]
            self.run_command("import", "-", text=to_lines([message(1, content="the zebra sleeps"), message(1)]),
                             settings=settings)
            daemon.start()
            user = daemon.get("/api/v1/users?name=user+1").data["users"][0]["id"]
            self.assertEqual(daemon.query(user, "zebra")[0]["content"], "the zebra sleeps")
            session = daemon.get(f"/api/v1/sessions?user_id={user}").data["sessions"][0]["id"]
            daemon.add(session, "and wakes")
            listed = daemon.get(f"/api/v1/sessions/{session}/messages?order=asc").data["messages"]
            self.assertEqual(listed[-1]["content"], "and wakes")
            self.assertEqual(len(listed), 3)

    def test_a_wrong_line_stops_or_is_skipped_by_its_number(self):
        lines = to_lines(message(number) for number in range(5)).splitlines()
        lines[2] = '{"user": "u"'
        file = self.write("in", "\n".join(lines))
        done = self.run_command("import", file, code=STOPPED)
        self.assertIn("line 3: it is not valid JSON", done.stderr)
        self.assertEqual(len(self.contents()), 2)
        done = self.run_command("import", file, "--on-error", "skip", code=SKIPPED)
        self.assertIn("5 lines, 2 added, 2 there already, 1 wrong", done.stderr)
        self.assertEqual(len(self.contents()), 4)

    def test_the_same_id_with_other_content_is_wrong(self):
        self.run_command("import", "-", text=to_lines([message(1, id="a")]))
        done = self.run_command("import", "-", "--on-error", "skip", code=SKIPPED,
                                text=to_lines([message(1, id="a", content="else"), message(1, id="b")]))
        self.assertIn("line 1: the user has a message of this id with other content", done.stderr)
        self.assertEqual(len(self.contents()), 2)

    def test_a_dry_run_writes_nothing(self):
        done = self.run_command("import", "-", "--dry-run", "--on-error", "skip", code=SKIPPED,
                                text=to_lines([message(1)]) + "{}\n")
        self.assertIn("line 2: user is missing or empty", done.stderr)
        self.assertIn("checked, nothing written: 2 lines, 1 right, 0 there already, 1 wrong", done.stderr)
        self.assertEqual(os.listdir(self.folder.name), [])

    def test_a_killed_run_goes_on_and_nothing_is_there_twice(self):
        count = 3000
        file = self.write("in", to_lines(message(number) for number in range(count)))
        small = ["memory.streaming.chunk_size=50"]
        with subprocess.Popen(self.command("import", file, "--resume", settings=small), stderr=subprocess.DEVNULL) as run:
            while run.poll() is None and not os.path.exists(file + ".holdfast-import"):
                pass  # until a first chunk is noted
            run.send_signal(signal.SIGKILL)
            self.assertEqual(run.wait(), -signal.SIGKILL, "it was killed in the middle")
        before = len(self.contents())
        self.assertLess(before, count)
        done = self.run_command("import", file, "--resume", settings=small)
        self.assertNotIn(f"{count} added", done.stderr)
        self.assertEqual(sorted(self.contents()), sorted(message(number)["content"] for number in range(count)))
        with open(file, "a", encoding="utf-8") as out:
            out.write(to_lines([message(count)]))
        done = self.run_command("import", file, "--resume")
        self.assertIn(f"{count + 1} lines, 1 added, 0 there already", done.stderr)

    def test_a_lost_resume_point_does_no_harm(self):
        file = self.write("in", to_lines(message(number) for number in range(100)))
        self.run_command("import", file, "--resume")
        self.run_command("import", file, "--resume", data="other")
        self.assertEqual(len(self.contents(data="other")), 100, "a point is of one store")
        os.remove(file + ".holdfast-import")
        done = self.run_command("import", file, "--resume")
        self.assertIn("0 added, 100 there already", done.stderr)

    def test_into_a_running_daemon(self):
        text = to_lines(message(number) for number in range(400)) + "{}\n"
        with Holdfast() as daemon:
            file = self.write("in", text)
            url = f"http://127.0.0.1:{daemon.port}"
            done = self.run_command("import", file, "--url", url, "--on-error", "skip", code=SKIPPED,
                                    settings=["memory.streaming.chunk_size=150"])
            self.assertIn("line 401: user is missing or empty", done.stderr)
            self.assertIn("401 lines, 400 added, 0 there already, 1 wrong", done.stderr)
            again = self.run_command("import", file, "--url", url, "--on-error", "skip", code=SKIPPED)
            self.assertIn("401 lines, 0 added, 400 there already, 1 wrong", again.stderr)
            daemon.flush()
            settings = [f"journal.dir={daemon.folder}/journal", f"store.sqlite.path={daemon.folder}/holdfast.db"]
            refused = self.run_command("export", code=REFUSED, settings=settings)
            self.assertIn("journal", refused.stderr, "the daemon holds it")
            for arguments in (["export"], ["import", file]):  # of the right store beside another journal
                refused = self.run_command(*arguments, code=REFUSED, settings=settings[1:])
                self.assertIn("holdfast.db: in use by another process", refused.stderr)
            self.assertEqual(len(self.exported("--stored-only", settings=settings).splitlines()), 400)
            daemon.stop()
            self.assertEqual(sorted(self.contents(settings=settings)),
                             sorted(message(number)["content"] for number in range(400)))

    def test_what_an_overloaded_server_took_before_counts_as_added(self):
        taken = [{"accepted": 2, "repeated": 0, "rejected": 2, "overloaded": True, "errors": []},
                 {"accepted": 4, "repeated": 3, "rejected": 0, "overloaded": False, "errors": []}]

        class Server(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def answer(self, code, data):
                body = json.dumps({"data": data}).encode()
                self.send_response(code)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def do_GET(self):
                self.answer(404, None)

            def do_POST(self):
                self.rfile.read(int(self.headers["Content-Length"]))
                kind = self.path.rsplit("/", 1)[1]
                self.answer(201, taken.pop(0) if kind == "batch" else {kind[:-1]: {"id": kind, "agent_id": "agents"}})

            def log_message(self, *_):
                pass

        with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Server) as server:
            threading.Thread(target=server.serve_forever, daemon=True).start()
            done = self.run_command("import", "-", "--url", f"http://127.0.0.1:{server.server_port}",
                                    text=to_lines(message(number) for number in range(4)))
            server.shutdown()
        self.assertIn("4 lines, 3 added, 1 there already, 0 wrong", done.stderr)

    def test_a_url_that_is_none_is_refused(self):
        done = self.run_command("import", "-", "--url", "https://127.0.0.1", code=REFUSED, text="")
        self.assertIn("is not http://HOST[:PORT]", done.stderr)

    def test_what_waits_in_the_journal_is_not_passed_over(self):
        with Holdfast("buffer.performance.flush_strategy=size_based", "buffer.hybrid_buffer.max_size=50") as daemon:
            daemon.add(daemon.make_session(), "only in the journal")
            daemon.kill()
            settings = [f"journal.dir={daemon.folder}/journal", f"store.sqlite.path={daemon.folder}/holdfast.db"]
            for arguments in (["export"], ["import", "-"]):
                refused = self.run_command(*arguments, code=REFUSED, settings=settings, text="")
                self.assertIn("1 operations", refused.stderr)

    def test_a_terminal_gets_a_bar_with_rate_and_time_left(self):
        file = self.write("many.ndjson", to_lines(message(number) for number in range(30_000)))
        ours, its = os.openpty()
        process = subprocess.Popen(self.command("import", file), stderr=its, stdout=subprocess.DEVNULL, cwd=self.folder.name)
        os.close(its)
        shown = b""
        try:
            while part := os.read(ours, 4096):
                shown += part
        except OSError:
            pass  # the other end is closed
        os.close(ours)
        self.assertEqual(process.wait(120), DONE, shown)
        shown = shown.decode()
        self.assertRegex(shown, r"\r\[=* *\] +\d+ %  \d+ lines, .* \d+ lines/s, \d+:\d\d left")
        self.assertIn("imported: 30000 lines, 30000 added", shown)

    def test_what_cannot_be_done_is_said_by_name(self):
        self.run_command("import", "-", text=to_lines([message(1)]))
        self.assertIn(f"{self.folder.name}: is a directory", self.run_command("import", self.folder.name, code=REFUSED).stderr)
        self.assertIn("--on-error: go-on not in {stop,skip}",
                      self.run_command("import", "-", "--on-error", "go-on", code=REFUSED, text="").stderr)
        self.assertIn("no user with the name nobody",
                      self.run_command("export", "--user", "user 1", "--user", "nobody", self.path("out"), code=FAILED).stderr)
        self.assertFalse(os.path.exists(self.path("out")))

    def test_an_existing_file_is_not_overwritten(self):
        self.run_command("import", "-", text=to_lines([message(1)]))
        self.run_command("export", self.path("out"))
        self.run_command("export", self.path("out"), code=REFUSED)
        with open(self.path("out"), encoding="utf-8") as out:
            self.assertEqual(len(out.readlines()), 1)


if __name__ == "__main__":
    unittest.main(argv=sys.argv)
