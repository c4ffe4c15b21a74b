"""A daemon with a configuration file of its own, which a test rewrites and has read again."""

import hashlib
import os
import re
import secrets
import signal
import time

from holdfast_process import Holdfast

RELOADED = ("configuration reloaded", "configuration refused")


def to_yaml(settings):
    """{"a.b": 1} as nested YAML."""
    tree = {}
    for path, value in settings.items():
        node = tree
        *sections, last = path.split(".")
        for section in sections:
            node = node.setdefault(section, {})
        node[last] = value
    lines = []

    def write(node, depth):
        for name, value in node.items():
            lines.append("  " * depth + name + (":" if isinstance(value, dict) else f": {scalar(value)}"))
            if isinstance(value, dict):
                write(value, depth + 1)

    def scalar(value):
        return str(value).lower() if isinstance(value, bool) else str(value)
    write(tree, 0)
    return "\n".join(lines) + "\n"


class ConfiguredHoldfast(Holdfast):
    """file: settings by path that go to the file and can be changed while the daemon runs."""

    def __init__(self, file=None, settings=(), profile="testing"):
        super().__init__(*settings)
        self.config_path = os.path.join(self.folder, "holdfast.yaml")
        self.file = {"profile": profile, **(file or {})}

    def command(self):
        command = super().command()
        command[command.index("--config") + 1] = self.config_path
        return command

    def start(self):
        self.write()
        return super().start()

    def write(self, **more):
        """Replaces the file as an editor does: whole, or not at all."""
        self.file.update({path.replace("__", "."): value for path, value in more.items()})
        self.write_text(to_yaml(self.file))

    def write_text(self, text):
        with open(self.config_path + ".new", "w") as out:
            out.write(text)
        os.replace(self.config_path + ".new", self.config_path)

    def read_log(self):
        with open(self.log_path, "rb") as log:
            return log.read().decode("utf-8", "replace")

    def hang_up(self):
        """SIGHUP; answers the log lines that came with it once the daemon has said how it went."""
        before = len(self.read_log())
        self.process.send_signal(signal.SIGHUP)
        deadline = time.monotonic() + 20
        while time.monotonic() < deadline:
            fresh = self.read_log()[before:]
            if any(line in fresh for line in RELOADED) and fresh.endswith("\n"):
                return fresh
            time.sleep(0.005)
        raise AssertionError("nothing in the log about the reload")

    def reload(self, **more):
        return self.post("/api/v1/config/reload", **more)

    def logged_port(self, pattern):
        return int(re.search(pattern + r"://[^\s]*:(\d+)", self.read_log()).group(1))


class KeyFile:
    """A key file that a test fills; keys by name."""

    def __init__(self, path):
        self.path, self.keys, self.lines = path, {}, {}

    def add(self, name, *rights):
        key = self.keys[name] = "hf_" + secrets.token_hex(32)
        self.lines[name] = " ".join([name, hashlib.sha256(key.encode()).hexdigest(), *rights])
        return key

    def remove(self, name):
        del self.keys[name], self.lines[name]

    def write(self, *more, mode=0o600):
        with open(self.path, "w") as out:
            out.write("# keys of a test\n\n" + "\n".join([*self.lines.values(), *more]) + "\n")
        os.chmod(self.path, mode)
