// The signals that the daemon listens to, taken by the main thread alone.
#pragma once

#include <chrono>

namespace holdfast {

enum class Signal { end, reload };  // SIGTERM or SIGINT; SIGHUP

// Blocks them in this and all threads made later, and ignores SIGPIPE. Call before any thread starts.
void block_signals();

Signal wait_for_signal();

// True when one that ends the daemon came within the timeout. Others stay pending.
bool ended_within(std::chrono::milliseconds timeout);

}  // namespace holdfast
