"""holdfast-loadtest as its user meets it: two seconds against a real daemon, and what wrong input gets."""

import json
import os
import subprocess
import tempfile
import unittest
import xml.etree.ElementTree

LOADTEST = os.environ.get("LOADTEST", "build/release/bin/holdfast-loadtest")
HOLDFASTD = os.environ.get("HOLDFASTD", "build/release/bin/holdfastd")
MIXED = """name: mixed
loop: open
users: 4
connections: 4
requests_per_minute: 1500
mix: {add: 2, query: 1, list: 1}
repeated_queries: 0.5
preload_messages: 50
warm_up: 200ms
duration: 2s
"""


def loadtest(*arguments, given=None):
    return subprocess.run([LOADTEST, *arguments], capture_output=True, text=True, timeout=200, input=given)


class Loadtest(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory(prefix="holdfast-test-")
        self.addCleanup(folder.cleanup)
        self.folder = folder.name

    def path(self, name):
        return os.path.join(self.folder, name)

    def write(self, name, text):
        with open(self.path(name), "w", encoding="utf-8") as file:
            file.write(text)
        return self.path(name)

    def test_a_run_reports_compares_and_calibrates(self):
        scenario = self.write("mixed.yaml", MIXED)
        os.mkdir(self.path("results"))
        result_file = self.path("results/mixed.json")
        ran = loadtest("run", "--scenario", scenario, "--daemon", HOLDFASTD, "--data", self.folder, "--output", result_file)
        self.assertEqual(ran.returncode, 0, ran.stderr)
        self.assertIn("100 %", ran.stderr)
        with open(result_file, encoding="utf-8") as file:
            result = json.load(file)
        run = result["steps"][0]["runs"][0]
        self.assertEqual(run["errors"], {})
        self.assertEqual(run["unanswered"], 0)
        counts = [run["operations"][name]["latency_ms"]["count"] for name in ("add", "query", "list")]
        # 100 a second, sent or not, and not one more: an open loop.
        self.assertAlmostEqual(sum(counts), 200, delta=1)
        for name in ("add", "query", "list"):
            latency = run["operations"][name]["latency_ms"]
            self.assertGreater(latency["p50"], 0)
            self.assertLessEqual(latency["p50"], latency["p99"])
            self.assertEqual(sum(count for _, count in latency["buckets"]), latency["count"])
        self.assertGreater(run["daemon"]["resident_mb"]["peak"], 1)
        self.assertGreater(run["components"]["write request"]["count"], 0)
        self.assertEqual(result["commit"], run["commit"])
        self.assertEqual(os.listdir(self.folder).count("mixed.yaml") + 1, len(os.listdir(self.folder)))  # no data left

        made = loadtest("report", self.path("results"), "--output", self.path("report"))
        self.assertEqual(made.returncode, 0, made.stderr)
        with open(self.path("report/README.md"), encoding="utf-8") as file:
            self.assertIn("| mixed | add |", file.read())

        same = loadtest("compare", "--baseline", result_file, result_file)
        self.assertEqual(same.returncode, 0, same.stderr)
        result["steps"][0]["median"]["operations"]["add"]["latency_ms"]["p50"] *= 2
        slower = self.write("slower.json", json.dumps(result))
        worse = loadtest("compare", "--baseline", result_file, "--max-regression", "50%", slower)
        self.assertEqual(worse.returncode, 1, worse.stdout)
        self.assertIn("mixed: add p50 ms", worse.stdout)

    def test_a_chart_is_drawn_of_what_is_given(self):
        chart = {"title": "Memory & time", "x": "messages", "y": "MiB", "categories": ["10", "100"], "lines": {"import": [18, 18.5]}}
        drawn = loadtest("chart", given=json.dumps(chart))
        self.assertEqual(drawn.returncode, 0, drawn.stderr)
        texts = [element.text for element in xml.etree.ElementTree.fromstring(drawn.stdout).iter() if element.text]
        for text in ("Memory & time", "messages", "MiB", "10", "100", "import"):
            self.assertIn(text, texts)
        for wrong in ("{", "{}", json.dumps({**chart, "lines": {"a": ["b"]}})):
            refused = loadtest("chart", given=wrong)
            self.assertEqual((refused.returncode, refused.stdout, len(refused.stderr.splitlines())), (2, "", 1), wrong)

    def test_wrong_input_is_one_line_and_exit_2(self):
        scenario = self.write("wrong.yaml", "name: a\nusers: none\n")
        right = self.write("right.yaml", "name: a\n")
        no_result = self.write("no_result.json", "{}")
        for arguments in ([], ["sprint"], ["run"], ["run", "--scenario", self.path("absent.yaml")],
                          ["run", "--scenario", scenario], ["run", "--scenario", right, "--daemon", self.path("absent")],
                          ["run", "--scenario", right, "--url", "ftp://x"], ["run", "--scenario", right, "--duration", "5y"],
                          ["run", "--scenario", right, "--runs", "0"], ["report", no_result, "--output", self.folder],
                          ["compare", "--baseline", no_result, no_result], ["calibrate", self.path("absent.json")],
                          ["matrix", "--scenarios", self.folder, "--only", "none", "--results", self.folder]):
            refused = loadtest(*arguments)
            self.assertEqual(refused.returncode, 2, (arguments, refused.stderr))
            self.assertEqual(len(refused.stderr.strip().splitlines()), 1, (arguments, refused.stderr))
            self.assertTrue(refused.stderr.startswith("holdfast-loadtest: "), refused.stderr)

    def test_a_daemon_that_does_not_start_is_said_with_its_reason(self):
        scenario = self.write("scenario.yaml", "name: a\nsettings: {buffer.round_buffer.max_size: 0}\n")
        failed = loadtest("run", "--scenario", scenario, "--daemon", HOLDFASTD, "--data", self.folder)
        self.assertEqual(failed.returncode, 1, failed.stderr)
        self.assertIn("max_size", failed.stderr)

    def test_every_subcommand_has_help(self):
        for command in ("run", "matrix", "report", "compare", "calibrate", "soak", "chart"):
            helped = loadtest(command, "--help")
            self.assertEqual(helped.returncode, 0)
            self.assertIn("--", helped.stdout)


if __name__ == "__main__":
    unittest.main()
