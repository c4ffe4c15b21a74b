"""mutants: the tests must notice when a promise is broken. Each mutant is one change to a copy of the source; the named test of a
test build of it must fail. The copy and its build are in build/mutants."""

import os
import shutil
import subprocess

from workspace import PROJECT

# name: (file, what is there, what is put there instead, test program, filter)
MUTANTS = {
    "ack before write": ("src/journal/journal.cpp", "const bool early = options_.durability == Durability::none;",
                         "const bool early = true;", "journal_test", "JournalFixture.NoFailure*:JournalFixture.AFailedWrite*"),
    "ack before fsync": ("src/journal/journal.cpp", "(options_.durability != Durability::fsync || log_.sync())", "true",
                         "journal_test", "JournalFixture.EveryCompletedRecord*"),
    "no CRC": ("src/journal/segment_format.cpp", "return header.crc == record_crc(", "return true || header.crc == record_crc(",
               "journal_test", "DamagedJournal.AnyFlippedBit*"),
    "CRC without the salt": ("src/journal/segment_format.cpp", "auto crc = crc32c(salt_bytes);", "auto crc = crc32c(salt_bytes.substr(8));",
                             "journal_test", "DamagedJournal.RecordsOfAnotherSegment*"),
    "directory not synced": ("src/journal/segment_writer.cpp", "return files.sync_directory(dir);", "return {};",
                             "journal_test", "JournalFixture.EveryCompletedRecord*"),
    "failed fsync tried again": ("src/journal/segment_log.cpp", "  if (!done) poison(done.error());\n  return !failed_;",
                                 "  if (!done) (void)segment_->sync();\n  return !failed_;",
                                 "journal_test", "JournalFixture.AFailedSync*"),
    "segment deleted while it waits": ("src/journal/ack_ledger.cpp", "if (segments_.size() < 2 || segments_.front().pending > 0)",
                                       "if (segments_.size() < 2)", "journal_test", "JournalFixture.SegmentsAreDeleted*"),
    "later accepted, earlier refused": ("src/journal/journal.cpp",
                                        "const bool fits = !refused && noted && what.epoch >= refused_below_[what.shard];",
                                        "const bool fits = !refused && noted;", "journal_test", "BusyJournal.*"),
    "checkpoint before the store's answer": ("src/engine/flush_loop.cpp", "  session.retry_at.reset();\n  flush::Job job;",
                                             "  session.retry_at.reset();\n  journal_.acknowledge(batch.lsns());\n  flush::Job job;",
                                             "engine_test", "Delivered.AnOutage*"),
    "the rest of a refused batch is dropped": ("src/flush/bisection.cpp", "if (range.size() < 2) return false;", "return false;",
                                               "engine_test", "Delivered.WhatIsRefused*"),
    "a second batch overtakes the first": ("src/buffer/session_buffer.cpp",
                                           "if (in_flight_ || (hybrid_.empty() && operations_.empty()))",
                                           "if (hybrid_.empty() && operations_.empty())", "buffer_test", "*"),
    "dedup ignores the user": ("src/store/sqlite/catalogue.cpp", "WHERE i.user_no = ? AND i.kind = ? AND i.id = ?",
                                 "WHERE (i.user_no = ? OR 1) AND i.kind = ? AND i.id = ?", "store_test", "*OtherUser*"),
}
COPIED = ("src", "include", "tests", "daemon", "loadtest", "config", "deploy", "CMakeLists.txt", "CMakePresets.json")


def mutants(run):
    for name, (path, old, *_) in MUTANTS.items():
        with open(os.path.join(PROJECT, path)) as file:
            times = file.read().count(old)
        if times != 1:
            run.ledger.find("wrong", f"{name}: {path} has {times} times: {old}")
    if not run.full:
        run.note(f"{len(MUTANTS)} can be made, and are left out: each is a build (--full)")
        return
    home = os.path.join(PROJECT, "build/mutants")
    source, build = os.path.join(home, "source"), os.path.join(home, "build")
    shutil.rmtree(source, ignore_errors=True)
    for name in COPIED:
        os.makedirs(source, exist_ok=True)
        here, there = os.path.join(PROJECT, name), os.path.join(source, name)
        if os.path.isdir(here):  # as new files: what an earlier run built of its last mutant is not newer
            shutil.copytree(here, there, copy_function=shutil.copy)
        else:
            shutil.copy(here, there)
    command(["cmake", "-S", source, "-B", build, "-G", "Ninja", "-DCMAKE_BUILD_TYPE=Debug", "-DCMAKE_CXX_FLAGS=-O1 -g0"])
    programs = sorted({program for _, _, _, program, _ in MUTANTS.values()})
    command(["cmake", "--build", build, "--target", *programs])
    for program in programs:
        if not passes(build, program, "*"):
            raise RuntimeError(f"{program} fails without any mutant")
    for name, (path, old, new, program, chosen) in MUTANTS.items():
        if caught(source, build, path, old, new, program, chosen):
            run.count += 1
        else:
            run.ledger.find("wrong", f"not caught: {name}")
        run.progress(f"{run.count} caught, up to \"{name}\"")
    run.note(f"{run.count} of {len(MUTANTS)} caught: {', '.join(MUTANTS)}")


def caught(source, build, path, old, new, program, chosen):
    path = os.path.join(source, path)
    with open(path) as file:
        original = file.read()
    try:
        with open(path, "w") as file:
            file.write(original.replace(old, new))
        command(["cmake", "--build", build, "--target", program])
        return not passes(build, program, chosen)
    finally:
        with open(path, "w") as file:
            file.write(original)


def passes(build, program, chosen):
    """A mutant may hang or crash: that is caught as well."""
    try:
        done = subprocess.run([os.path.join(build, "bin", program), f"--gtest_filter={chosen}"], capture_output=True, timeout=120)
    except subprocess.TimeoutExpired:
        return False
    return done.returncode == 0


def command(arguments):
    done = subprocess.run(arguments, capture_output=True, text=True)
    if done.returncode != 0:
        raise RuntimeError(f"{' '.join(arguments[:3])}: {(done.stdout + done.stderr)[-600:]}")
