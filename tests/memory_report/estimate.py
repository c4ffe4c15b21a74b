"""The formula of the seed (round + hybrid + cache), calibrated: what a buffered message and a byte of the query cache take
of resident memory, and how far the formula with the constants of include/holdfast/metrics/memory_estimate.hpp is off."""

import collections
import random

from daemon import STANDING_STILL, Daemon

ROUND_BYTES = 10_000  # of a request: fewer tokens than a round buffer of 5000 takes, more than one of 100
STEPS = {200: (2000, 3000, 5000, 10_000, 10_000), 2000: (500, 500, 1000, 2000, 2000)}  # messages, by bytes of content
WORDS = ("memory buffer agent answer question flight hotel garden river mountain winter summer recipe bread coffee project "
         "meeting deadline report budget travel ticket music violin painting history physics number letter").split()
MEGA = 1e6


def contents(length, source):
    text = " ".join(source.choice(WORDS) for _ in range(length // 5))
    return text[:length]


def slope(points):
    """(slope, intercept) of the line of least squares."""
    mean_x = sum(x for x, _ in points) / len(points)
    mean_y = sum(y for _, y in points) / len(points)
    rise = sum((x - mean_x) * (y - mean_y) for x, y in points) / sum((x - mean_x) ** 2 for x, _ in points)
    return rise, mean_y - rise * mean_x


Point = collections.namedtuple("Point", "messages accounted resident estimated")


class Filling:
    """A daemon whose buffers, or whose cache, are filled step by step: what there is after each."""

    def __init__(self, daemon):
        self.d, self.source, self.points, self.messages = daemon, random.Random(7), [], 0
        self.user = daemon.make_user()
        self.agent = daemon.make_agent()
        self.d.add(self.session(), "what is touched once is in memory")
        self.d.query(self.user, "touched once")

    def session(self):
        return self.d.make_session(self.user, self.agent)

    def add(self, messages, length):
        at_once = ROUND_BYTES // length
        self.messages += messages
        for _ in range(messages // at_once):
            self.d.add(self.session(), *(contents(length, self.source) for _ in range(at_once)))

    def look(self, component):
        memory = self.d.memory()
        self.points.append(Point(self.messages, memory["components"][component]["bytes"], self.d.resident(),
                                 memory["estimated_bytes"]))


def fill_buffer(binary, component, tokens, length):
    with Daemon(binary, *STANDING_STILL, f"buffer.round_buffer.max_tokens={tokens}") as daemon:
        filling = Filling(daemon)  # the first step brings vocabularies into memory as well: looked at after it
        for count in STEPS[length]:
            filling.add(count, length)
            filling.look(component)
        return filling.points


def fill_chunks(binary, length, messages):
    """Resident bytes a message whose terms and vectors a query has asked for."""
    with Daemon(binary, *STANDING_STILL, "buffer.round_buffer.max_tokens=100") as daemon:
        filling = Filling(daemon)
        filling.add(messages, length)
        before = daemon.resident()
        daemon.query(filling.user, "garden river")
        return (daemon.resident() - before) / messages


def fill_cache(binary, length, steps):
    with Daemon(binary, *STANDING_STILL, "buffer.query.cache_size=100000") as daemon:
        filling = Filling(daemon)
        filling.add(500, length)
        daemon.flush()
        asked = 0
        for count in (20, *steps):
            for asked in range(asked + 1, asked + 1 + count):
                daemon.query(filling.user, f"{WORDS[asked % len(WORDS)]} {WORDS[asked // len(WORDS) % len(WORDS)]} {asked}", top_k=15)
            filling.look("query_cache")
        return filling.points


def tables(binary, print_table):
    series = {}
    for length in STEPS:
        series[f"round buffer, {length} bytes"] = fill_buffer(binary, "round_buffer", 5000, length)
        series[f"hybrid buffer, {length} bytes"] = fill_buffer(binary, "hybrid_buffer", 100, length)
    for length in STEPS:
        series[f"query cache, {length} bytes"] = fill_cache(binary, length, (200, 400, 800))
    rows, a_message = [], {}
    for name, points in series.items():
        x = [point.accounted if "cache" in name else point.messages for point in points]
        each, base = slope([(at, point.resident) for at, point in zip(x, points)])
        worst = max(abs(base + each * at - point.resident) / point.resident for at, point in zip(x, points))
        a_message[name] = each
        counted, _ = slope([(at, point.accounted) for at, point in zip(x, points)])
        unit = "a byte" if "cache" in name else "a message"
        rows.append((name, f"{each:.4g} {unit}", f"{counted:.4g} {unit}", f"{base / MEGA:.1f}", f"{100 * worst:.1f} %"))
    short, long = STEPS
    for buffer in ("round buffer", "hybrid buffer"):
        factor = (a_message[f"{buffer}, {long} bytes"] - a_message[f"{buffer}, {short} bytes"]) / (long - short)
        rows.append((buffer, f"{a_message[f'{buffer}, {short} bytes'] - factor * short:.0f} a message + {factor:.2f} a byte",
                     "512 a message + 1 a byte", "", ""))
    print_table("Resident bytes, fitted", ("filled", "resident", "accounted", "at 0, MB", "largest error of the fit"), rows)
    rows = [(name, f"{point.messages:,}", f"{point.accounted / MEGA:.1f}", f"{point.resident / MEGA:.1f}",
             f"{point.estimated / MEGA:.1f}", f"{100 * (point.estimated - point.resident) / point.resident:+.1f} %")
            for name, points in series.items() for point in points]
    print_table("The daemon's own estimate against what is resident",
                ("filled", "messages", "accounted, MB", "resident, MB", "estimated_bytes, MB", "error"), rows)
    print_table("Terms and vectors of buffered messages, once a query has asked for them",
                ("content, bytes", "resident bytes a message"),
                [(length, f"{fill_chunks(binary, length, sum(steps)):.0f}") for length, steps in STEPS.items()])
