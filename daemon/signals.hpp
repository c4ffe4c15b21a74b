// The signals that end the daemon, taken by the main thread alone.
#pragma once

#include <chrono>

namespace holdfast {

// Blocks SIGTERM and SIGINT in this and all threads made later, and ignores SIGPIPE. Call before any thread
// starts.
void block_signals();

// Waits for SIGTERM or SIGINT.
void wait_for_signal();

// True when one came within the timeout.
bool wait_for_signal(std::chrono::milliseconds timeout);

}  // namespace holdfast
