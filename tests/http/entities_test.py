"""Users, agents, sessions and knowledge: every route, status and message text of the interface."""

import re
import unittest

from holdfast_process import Holdfast

USER_KEYS = {"id", "name", "description", "created_at", "updated_at"}
SESSION_KEYS = {"id", "user_id", "agent_id", "name", "created_at", "updated_at"}
KNOWLEDGE_KEYS = {"id", "user_id", "content", "created_at", "updated_at"}


class Entities(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.daemon = Holdfast()
        cls.daemon.start()

    @classmethod
    def tearDownClass(cls):
        cls.daemon.__exit__(None, None, None)

    def expect(self, answer, status, message):
        self.assertEqual(answer.status, status, answer.text)
        body = answer.json
        self.assertEqual(list(body), ["status", "code", "data", "message", "errors"])
        self.assertEqual(body["code"], status)
        self.assertEqual(body["status"], "success" if status < 400 else "error")
        self.assertEqual(body["message"], message)
        if status < 400:
            self.assertIsNone(body["errors"])
        else:
            self.assertIsNone(body["data"])
        return body["data"]

    def check_named(self, plural, singular, word):
        d = self.daemon
        user = self.expect(d.post(f"/api/v1/{plural}", {"name": f"n-{singular}", "description": "d"}), 201,
                           f"{word} created successfully")[singular]
        self.assertEqual(set(user), USER_KEYS)
        self.assertEqual((user["name"], user["description"]), (f"n-{singular}", "d"))
        self.assertRegex(user["created_at"], r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|\+00:00)$")
        identifier = user["id"]
        self.expect(d.post(f"/api/v1/{plural}/", {"name": f"n-{singular}"}), 400,
                    f"{word} with name 'n-{singular}' already exists")
        self.assertEqual(self.expect(d.get(f"/api/v1/{plural}/{identifier}"), 200,
                                     f"{word} retrieved successfully")[singular], user)
        everyone = self.expect(d.get(f"/api/v1/{plural}/"), 200, f"{word}s retrieved successfully")[plural]
        self.assertIn(user, everyone)
        by_name = self.expect(d.get(f"/api/v1/{plural}?name=n-{singular}"), 200, f"{word} retrieved successfully")
        self.assertEqual(by_name[plural], [user])
        self.expect(d.get(f"/api/v1/{plural}?name=nobody"), 404, f"{word} with name 'nobody' not found")
        self.expect(d.get(f"/api/v1/{plural}/nobody"), 404, f"{word} with ID 'nobody' not found")
        changed = self.expect(d.put(f"/api/v1/{plural}/{identifier}", {"name": f"m-{singular}"}), 200,
                              f"{word} updated successfully")[singular]
        self.assertEqual((changed["name"], changed["description"]), (f"m-{singular}", "d"))
        self.expect(d.put(f"/api/v1/{plural}/nobody", {"name": "x"}), 404, f"{word} with ID 'nobody' not found")
        other = d.post(f"/api/v1/{plural}", {"name": f"o-{singular}"}).data[singular]["id"]
        self.expect(d.put(f"/api/v1/{plural}/{other}", {"name": f"m-{singular}"}), 400,
                    f"{word} with name 'm-{singular}' already exists")
        return identifier

    def test_users(self):
        identifier = self.check_named("users", "user", "User")
        answer = self.daemon.delete(f"/api/v1/users/{identifier}")
        self.assertEqual((answer.status, answer.text), (204, ""))
        self.expect(self.daemon.delete(f"/api/v1/users/{identifier}"), 404, f"User with ID '{identifier}' not found")

    def test_agents(self):
        identifier = self.check_named("agents", "agent", "Agent")
        data = self.expect(self.daemon.delete(f"/api/v1/agents/{identifier}"), 200, "Agent deleted successfully")
        self.assertEqual(data, {"agent_id": identifier})
        self.expect(self.daemon.get(f"/api/v1/agents/{identifier}"), 404, f"Agent with ID '{identifier}' not found")

    def test_sessions(self):
        d = self.daemon
        user, other, agent = d.make_user("s-user"), d.make_user("s-other"), d.make_agent("s-agent")
        session = self.expect(d.post("/api/v1/sessions", {"user_id": user, "agent_id": agent, "name": "one"}), 201,
                              "Session created successfully")["session"]
        self.assertEqual(set(session), SESSION_KEYS)
        unnamed = d.post("/api/v1/sessions/", {"user_id": user, "agent_id": agent, "name": None}).data["session"]
        self.assertRegex(unnamed["name"], r"^s-user-s-agent-[0-9a-f]{8}$")
        self.expect(d.post("/api/v1/sessions", {"user_id": user, "agent_id": agent, "name": "one"}), 400,
                    "Session with name 'one' already exists")
        self.assertEqual(d.post("/api/v1/sessions", {"user_id": other, "agent_id": agent, "name": "one"}).status, 201)
        self.expect(d.post("/api/v1/sessions", {"user_id": "x", "agent_id": agent}), 404, "User with ID 'x' not found")
        self.expect(d.post("/api/v1/sessions", {"user_id": user, "agent_id": "x"}), 404, "Agent with ID 'x' not found")
        found = self.expect(d.get(f"/api/v1/sessions?user_id={user}&name=one"), 200, "Session retrieved successfully")
        self.assertEqual(found["sessions"], [session])
        self.expect(d.get(f"/api/v1/sessions?user_id={user}&name=two"), 404, "Session with name 'two' not found")
        listed = self.expect(d.get(f"/api/v1/sessions?user_id={user}"), 200, "Sessions retrieved successfully")
        self.assertEqual({s["id"] for s in listed["sessions"]}, {session["id"], unnamed["id"]})
        path = f"/api/v1/sessions/{session['id']}"
        self.assertEqual(self.expect(d.get(path + "/"), 200, "Session retrieved successfully")["session"], session)
        renamed = self.expect(d.put(path, {"name": "uno"}), 200, "Session updated successfully")["session"]
        self.assertEqual(renamed["name"], "uno")
        self.assertEqual(self.expect(d.delete(path), 200, "Session deleted successfully"), {"session_id": session["id"]})
        self.expect(d.get(path), 404, f"Session with ID '{session['id']}' not found")
        self.expect(d.get("/api/v1/sessions/zzz"), 404, "Session with ID 'zzz' not found")

    def test_knowledge(self):
        d = self.daemon
        user = d.make_user("k-user")
        path = f"/api/v1/users/{user}/knowledge"
        added = self.expect(d.post(path, {"knowledge": ["the moon orbits the earth", "water boils"]}), 201,
                            "Knowledge items added successfully")["knowledge_ids"]
        self.assertEqual(len(added), 2)
        items = self.expect(d.get(path), 200, "Knowledge items retrieved successfully")["knowledge"]
        self.assertEqual([item["content"] for item in items], ["the moon orbits the earth", "water boils"])
        self.assertEqual(set(items[0]), KNOWLEDGE_KEYS)
        read = self.expect(d.post(path + "/read", {"knowledge_ids": [added[1]]}), 200,
                           re.sub("X", "", "Knowledge items retrieved successfully"))["knowledge"]
        self.assertEqual([item["id"] for item in read], [added[1]])
        hits = d.query(user, "what orbits the earth")
        self.assertEqual((hits[0]["id"], hits[0]["type"], hits[0]["role"]), (added[0], "knowledge", None))
        # Of unequal length: the shorter list rules.
        changed = self.expect(d.put(path, {"knowledge_ids": added, "new_knowledge": ["the sun shines"]}), 200,
                              "Knowledge items updated successfully")["knowledge_ids"]
        self.assertEqual(changed, [added[0]])
        self.assertEqual(d.query(user, "sun shines")[0]["content"], "the sun shines")
        self.assertEqual([hit for hit in d.query(user, "moon orbits")], [])
        self.expect(d.delete(path, {"knowledge_ids": [added[0], "unknown"]}), 200,
                    "Knowledge items deleted successfully")
        self.assertEqual(len(d.get(path).data["knowledge"]), 1)
        self.expect(d.get("/api/v1/users/nobody/knowledge"), 404, "User with ID 'nobody' not found")

    def test_health_answers_the_envelope(self):
        self.assertEqual(self.expect(self.daemon.get("/api/v1/health"), 200, "Server is healthy"), {"status": "ok"})

    def test_unknown_paths_and_methods(self):
        self.expect(self.daemon.get("/api/v1/nothing"), 404, "Not Found")
        answer = self.daemon.put("/api/v1/users", {})
        self.expect(answer, 405, "Method Not Allowed")
        self.assertEqual({m.strip() for m in answer.headers["allow"].split(",")}, {"GET", "POST"})

    def test_bodies_of_the_wrong_shape(self):
        for body, location in (({}, ["body", "name"]), ({"name": 3}, ["body", "name"]), ({"name": ""}, ["body", "name"])):
            answer = self.daemon.post("/api/v1/users", body)
            self.assertEqual(answer.status, 422, answer.text)
            self.assertEqual(list(answer.json), ["detail"])
            self.assertEqual(answer.json["detail"][0]["loc"], location)
            self.assertTrue({"loc", "msg", "type"} <= set(answer.json["detail"][0]))
        self.assertEqual(self.daemon.post("/api/v1/users", raw=b"{nope").status, 422)


if __name__ == "__main__":
    unittest.main()
