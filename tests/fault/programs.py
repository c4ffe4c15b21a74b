"""log_damage, journal_calls, store_script: the unit test programs at their full length. They stand beside the daemon."""

import os
import re
import subprocess


def program(name, test_filter, environment, count):
    """count: cases by length (short, full), or None where the program prints them."""
    def scenario(run):
        path = os.path.join(os.path.dirname(run.space.binary), name)
        if not os.path.exists(path):
            raise FileNotFoundError(f"{path}: build it, or name a daemon that has its test programs beside it")
        full = {key: value for key, value in environment.items()} if run.full else {}
        done = subprocess.run([path, f"--gtest_filter={test_filter}"], env={**os.environ, **full}, capture_output=True, text=True,
                              errors="replace")
        printed = re.search(r"^cases: (\d+)", done.stdout, re.M)
        run.count = int(printed.group(1)) if printed else run.number(*count)
        if done.returncode != 0:
            failed = re.findall(r"^.*(?:Failure|what\(\)).*\n.*", done.stdout, re.M)
            run.ledger.find("wrong", f"{name} failed: {' '.join(failed[:3]) or done.stderr[-300:]}")
    return scenario


log_damage = program("journal_test", "DamagedJournal.ATailTornAtAnyByte*:DamagedJournal.AnyFlippedBit*", {"HOLDFAST_FULL": "1"}, None)
journal_calls = program("journal_test", "JournalFixture.NoFailureMakesAFalse*", {}, None)
store_script = program("engine_test", "Delivered.*", {"HOLDFAST_STORE_SEEDS": "200"}, (12, 200))
