"""Who may do what: keys off and on, admin keys, keys limited to users on every route, reloads, two listeners."""

import json
import os
import re
import subprocess
import unittest

from configured_process import ConfiguredHoldfast, KeyFile
from holdfast_process import BINARY, PROJECT, Holdfast

OPEN_PATHS = ("/api/v1/health", "/health/live", "/health/ready", "/openapi.json")
ADMIN_ROUTES = (("GET", "/api/v1/buffer/stats"), ("POST", "/api/v1/cache/clear"), ("POST", "/api/v1/config/reload"),
                ("GET", "/api/v1/dead-letters"), ("POST", "/api/v1/dead-letters/x/retry"), ("DELETE", "/api/v1/dead-letters/x"),
                ("GET", "/health/buffer"), ("GET", "/health/performance"), ("GET", "/metrics"))
PAGES = ("/", "/status.js", "/status.css")
KEYED_PATHS = ("/api/v1/users", "/api/v1/agents", "/api/v1/sessions", "/api/v1/users/x", "/api/v1/sessions/x/messages")
MESSAGE = {"role": "user", "content": "the treasure lies under the oak"}


def bearer(key):
    return {"Authorization": f"Bearer {key}"}


class KeyedHoldfast(ConfiguredHoldfast):
    """Auth on, with the keys "root" (admin) and "all"."""

    def __init__(self, settings=(), **file):
        super().__init__(file={**file}, settings=settings)
        self.key_file = KeyFile(os.path.join(self.folder, "keys"))
        self.key_file.add("root", "admin")
        self.key_file.add("all")
        self.file.update({"auth.enabled": True, "auth.keys_file": self.key_file.path})
        self.key_name = "root"  # whose key goes with a request

    def start(self):
        self.key_file.write()
        return super().start()

    def request(self, method, path, body=None, headers=None, raw=None):
        if headers is None and self.key_name:
            headers = bearer(self.key_file.keys[self.key_name])
        return super().request(method, path, body, headers, raw)

    def ask(self, name, method, path, body=None):
        return self.request(method, path, body, headers=bearer(self.key_file.keys[name]))


class Off(unittest.TestCase):
    def test_a_key_that_is_sent_is_ignored(self):
        with Holdfast() as d:
            for headers in ({}, bearer("nonsense"), {"X-API-Key": "x"}, {"Authorization": "Basic eDp5"}, {"Authorization": ""}):
                for path in ("/api/v1/users", "/api/v1/buffer/stats", "/metrics", "/"):
                    self.assertEqual(d.get(path, headers=headers).status, 200, (path, headers))


class On(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.d = KeyedHoldfast()
        cls.d.start()

    @classmethod
    def tearDownClass(cls):
        cls.d.__exit__(None, None, None)

    def check_401(self, answer):
        self.assertEqual(answer.status, 401, answer.text)
        self.assertEqual(set(answer.json), {"status", "code", "data", "message", "errors"})
        self.assertIn("bearer", answer.headers["www-authenticate"].lower())

    def test_without_a_right_key(self):
        key = self.d.key_file.keys["root"]
        digest = self.d.key_file.lines["root"].split()[1]
        wrong = ({}, bearer("wrong"), bearer(key[:-1]), bearer(key + "0"), bearer(key.upper()), bearer(digest), {"X-API-Key": "wrong"},
                 {"Authorization": key}, {"Authorization": "Bearer"}, {"Authorization": "Bearer "}, {"X-API-Key": ""},
                 {"Authorization": f"Basic {key}"}, {"Authorization": f"Bearer{key}"}, {"Authorization": f"Bearer {key} x"},
                 {"X-API-Key": f"Bearer {key}"}, {"X-Api_Key": key}, {"Cookie": f"key={key}"})
        for headers in wrong:
            for path in KEYED_PATHS + tuple(path for method, path in ADMIN_ROUTES if method == "GET"):
                with self.subTest(headers=list(headers.items()), path=path):
                    self.check_401(self.d.get(path, headers=headers))
        self.check_401(self.d.get(f"/api/v1/users?api_key={key}&key={key}", headers={}))

    def test_every_form_of_a_right_key(self):
        key = self.d.key_file.keys["all"]
        for headers in (bearer(key), {"X-API-Key": key}, {"x-api-key": key}, {"Authorization": f"bearer {key}"},
                        {"AUTHORIZATION": f"BEARER {key}"}, {"Authorization": f"bEaReR {key}"}, {"X-API-Key": f"  {key}  "},
                        {"Authorization": "Basic eDp5", "X-API-Key": key}):
            with self.subTest(list(headers)):
                self.assertEqual(self.d.get("/api/v1/users", headers=headers).status, 200)

    def test_what_is_open(self):
        for headers in ({}, bearer("wrong")):
            for path in OPEN_PATHS + PAGES:
                self.assertEqual(self.d.get(path, headers=headers).status, 200, path)

    def test_admin_routes_need_an_admin_key(self):
        for method, path in ADMIN_ROUTES:
            with self.subTest(path):
                self.assertEqual(self.d.ask("all", method, path).status, 403)
                self.assertIn(self.d.ask("root", method, path).status, (200, 404))

    def test_a_refused_request_does_nothing(self):
        self.d.request("POST", "/api/v1/users", {"name": "never"}, headers={})
        self.assertEqual(self.d.get("/api/v1/users?name=never").status, 404)

    def test_every_way_to_write_a_path_asks_for_the_key(self):
        for path in ("/metrics/", "/%6detrics", "/metrics?x", "/health%2Fbuffer", "/api/v1/dead-letters/"):
            self.assertIn(self.d.get(path, headers={}).status, (401, 404), path)
            self.assertIn(self.d.ask("all", "GET", path).status, (403, 404), path)

    def test_unknown_paths_say_no_more_than_with_a_key(self):
        self.assertEqual(self.d.get("/nowhere", headers={}).status, 404)


class Limited(unittest.TestCase):
    """Two users; the key "hers" is good for the first alone."""

    @classmethod
    def setUpClass(cls):
        cls.d = d = KeyedHoldfast(settings=("buffer.performance.flush_interval=1h", "buffer.hybrid_buffer.auto_flush_interval=1h",
                                            "buffer.performance.force_flush_timeout=2h"))
        d.start()
        cls.her, cls.him = d.make_user("her"), d.make_user("him")
        cls.agent = d.make_agent("bot")
        cls.hers, cls.his = (d.make_session(user, cls.agent, "same name") for user in (cls.her, cls.him))
        cls.her_message, = d.add(cls.hers, "the picnic is on sunday")
        cls.his_message, = d.add(cls.his, MESSAGE["content"])
        cls.his_fact, = d.post(f"/api/v1/users/{cls.him}/knowledge", {"knowledge": ["oak trees hide treasure"]}).data["knowledge_ids"]
        d.key_file.add("hers", f"users={cls.her}")
        d.key_file.add("both", f"users={cls.her},{cls.him}")
        d.key_file.add("nobody", "users=")
        d.key_file.write()
        assert d.reload().status == 200
        cls.key = d.key_file.keys["hers"]

    @classmethod
    def tearDownClass(cls):
        cls.d.__exit__(None, None, None)

    def ask(self, method, path, body=None, name="hers"):
        return self.d.ask(name, method, path, body)

    def others_routes(self):
        """Every route with an id of somebody else's."""
        session, user = f"/api/v1/sessions/{self.his}", f"/api/v1/users/{self.him}"
        ids, facts = {"message_ids": [self.his_message]}, {"knowledge_ids": [self.his_fact]}
        return [
            ("POST", f"{session}/messages", {"messages": [MESSAGE]}), ("GET", f"{session}/messages", None),
            ("GET", f"{session}/messages?buffer_only=true", None),
            ("PUT", f"{session}/messages", {**ids, "new_messages": [MESSAGE]}), ("DELETE", f"{session}/messages", ids),
            ("POST", f"{session}/messages/read", ids), ("GET", session, None), ("PUT", session, {"name": "taken over"}),
            ("DELETE", session, None), ("GET", user, None), ("PUT", user, {"name": "taken over"}),
            ("POST", f"{user}/query", {"query": "treasure"}), ("GET", f"{user}/knowledge", None),
            ("POST", f"{user}/knowledge", {"knowledge": ["planted"]}), ("POST", f"{user}/knowledge/read", facts),
            ("PUT", f"{user}/knowledge", {**facts, "new_knowledge": ["forged"]}), ("DELETE", f"{user}/knowledge", facts),
            ("POST", "/api/v1/sessions", {"user_id": self.him, "agent_id": self.agent, "name": "planted"}),
            ("POST", "/api/v1/buffer/flush", {"user_id": self.him}), ("POST", "/api/v1/buffer/flush", {"session_id": self.his}),
            ("POST", "/api/v1/buffer/flush", {"user_id": self.her, "session_id": self.his}),
            ("POST", "/api/v1/buffer/flush", {}), ("POST", "/api/v1/buffer/flush", None),
            ("POST", f"/api/v1/users/{self.her}/query", {"query": "treasure", "session_id": self.his}),
        ]

    def normal(self, text, *ids):
        for one in ids:
            text = text.replace(one, "ID")
        return re.sub(r"[0-9a-f-]{36}|no-such-(user|session)", "ID", text)

    def test_another_users_ids_are_unknown_on_every_route(self):
        for method, path, body in self.others_routes():
            with self.subTest(method=method, path=path, body=body):
                answer = self.ask(method, path, body)
                self.assertEqual(answer.status, 404, answer.text)
                self.assertNotIn("treasure", answer.text)
                self.assertNotIn("him", answer.text)

    def test_another_users_ids_answer_like_ids_that_never_were(self):
        for method, path, body in self.others_routes():
            if self.his not in path and self.him not in path:
                continue
            with self.subTest(method=method, path=path):
                unknown = path.replace(self.his, "no-such-session").replace(self.him, "no-such-user")
                theirs, nobodys = self.ask(method, path, body), self.ask(method, unknown, body)
                self.assertEqual(theirs.status, nobodys.status)
                self.assertEqual(self.normal(theirs.text, self.his, self.him), self.normal(nobodys.text))

    def test_what_is_for_keys_without_limits(self):
        for method, path, body in (("POST", "/api/v1/users", {"name": "new"}), ("DELETE", f"/api/v1/users/{self.him}", None),
                                   ("DELETE", f"/api/v1/users/{self.her}", None), ("PUT", f"/api/v1/agents/{self.agent}", {"name": "x"}),
                                   ("DELETE", f"/api/v1/agents/{self.agent}", None)) + tuple((m, p, None) for m, p in ADMIN_ROUTES):
            with self.subTest(method=method, path=path):
                answer = self.ask(method, path, body)
                self.assertEqual(answer.status, 403, answer.text)

    def test_after_all_that_nothing_of_his_has_changed(self):
        for method, path, body in self.others_routes():
            self.ask(method, path, body)
        self.assertEqual(self.d.get(f"/api/v1/users/{self.him}").data["user"]["name"], "him")
        self.assertEqual([s["name"] for s in self.d.get(f"/api/v1/sessions?user_id={self.him}").data["sessions"]], ["same name"])
        messages = self.d.get(f"/api/v1/sessions/{self.his}/messages").data["messages"]
        self.assertEqual([m["content"] for m in messages], [MESSAGE["content"]])
        facts = self.d.get(f"/api/v1/users/{self.him}/knowledge").data["knowledge"]
        self.assertEqual([f["content"] for f in facts], ["oak trees hide treasure"])

    def test_lists_show_what_is_hers(self):
        self.assertEqual([u["id"] for u in self.ask("GET", "/api/v1/users").data["users"]], [self.her])
        self.assertEqual(self.ask("GET", "/api/v1/users?name=him").status, 404)
        self.assertEqual(self.ask("GET", "/api/v1/users?name=her").status, 200)
        self.assertEqual(self.normal(self.ask("GET", "/api/v1/users?name=him").text).replace("him", "X"),
                         self.normal(self.ask("GET", "/api/v1/users?name=absent").text).replace("absent", "X"))
        for query in ("", f"?user_id={self.him}", f"?agent_id={self.agent}", "?name=same+name", f"?name=same+name&user_id={self.him}"):
            with self.subTest(query):
                answer = self.ask("GET", "/api/v1/sessions" + query)
                self.assertNotIn(self.his, answer.text)
                self.assertEqual(self.hers in answer.text, self.him not in query, answer.text)
        both = self.ask("GET", "/api/v1/sessions", name="both").data["sessions"]
        self.assertEqual({session["id"] for session in both}, {self.hers, self.his})

    def test_queries_do_not_leak(self):
        path = f"/api/v1/users/{self.her}/query"
        for _ in range(2):  # the second from the cache
            for body in ({"query": MESSAGE["content"], "top_k": 100}, {"query": "treasure", "agent_id": self.agent, "top_k": 100}):
                self.assertNotIn("treasure", self.ask("POST", path, body).text)
                self.assertIn("treasure", self.d.post(f"/api/v1/users/{self.him}/query", body).text)
        answer = self.ask("POST", f"/api/v1/sessions/{self.hers}/messages/read", {"message_ids": [self.his_message]})
        self.assertEqual(answer.status, 404)
        answer = self.ask("DELETE", f"/api/v1/sessions/{self.hers}/messages", {"message_ids": [self.his_message]})
        self.assertEqual(answer.status, 404)
        answer = self.ask("PUT", f"/api/v1/sessions/{self.hers}/messages",
                          {"message_ids": [self.his_message], "new_messages": [MESSAGE]})
        self.assertEqual(answer.status, 404)
        self.assertNotIn("oak", self.ask("POST", f"/api/v1/users/{self.her}/knowledge/read", {"knowledge_ids": [self.his_fact]}).text)
        self.ask("DELETE", f"/api/v1/users/{self.her}/knowledge", {"knowledge_ids": [self.his_fact]})
        self.ask("PUT", f"/api/v1/users/{self.her}/knowledge", {"knowledge_ids": [self.his_fact], "new_knowledge": ["forged"]})
        facts = self.d.get(f"/api/v1/users/{self.him}/knowledge").data["knowledge"]
        self.assertEqual([f["content"] for f in facts], ["oak trees hide treasure"])

    def test_bulk_lines_of_others_are_refused(self):
        lines = [{"session_id": self.his, "role": "user", "content": "planted"},
                 {"session_id": self.hers, "role": "user", "content": "bulk of hers"},
                 {"session_id": "no-such-session", "role": "user", "content": "planted"}]
        raw = "\n".join(json.dumps(line) for line in lines).encode()
        answer = self.d.request("POST", "/api/v1/messages/batch", raw=raw, headers=bearer(self.key))
        self.assertEqual((answer.status, answer.data["accepted"], answer.data["rejected"]), (201, 1, 2), answer.text)
        self.assertEqual([error["line"] for error in answer.data["errors"]], [1, 3])
        texts = [self.normal(json.dumps(error), self.his).replace('"line": 3', '"line": 1') for error in answer.data["errors"]]
        self.assertEqual(texts[0], texts[1])
        raw = json.dumps(lines[0]).encode()
        answer = self.d.request("POST", "/api/v1/messages/batch", raw=raw, headers=bearer(self.key))
        self.assertEqual(answer.status // 100, 4)
        self.assertNotIn("planted", self.d.get(f"/api/v1/sessions/{self.his}/messages").text)

    def test_one_client_made_id_for_two_users(self):
        body = {"messages": [{**MESSAGE, "id": "shared-id"}]}
        self.assertEqual(self.d.post(f"/api/v1/sessions/{self.his}/messages", {"messages": [{**MESSAGE, "id": "shared-id", "content": "his own"}]}).status, 201)
        self.assertEqual(self.ask("POST", f"/api/v1/sessions/{self.hers}/messages", body).status, 201)
        found = self.ask("POST", f"/api/v1/sessions/{self.hers}/messages/read", {"message_ids": ["shared-id"]})
        self.assertEqual(found.data["messages"][0]["content"], MESSAGE["content"])
        self.ask("DELETE", f"/api/v1/sessions/{self.hers}/messages", {"message_ids": ["shared-id"]})
        found = self.d.post(f"/api/v1/sessions/{self.his}/messages/read", {"message_ids": ["shared-id"]})
        self.assertEqual(found.data["messages"][0]["content"], "his own")
        self.d.delete(f"/api/v1/sessions/{self.his}/messages", {"message_ids": ["shared-id"]})

    def test_an_idempotency_key_does_not_cross_users(self):
        body = {"messages": [{"role": "user", "content": "same body"}]}
        keyed = {"Idempotency-Key": "shared-key"}
        first = self.d.request("POST", f"/api/v1/sessions/{self.his}/messages", body,
                               headers={**bearer(self.d.key_file.keys["root"]), **keyed})
        second = self.d.request("POST", f"/api/v1/sessions/{self.hers}/messages", body, headers={**bearer(self.key), **keyed})
        self.assertEqual((first.status, second.status), (201, 201), second.text)
        self.assertNotEqual(first.data["message_ids"], second.data["message_ids"])
        self.d.delete(f"/api/v1/sessions/{self.his}/messages", {"message_ids": first.data["message_ids"]})

    def test_what_is_hers_works(self):
        session = f"/api/v1/sessions/{self.hers}"
        self.assertEqual(self.ask("GET", f"/api/v1/users/{self.her}").status, 200)
        self.assertEqual(self.ask("GET", session).status, 200)
        added = self.ask("POST", f"{session}/messages", {"messages": [MESSAGE]})
        self.assertEqual(added.status, 201)
        self.assertEqual(self.ask("DELETE", f"{session}/messages", {"message_ids": added.data["message_ids"]}).status, 200)
        self.assertIn("picnic", self.ask("POST", f"/api/v1/users/{self.her}/query", {"query": "picnic"}).text)
        self.assertEqual(self.ask("POST", "/api/v1/buffer/flush", {"user_id": self.her}).status, 200)
        self.assertEqual(self.ask("POST", "/api/v1/buffer/flush", {"session_id": self.hers}).status, 200)
        made = self.ask("POST", "/api/v1/sessions", {"user_id": self.her, "agent_id": self.agent})
        self.assertEqual(made.status, 201)
        self.assertEqual(self.ask("DELETE", f"/api/v1/sessions/{made.data['session']['id']}").status, 200)

    def test_a_key_for_nobody_sees_nobody(self):
        self.assertEqual(self.ask("GET", "/api/v1/users", name="nobody").data["users"], [])
        self.assertEqual(self.ask("GET", f"/api/v1/users/{self.her}", name="nobody").status, 404)

    def test_an_escaped_slash_is_no_way_round(self):
        for path in (f"/api/v1/users/{self.him}%2Fknowledge", f"/api/v1/users/{self.her}%2F..%2F{self.him}/knowledge",
                     f"/api/v1/users/{self.her}%2C{self.him}/knowledge", f"/api/v1/sessions/{self.his}%2Fmessages"):
            answer = self.ask("GET", path)
            self.assertEqual(answer.status, 404, path)


class KeyFiles(unittest.TestCase):
    def start_refused(self, daemon):
        self.addCleanup(daemon.__exit__, None, None, None)
        daemon.write()
        done = subprocess.run(daemon.command(), capture_output=True, text=True, timeout=30)
        self.assertEqual(done.returncode, 2, done.stderr)
        self.assertEqual(len(done.stderr.strip().splitlines()), 1, done.stderr)
        return done.stderr

    def test_a_file_that_others_may_read_is_refused(self):
        for mode in (0o644, 0o640, 0o604, 0o620, 0o602):
            with self.subTest(f"{mode:o}"):
                d = KeyedHoldfast()
                d.key_file.write(mode=mode)
                message = self.start_refused(d)
                self.assertIn(d.key_file.path, message)
                self.assertRegex(message, "600|others")

    def test_a_file_that_is_missing_or_empty_is_refused(self):
        self.assertIn("keys", self.start_refused(KeyedHoldfast()))
        d = KeyedHoldfast()
        d.key_file.lines.clear()
        d.key_file.write()
        self.assertIn(d.key_file.path, self.start_refused(d))
        d = KeyedHoldfast()
        os.mkdir(d.key_file.path, 0o700)
        self.assertIn(d.key_file.path, self.start_refused(d))

    def test_malformed_lines_are_named(self):
        digest = "a" * 64
        for line in ("name", f"name {digest[:-1]}", f"name {digest}0", f"name {'g' * 64}", f"name {digest} root",
                     f"name {digest} admin users=x", f"name {digest} Users=x", f"{digest} admin"):
            with self.subTest(line):
                d = KeyedHoldfast()
                d.key_file.write(line)
                message = self.start_refused(d)
                self.assertIn(f"{d.key_file.path}:{2 + len(d.key_file.lines) + 1}", message)
                for key_line in d.key_file.lines.values():
                    self.assertNotIn(key_line.split()[1], message)

    def test_one_key_on_two_lines_is_refused(self):
        d = KeyedHoldfast()
        d.key_file.write("again " + d.key_file.lines["all"].split()[1] + " users=x")
        self.assertIn("the same key as all's", self.start_refused(d))

    def test_auth_without_a_file_is_refused(self):
        d = KeyedHoldfast()
        d.file["auth.keys_file"] = "none"
        self.assertIn("auth.keys_file", self.start_refused(d))

    def test_comments_and_new_key_lines(self):
        made = subprocess.run([os.path.join(PROJECT, BINARY), "new-key", "made"], capture_output=True, text=True, check=True).stdout
        key, line = (text.split(": ", 1)[1] for text in made.strip().splitlines())
        d = KeyedHoldfast()
        d.key_file.lines["made"] = "  " + line + "   admin  # the admin"
        with d:
            self.assertEqual(d.get("/metrics", headers=bearer(key)).status, 200)

    def test_a_name_that_no_line_could_have_gets_no_key(self):
        for name in ("", "a b", "#a"):
            made = subprocess.run([os.path.join(PROJECT, BINARY), "new-key", name], capture_output=True, text=True)
            self.assertEqual((made.returncode, made.stdout), (2, ""), name)
            self.assertIn("name of a key", made.stderr)


class Reload(unittest.TestCase):
    def status(self, daemon, key):
        return daemon.get("/api/v1/users", headers=bearer(key)).status

    def test_new_keys_come_and_old_ones_go(self):
        for how in ("signal", "route"):
            with self.subTest(how), KeyedHoldfast() as d:
                old, new = d.key_file.keys["all"], d.key_file.add("new")
                d.key_file.remove("all")
                d.key_file.write()
                self.assertEqual((self.status(d, old), self.status(d, new)), (200, 401))
                if how == "signal":
                    self.assertIn("configuration reloaded", d.hang_up())
                else:
                    self.assertEqual(d.reload().status, 200)
                self.assertEqual((self.status(d, old), self.status(d, new)), (401, 200))

    def test_a_broken_key_file_refuses_the_whole_reload(self):
        with KeyedHoldfast(**{"buffer.query.cache_size": 100}) as d:
            keys = dict(d.key_file.keys)
            for break_it in (lambda: d.key_file.write("broken"), lambda: d.key_file.write(mode=0o644), lambda: os.remove(d.key_file.path)):
                break_it()
                d.write(server__limits__batch_messages=1)
                answer = d.reload()
                self.assertEqual(answer.status, 400, answer.text)
                self.assertIn(d.key_file.path, answer.json["message"])
                self.assertIn(d.key_file.path, d.hang_up())
                for key in keys.values():
                    self.assertEqual(self.status(d, key), 200)
                d.add(d.make_session(d.make_user(f"u{os.urandom(4).hex()}")), "one", "two")  # the limit was not taken
            d.key_file.write()
            self.assertEqual(d.reload().status, 200)

    def test_auth_can_be_switched_while_running(self):
        with KeyedHoldfast() as d:
            self.assertEqual(d.get("/api/v1/users", headers={}).status, 401)
            d.write(auth__enabled=False)
            self.assertIn("auth.enabled", d.reload().data["changed"])
            self.assertEqual(d.get("/api/v1/users", headers={}).status, 200)
            d.write(auth__enabled=True)
            d.hang_up()
            self.assertEqual(d.get("/api/v1/users", headers={}).status, 401)


class Secrets(unittest.TestCase):
    def test_keys_are_never_shown(self):
        with KeyedHoldfast(**{"buffer.monitoring.log_level": "DEBUG"}) as d:
            keys = list(d.key_file.keys.values())
            digests = [line.split()[1] for line in d.key_file.lines.values()]
            wrong = "hf_" + "ab" * 32
            shown = [d.get(path, headers=headers).text
                     for path in KEYED_PATHS + OPEN_PATHS + ("/nowhere", "/metrics", "/", "/api/v1/buffer/stats", "/health/buffer")
                     for headers in ({}, bearer(wrong), *map(bearer, keys))]
            shown.append(d.request("POST", "/api/v1/users", raw=b"{", headers=bearer(keys[0])).text)
            d.hang_up()
            d.key_file.write("broken " + keys[0])
            shown += [d.reload().text, d.hang_up()]
            printed = subprocess.run([os.path.join(PROJECT, BINARY), "print-config", "--config", d.config_path], capture_output=True, text=True)
            shown += [printed.stdout, printed.stderr]
            d.key_file.write()
            self.assertEqual(d.stop(), 0)
            shown.append(d.log)
            for secret in keys + digests + [wrong]:
                for text in shown:
                    self.assertNotIn(secret, text)

    def test_message_text_is_never_logged(self):
        with KeyedHoldfast(**{"buffer.monitoring.log_level": "DEBUG"}) as d:
            user = d.make_user()
            session = d.make_session(user)
            mid = d.add(session, "xyzzy-content")
            d.query(user, "xyzzy-query")
            d.put(f"/api/v1/sessions/{session}/messages", {"message_ids": mid, "new_messages": [{"role": "user", "content": "xyzzy-new"}]})
            d.post(f"/api/v1/sessions/{session}/messages", raw=b'{"xyzzy":')
            d.flush()
            d.stop()
            self.assertNotIn("xyzzy", d.log)


class TwoListeners(unittest.TestCase):
    def ports(self, daemon):
        return daemon.logged_port("ready on http"), daemon.logged_port("operational routes on http")

    def on(self, daemon, port, method, path, **more):
        main, daemon.port = daemon.port, port
        try:
            return daemon.request(method, path, **more)
        finally:
            daemon.port = main

    def test_each_listener_has_its_routes(self):
        with ConfiguredHoldfast(settings=("server.admin.port=0",)) as d:
            main, admin = self.ports(d)
            self.assertNotEqual(main, admin)
            for method, path in ADMIN_ROUTES + tuple(("GET", path) for path in PAGES):
                with self.subTest(path):
                    self.assertEqual(self.on(d, main, method, path).status, 404)
                    answer = self.on(d, admin, method, path)
                    self.assertIn(answer.status, (200, 404))
                    if "letters/x" not in path:
                        self.assertEqual(answer.status, 200)
            for method, path in (("GET", "/api/v1/users"), ("GET", "/api/v1/sessions"), ("POST", "/api/v1/users"),
                                 ("POST", "/api/v1/buffer/flush"), ("POST", "/api/v1/messages/batch"), ("DELETE", "/api/v1/users/x")):
                with self.subTest(path):
                    self.assertEqual(self.on(d, admin, method, path).status, 404)
            for path in OPEN_PATHS:
                self.assertEqual((self.on(d, main, "GET", path).status, self.on(d, admin, "GET", path).status), (200, 200), path)
            self.assertEqual(self.on(d, main, "GET", "/api/v1/users").status, 200)

    def test_the_admin_listener_asks_for_keys_too(self):
        with KeyedHoldfast(settings=("server.admin.port=0",)) as d:
            _, admin = self.ports(d)
            for headers, status in (({}, 401), (bearer(d.key_file.keys["all"]), 403), (bearer(d.key_file.keys["root"]), 200)):
                self.assertEqual(self.on(d, admin, "GET", "/metrics", headers=headers).status, status)

    def test_the_status_page_loads_nothing_from_elsewhere(self):
        with Holdfast() as d:
            for path in PAGES:
                text = d.get(path).text
                self.assertNotRegex(text, r"(src|href)=[\"']?(https?:)?//")


if __name__ == "__main__":
    unittest.main()
