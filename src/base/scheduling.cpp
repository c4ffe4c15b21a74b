#include "holdfast/base/scheduling.hpp"

#include <sched.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cstdint>

namespace holdfast {
namespace {

constexpr std::uint64_t kSliceNs = 100'000;  // the least that the kernel takes

// The first version of the kernel's struct sched_attr, which glibc 2.36 does not declare: man 2
// sched_setattr.
struct Attributes {
  std::uint32_t size = sizeof(Attributes);
  std::uint32_t policy = 0;
  std::uint64_t flags = 0;
  std::int32_t nice = 0;
  std::uint32_t priority = 0;
  std::uint64_t runtime = 0;  // of SCHED_OTHER: the slice
  std::uint64_t deadline = 0;
  std::uint64_t period = 0;
};

thread_local bool has_short_slices = false;

}  // namespace

void ask_for_short_slices() {
  has_short_slices = true;
  constexpr int kThisThread = 0;
  Attributes attributes;
  if (::syscall(SYS_sched_getattr, kThisThread, &attributes, sizeof(Attributes), 0) != 0) return;
  attributes.runtime = kSliceNs;
  (void)::syscall(SYS_sched_setattr, kThisThread, &attributes, 0);
}

void give_way() {
  if (has_short_slices) ::sched_yield();
}

}  // namespace holdfast
