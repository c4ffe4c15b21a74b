#include "signals.hpp"

#include <pthread.h>
#include <signal.h>

namespace holdfast {
namespace {

sigset_t ending_signals() {
  sigset_t set;
  sigemptyset(&set);
  sigaddset(&set, SIGTERM);
  sigaddset(&set, SIGINT);
  return set;
}

}  // namespace

void block_signals() {
  const auto set = ending_signals();
  pthread_sigmask(SIG_BLOCK, &set, nullptr);
  signal(SIGPIPE, SIG_IGN);
}

void wait_for_signal() {
  const auto set = ending_signals();
  int number = 0;
  while (sigwait(&set, &number) != 0) {
  }
}

bool wait_for_signal(std::chrono::milliseconds timeout) {
  const auto set = ending_signals();
  const timespec wait{timeout.count() / 1000, timeout.count() % 1000 * 1'000'000};
  return sigtimedwait(&set, nullptr, &wait) > 0;
}

}  // namespace holdfast
