"""cache_benchmark.py [FOLDER] [--threshold T]: what the query cache does with the questions of LoCoMo conversations
(FOLDER/*.json, ../shared/data/locomo beside the project when absent), asked of a daemon of its own over HTTP.

Each question is asked with an empty cache, repeated, reworded by rules that keep its meaning (capitals and
punctuation, "please", contractions, question words) and turned round (negated, another number, the other speaker).
What the cache did is read from the daemon's own counters, with one client and no verification in the background. Every
similar hit is compared with a fresh search of the same text: it is false when they share less than 0.8 of the
first ten results. Times are those of one request on a kept connection, read by the client.

Exit code 1 when a question that was turned round is answered from the cache."""

import argparse
import glob
import http.client
import json
import os
import re
import sys
import time
from collections import defaultdict

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(os.path.dirname(HERE), "http"))
from holdfast_process import PROJECT, Holdfast  # noqa: E402

TOP_K = 10
PAST_THE_CACHE = 1000  # more than an entry keeps
LEAST_OVERLAP = 0.8
ROUNDS_A_REQUEST = 20
AUXILIARIES = "did|does|do|is|are|was|were|has|have|had|can|could|will|would|should"
NUMBER_WORDS = {"one": "two", "two": "three", "three": "four", "four": "five", "five": "six", "first": "second",
                "second": "third", "third": "fourth"}
CONTRACTIONS = [(r"\b(what|who|where|when|how) is\b", r"\1's"), (r"\b(what|who|where|when|how)'s\b", r"\1 is"),
                (r"\bdid not\b", "didn't"), (r"\bdidn't\b", "did not"), (r"\bhadn't\b", "had not"),
                (r"\b(what|who|where|when|how) did\b", r"\1'd")]
QUESTION_WORDS = [(r"^when\b", "what time"), (r"^where\b", "in what place"), (r"^why\b", "for what reason"),
                  (r"^who\b", "which person"), (r"^which\b", "what")]


def reworded(question):
    """Kind and text; only those that differ from the question."""
    yield "lower case", question.lower()
    yield "no punctuation", re.sub(r"[^\w\s'-]", "", question)
    yield "please", "Please tell me: " + question
    yield "please", question.rstrip("?") + ", please?"
    for kind, rules in (("contraction", CONTRACTIONS), ("question word", QUESTION_WORDS)):
        for pattern, by in rules:
            text = re.sub(pattern, by, question, count=1, flags=re.I)
            if text != question:
                yield kind, text
                break


def turned_round(question, speakers):
    negated = re.sub(rf"\b({AUXILIARIES})\b(?! not\b)", r"\1 not", question, count=1, flags=re.I)
    if negated != question:
        yield "negated", negated
    other_number = re.sub(r"\d", lambda digit: str((int(digit.group()) + 1) % 10), question, count=1)
    if other_number == question:
        words = "|".join(NUMBER_WORDS)
        other_number = re.sub(rf"\b({words})\b", lambda word: NUMBER_WORDS[word.group().lower()], question, count=1,
                              flags=re.I)
    if other_number != question:
        yield "other number", other_number
    a, b = speakers
    swapped = re.sub(rf"\b({re.escape(a)}|{re.escape(b)})\b", lambda name: b if name.group() == a else a, question)
    if swapped != question:
        yield "other speaker", swapped


class Client:
    def __init__(self, daemon, user):
        self.connection = http.client.HTTPConnection("127.0.0.1", daemon.port, timeout=30)
        self.user = user

    def send(self, method, path, body=None):
        payload = None if body is None else json.dumps(body).encode()
        self.connection.request(method, path, payload, {"Content-Type": "application/json"} if payload else {})
        response = self.connection.getresponse()
        text = response.read().decode()
        if response.status != 200:
            raise RuntimeError(f"{method} {path}: {response.status} {text}")
        return text

    def outcomes(self):
        return {outcome: float(count) for outcome, count in
                re.findall(r'holdfast_cache_lookups_total\{outcome="(\w+)"\} (\S+)', self.send("GET", "/metrics"))}

    def ask(self, question, top_k=TOP_K):
        """Ids, what the cache did, milliseconds."""
        before = self.outcomes()
        began = time.perf_counter()
        text = self.send("POST", f"/api/v1/users/{self.user}/query", {"query": question, "top_k": top_k})
        took = (time.perf_counter() - began) * 1e3
        after = self.outcomes()
        outcome = next(name for name in after if after[name] > before.get(name, 0))
        return [hit["id"] for hit in json.loads(text)["data"]["results"]], outcome, took


class Counts:
    def __init__(self):
        self.asked, self.hits, self.similar, self.false = 0, 0, 0, 0


def load(daemon, path):
    with open(path, encoding="utf-8") as file:
        document = json.load(file)
    conversation = document.get("conversation", document)
    user, agent, number = daemon.make_user(os.path.basename(path)), daemon.make_agent("reader"), 1
    while f"session_{number}" in conversation:
        session = daemon.make_session(user, agent, f"session {number}")
        texts = [f"{turn['speaker']}: {turn['text']}" + (f" [{turn['blip_caption']}]" if "blip_caption" in turn else "")
                 for turn in conversation[f"session_{number}"]]
        for start in range(0, len(texts), ROUNDS_A_REQUEST):
            daemon.add(session, *texts[start:start + ROUNDS_A_REQUEST])
        number += 1
    daemon.flush()
    return user, (conversation["speaker_a"], conversation["speaker_b"]), [qa["question"] for qa in document["qa"]]


def measure(client, speakers, questions, counts, times, wrong_hits):
    def ask(kind, question, meant):
        found, outcome, took = client.ask(question)
        count = counts[kind]
        count.asked += 1
        count.hits += outcome == "hit"
        count.similar += outcome == "similar"
        times[outcome].append(took)
        if outcome == "similar":
            true = client.ask(question, PAST_THE_CACHE)[0][:TOP_K]
            count.false += len(set(found) & set(true)) < LEAST_OVERLAP * len(true)
        if not meant and outcome != "miss":
            wrong_hits.append((kind, outcome, question))

    for question in questions:
        client.send("POST", "/api/v1/cache/clear", {})
        ask("as it is", question, True)
        ask("repeated", question, True)
        for kind, text in reworded(question):
            ask(kind, text, True)
        for kind, text in turned_round(question, speakers):
            ask(kind, text, False)


def at(values, share):
    return sorted(values)[int(share * (len(values) - 1))] if values else float("nan")


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", nargs="?", default=os.path.join(os.path.dirname(PROJECT), "shared", "data", "locomo"))
    parser.add_argument("--threshold", default="0.95")
    options = parser.parse_args()
    files = sorted(glob.glob(os.path.join(options.folder, "*.json")))
    if not files:
        print(f"SKIPPED: no conversations in {options.folder}")
        return 0
    counts, times, wrong_hits = defaultdict(Counts), defaultdict(list), []
    with Holdfast("buffer.query.verify_fraction=0", f"buffer.query.similarity_threshold={options.threshold}",
                  "buffer.query.cache_size=100000") as daemon:
        for path in files:
            user, speakers, questions = load(daemon, path)
            measure(Client(daemon, user), speakers, questions, counts, times, wrong_hits)
    print(f"{len(files)} conversations, threshold {options.threshold}")
    print(f"{'question':16} {'asked':>6} {'exact':>7} {'similar':>8} {'false':>7}")
    for kind, count in counts.items():
        print(f"{kind:16} {count.asked:6} {count.hits / count.asked:7.3f} {count.similar / count.asked:8.3f} "
              f"{count.false / count.similar if count.similar else 0:7.3f}")
    print(f"{'answered by':16} {'asked':>6} {'p50 ms':>7} {'p99 ms':>8}")
    for outcome in ("hit", "similar", "miss"):
        print(f"{outcome:16} {len(times[outcome]):6} {at(times[outcome], 0.5):7.2f} {at(times[outcome], 0.99):8.2f}")
    for kind, outcome, question in wrong_hits:
        print(f"WRONG: {kind}: {outcome}: {question}")
    return 1 if wrong_hits else 0


if __name__ == "__main__":
    sys.exit(main())
