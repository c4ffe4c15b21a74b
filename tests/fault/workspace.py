"""Where a scenario works: a temporary folder, its mounts and its daemons. However the scenario ends, all of it goes."""

import contextlib
import http.client
import json
import os
import re
import shutil
import signal
import subprocess
import tempfile
import time

PROJECT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
START_SECONDS = 60
# Small everything, so that rounds, batches, transactions and segments turn over many times a second.
SETTINGS = {
    "server.port": "0",
    "journal.segment_size": "1MiB",
    "journal.durability": "fsync",
    "buffer.round_buffer.max_size": "2",
    "buffer.hybrid_buffer.max_size": "3",
    "buffer.hybrid_buffer.auto_flush_interval": "200ms",
    "buffer.performance.flush_interval": "200ms",
    "logging.format": "text",
}


class DaemonFailed(Exception):
    pass


class Daemon:
    def __init__(self, binary, data, log_path, settings, environment):
        self.binary, self.data, self.log_path = binary, data, log_path
        self.settings = {**SETTINGS, **settings}
        self.environment = {**os.environ, **environment}
        self.process = self.port = None

    @property
    def database(self):
        return os.path.join(self.data, "holdfast.db")

    def spawn(self):
        settings = {**self.settings, "journal.dir": f"{self.data}/journal", "store.sqlite.path": self.database}
        command = [self.binary, "--config", os.path.join(PROJECT, "config/testing.yaml")]
        for name, value in settings.items():
            command += ["--set", f"{name}={value}"]
        with open(self.log_path, "ab") as log:
            self.log_start = log.tell()
            self.process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, env=self.environment)

    def start(self):
        self.spawn()
        deadline = time.monotonic() + START_SECONDS
        while time.monotonic() < deadline:
            ready = re.search(r"ready on http://[^ ]*:(\d+)", self.log())
            if ready:
                self.port = int(ready.group(1))
                return self
            if self.process.poll() is not None:
                raise DaemonFailed(f"the daemon ended with {self.process.returncode}:\n{self.log()[-3000:]}")
            time.sleep(0.005)
        raise DaemonFailed(f"the daemon did not get ready:\n{self.log()[-3000:]}")

    def log(self):
        with open(self.log_path, "rb") as log:
            log.seek(self.log_start)
            return log.read().decode("utf-8", "replace")

    def signal(self, number):
        self.process.send_signal(number)

    def kill(self):
        if self.process and self.process.poll() is None:
            self.process.kill()
        if self.process:
            self.process.wait()

    def call(self, method, path, body=None, seconds=60):
        """(status, data)"""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=seconds)
        try:
            connection.request(method, path, None if body is None else json.dumps(body), {"Content-Type": "application/json"})
            response = connection.getresponse()
            status, text = response.status, response.read()
        finally:
            connection.close()
        return status, json.loads(text).get("data") if text else None

    def make(self, kind, body):
        status, data = self.call("POST", f"/api/v1/{kind}", body)
        assert status == 201, (kind, status, data)
        return data[kind[:-1]]["id"]

    def resident_bytes(self):
        with open(f"/proc/{self.process.pid}/status") as status:
            return int(re.search(r"VmRSS:\s+(\d+) kB", status.read()).group(1)) * 1024

    def stopped(self):
        """Every thread of it, after SIGSTOP."""
        tasks = f"/proc/{self.process.pid}/task"
        for task in os.listdir(tasks):
            with open(f"{tasks}/{task}/stat") as stat:
                if stat.read().rsplit(")", 1)[1].split()[0] not in "Tt":
                    return False
        return True


class Workspace:
    def __init__(self, binary, keep):
        self.binary, self.keep = binary, keep
        with open(binary, "rb") as file:
            program = file.read()
        self.has_failpoints = b"HOLDFAST_FAILPOINT" in program
        # With one the daemon is slower, needs more memory, and nothing can be preloaded before its library.
        self.sanitized = b"__asan_init" in program or b"__tsan_init" in program
        self.folder = tempfile.mkdtemp(prefix="holdfast-fault-")
        self.violated = False
        self.serial = 0
        self.stack = contextlib.ExitStack()

    def __enter__(self):
        return self

    def __exit__(self, kind, *_):
        self.violated = self.violated or kind is not None
        self.stack.close()
        if self.violated and self.keep:
            print(f"kept: {self.folder}", flush=True)
        else:
            shutil.rmtree(self.folder, ignore_errors=True)

    def path(self, name):
        self.serial += 1
        return os.path.join(self.folder, f"{self.serial}-{name}")

    def directory(self, name="data"):
        path = self.path(name)
        os.mkdir(path)
        return path

    def daemon(self, data, environment=None, **settings):
        """Settings with their dots written as two underscores."""
        dotted = {name.replace("__", "."): str(value) for name, value in settings.items()}
        daemon = Daemon(self.binary, data, self.path("log"), dotted, environment or {})
        self.stack.callback(daemon.kill)
        return daemon

    @contextlib.contextmanager
    def mounted(self, source, *options):
        """Give it to stack.enter_context, or use it in a with statement for a mount that ends before the scenario."""
        target = self.directory("mount")
        subprocess.run(["mount", *options, source, target], check=True)
        try:
            yield target
        except BaseException:
            self.violated = True
            raise
        finally:
            if self.violated and self.keep:
                shutil.copytree(target, target + "-kept", dirs_exist_ok=True)
            unmount(target)

    def preload(self, name):
        """Compiles a shim of this folder; the environment that loads it."""
        library = self.path(f"{name}.so")
        source = os.path.join(os.path.dirname(os.path.abspath(__file__)), f"{name}.c")
        subprocess.run(["cc", "-shared", "-fPIC", "-O1", "-o", library, source, "-ldl"], check=True)
        return {"LD_PRELOAD": library}


def unmount(target):
    for _ in range(100):  # a killed process may hold it a moment longer
        if subprocess.run(["umount", target], stderr=subprocess.DEVNULL).returncode == 0:
            return
        time.sleep(0.05)
    subprocess.run(["umount", "-l", target], check=True)


def wait_until(condition, seconds, pause=0.01):
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if condition():
            return True
        time.sleep(pause)
    return condition()
