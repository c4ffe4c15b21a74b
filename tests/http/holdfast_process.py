"""A holdfastd of the test's own: a temporary folder, a free port, real HTTP. No third-party module."""

import http.client
import json
import os
import re
import shutil
import signal
import subprocess
import tempfile
import time

BINARY = os.environ.get("HOLDFASTD", "build/release/bin/holdfastd")
PROJECT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
START_SECONDS = 60


class Answer:
    def __init__(self, response, body):
        self.status = response.status
        self.headers = {name.lower(): value for name, value in response.getheaders()}
        self.text = body.decode("utf-8")

    @property
    def json(self):
        return json.loads(self.text)

    @property
    def data(self):
        return self.json["data"]


class Holdfast:
    """with Holdfast() as daemon: daemon.post("/api/v1/users", {"name": "a"})"""

    def __init__(self, *settings, profile="testing", environment=None):
        self.folder = tempfile.mkdtemp(prefix="holdfast-test-")
        self.settings = list(settings)
        self.profile = profile
        self.environment = environment or {}
        self.process = None
        self.port = None
        self.log = ""

    def command(self):
        settings = [
            "server.port=0",
            f"journal.dir={self.folder}/journal",
            f"store.sqlite.path={self.folder}/holdfast.db",
        ] + self.settings
        command = [os.path.join(PROJECT, BINARY), "--config", os.path.join(PROJECT, f"config/{self.profile}.yaml")]
        for setting in settings:
            command += ["--set", setting]
        return command

    def start(self):
        self.log_path = os.path.join(self.folder, "log")
        with open(self.log_path, "ab") as log:
            already = log.tell()
            self.process = subprocess.Popen(
                self.command(), stdin=subprocess.DEVNULL, stdout=log, stderr=log, cwd=self.folder,
                env={**os.environ, **self.environment})
        self.port = self._wait_for_port(already)
        return self

    def _wait_for_port(self, already):
        deadline = time.monotonic() + START_SECONDS
        while time.monotonic() < deadline:
            with open(self.log_path, "rb") as log:
                log.seek(already)
                self.log = log.read().decode("utf-8", "replace")
            ready = re.search(r"ready on http://[^ ]*:(\d+)", self.log)
            if ready:
                return int(ready.group(1))
            if self.process.poll() is not None:
                raise AssertionError(f"the daemon ended with {self.process.returncode}:\n{self.log}")
            time.sleep(0.01)
        raise AssertionError(f"the daemon did not get ready:\n{self.log}")

    def wait_until(self, holds, seconds=START_SECONDS):
        deadline = time.monotonic() + seconds
        while not holds():
            assert time.monotonic() < deadline, f"it does not come true: {holds.__name__}"
            time.sleep(0.01)

    def stop(self, how=signal.SIGTERM):
        self.process.send_signal(how)
        code = self.process.wait(30)
        with open(self.log_path, "rb") as log:
            self.log = log.read().decode("utf-8", "replace")
        return code

    def kill(self):
        return self.stop(signal.SIGKILL)

    def __enter__(self):
        return self.start()

    def __exit__(self, kind, value, trace):
        if self.process and self.process.poll() is None:
            self.process.kill()
            self.process.wait()
        if kind is not None:
            with open(self.log_path, "rb") as log:
                print(log.read().decode("utf-8", "replace")[-4000:])
        shutil.rmtree(self.folder, ignore_errors=True)

    def request(self, method, path, body=None, headers=None, raw=None):
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
        try:
            payload = raw if raw is not None else (None if body is None else json.dumps(body).encode())
            send = {"Content-Type": "application/json", **(headers or {})} if payload is not None else (headers or {})
            connection.request(method, path, payload, send)
            response = connection.getresponse()
            return Answer(response, response.read())
        finally:
            connection.close()

    def get(self, path, **more):
        return self.request("GET", path, **more)

    def post(self, path, body=None, **more):
        return self.request("POST", path, body, **more)

    def put(self, path, body=None, **more):
        return self.request("PUT", path, body, **more)

    def delete(self, path, body=None, **more):
        return self.request("DELETE", path, body, **more)

    # What most tests begin with.
    def make_user(self, name="alice"):
        return self.post("/api/v1/users", {"name": name}).data["user"]["id"]

    def make_agent(self, name="bot"):
        answer = self.post("/api/v1/agents", {"name": name})
        if answer.status == 400:
            return self.get(f"/api/v1/agents?name={name}").data["agents"][0]["id"]
        return answer.data["agent"]["id"]

    def make_session(self, user=None, agent=None, name=None):
        body = {"user_id": user or self.make_user(), "agent_id": agent or self.make_agent()}
        if name:
            body["name"] = name
        return self.post("/api/v1/sessions", body).data["session"]["id"]

    def add(self, session, *contents, role="user"):
        answer = self.post(f"/api/v1/sessions/{session}/messages",
                           {"messages": [{"role": role, "content": content} for content in contents]})
        assert answer.status == 201, answer.text
        return answer.data["message_ids"]

    def query(self, user, text, **more):
        answer = self.post(f"/api/v1/users/{user}/query", {"query": text, **more})
        assert answer.status == 200, answer.text
        return answer.data["results"]

    def flush(self):
        answer = self.post("/api/v1/buffer/flush", {})
        assert answer.status == 200 and answer.data["pending_sessions"] == 0, answer.text
        return answer.data
