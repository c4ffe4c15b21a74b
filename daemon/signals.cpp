#include "signals.hpp"

#include <pthread.h>
#include <signal.h>

namespace holdfast {
namespace {

sigset_t signals() {
  sigset_t set;
  sigemptyset(&set);
  sigaddset(&set, SIGTERM);
  sigaddset(&set, SIGINT);
  sigaddset(&set, SIGHUP);
  return set;
}

}  // namespace

void block_signals() {
  const auto set = signals();
  pthread_sigmask(SIG_BLOCK, &set, nullptr);
  signal(SIGPIPE, SIG_IGN);
}

Signal wait_for_signal() {
  const auto set = signals();
  int number = 0;
  while (sigwait(&set, &number) != 0) {
  }
  return number == SIGHUP ? Signal::reload : Signal::end;
}

bool ended_within(std::chrono::milliseconds timeout) {
  auto set = signals();
  sigdelset(&set, SIGHUP);
  const timespec wait{timeout.count() / 1000, timeout.count() % 1000 * 1'000'000};
  const int number = sigtimedwait(&set, nullptr, &wait);
  return number > 0;
}

}  // namespace holdfast
