"""Includes go in the direction of the architecture: a module includes only itself and those below it, Asio, JSON, YAML, SQL and
Beast are named only where they belong, every public header compiles alone, and the package list is the Dockerfile's."""

import concurrent.futures
import os
import re
import subprocess
import sys
import unittest

PROJECT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
BELOW = {
    "base": "", "memory": "base", "model": "base", "metrics": "base memory", "runtime": "base metrics", "io": "base",
    "journal": "base model io metrics", "text": "base model", "buffer": "base model metrics",
    "store": "base model text", "embedding": "base metrics text store flush", "flush": "base memory model metrics io text store", "cache": "base model metrics text",
    "engine": "base memory model metrics runtime buffer text store journal flush embedding cache",
    "bypass": "base model metrics runtime store engine",
    "ingest": "base memory model metrics runtime buffer text store journal flush cache engine bypass",
    "query": "base memory model metrics runtime buffer text store journal flush cache engine",
    "service": "base model metrics runtime buffer text store journal flush cache engine ingest query",
    "transfer": "base memory model text store",
    "settings": "base memory buffer cache embedding flush http journal metrics store transfer",
    "http": "base memory model metrics runtime engine ingest query service store journal",
}
# What may be included where: a pattern of the include, and the folders that may.
BELONGS = {
    r"openssl/": ("src/http/access_keys.cpp", "src/embedding"), r"nlohmann/": ("src/http", "src/embedding/openai_protocol.cpp", "src/transfer"), r"yaml-cpp/": ("src/settings",), r"sqlite3": ("src/store/sqlite",),
    r"boost/beast": ("src/http/connection", "src/http/incoming.hpp", "src/embedding/http_connection", "src/transfer/server_connection"), r"prometheus/": ("src/metrics", "include/holdfast/metrics"),
    r"boost/asio": ("src/runtime", "include/holdfast/runtime", "src/engine", "include/holdfast/engine", "include/holdfast/ingest",
                    "src/ingest", "src/query", "include/holdfast/query", "src/bypass", "include/holdfast/bypass", "src/service",
                    "include/holdfast/service", "src/http", "include/holdfast/http", "src/embedding", "include/holdfast/embedding", "daemon", "src/settings/keys.cpp", "src/transfer/server_connection"),
}


def sources():
    for top in ("include/holdfast", "src", "daemon"):
        for folder, _, names in os.walk(os.path.join(PROJECT, top)):
            for name in names:
                if name.endswith((".hpp", ".cpp")):
                    yield os.path.relpath(os.path.join(folder, name), PROJECT)


def includes(path):
    with open(os.path.join(PROJECT, path), encoding="utf-8") as file:
        return re.findall(r'^#include [<"]([^>"]+)[>"]', file.read(), re.M)


class Layering(unittest.TestCase):
    def test_modules_include_only_what_is_below(self):
        wrong = []
        for path in sources():
            parts = path.split("/")
            if parts[0] == "daemon":
                continue
            module = parts[2] if parts[0] == "include" else parts[1]
            allowed = set(BELOW[module].split()) | {module}
            for name in includes(path):
                match = re.match(r"holdfast/(\w+)/", name)
                if match and match.group(1) not in allowed:
                    wrong.append(f"{path} includes {name}")
        self.assertEqual(wrong, [])

    def test_libraries_are_named_where_they_belong(self):
        wrong = []
        for path in sources():
            for name in includes(path):
                for pattern, places in BELONGS.items():
                    if re.match(pattern, name) and not path.startswith(places):
                        wrong.append(f"{path} includes {name}")
        self.assertEqual(wrong, [])

    def test_the_load_tester_shares_no_code_with_the_daemon(self):
        folder = os.path.join(PROJECT, "loadtest")
        names = [os.path.relpath(os.path.join(where, name), PROJECT) for where, _, files in os.walk(folder)
                 for name in files if name.endswith((".hpp", ".cpp"))]
        self.assertGreater(len(names), 10)
        self.assertEqual([path for path in names for name in includes(path) if name.startswith("holdfast/")], [])

    def test_every_public_header_compiles_alone(self):
        headers = [path for path in sources() if path.startswith("include/") and not self.pulls_asio(path)]

        def compiles(path):
            return subprocess.run([os.environ.get("CXX", "g++"), "-std=c++20", "-fsyntax-only", "-w", "-Iinclude", "-x", "c++",
                                   path], cwd=PROJECT, capture_output=True).returncode == 0
        with concurrent.futures.ThreadPoolExecutor(2) as pool:
            results = list(pool.map(compiles, headers))
        self.assertEqual([path for path, good in zip(headers, results) if not good], [])

    def pulls_asio(self, path, seen=None):
        """Headers over Asio take seconds each; every source that includes one first compiles it anyway."""
        seen = seen if seen is not None else set()
        if path in seen or not os.path.exists(os.path.join(PROJECT, path)):
            return False
        seen.add(path)
        return any(name.startswith("boost/asio") or self.pulls_asio("include/" + name, seen) for name in includes(path))

    def test_the_dockerfile_takes_its_packages_from_the_list(self):
        with open(os.path.join(PROJECT, "Dockerfile"), encoding="utf-8") as file:
            dockerfile = file.read()
        installs = re.findall(r"apt-get install[^\n]*(?:\\\n[^\n]*)*", dockerfile)
        self.assertTrue(installs)
        for install in installs:
            self.assertIn("packages.txt", dockerfile)
            names = re.findall(r"\b(lib[a-z0-9.+-]+|g\+\+|cmake|ninja-build)\b", install)
            self.assertEqual(names, [], "package names belong in deploy/packages.txt")


if __name__ == "__main__":
    unittest.main(argv=sys.argv)
