#include "holdfast/flush/bisection.hpp"

namespace holdfast::flush {

bool Bisection::refused() {
  ++refusals_;
  const auto range = left_.back();
  if (range.size() < 2) return false;
  const auto middle = range.begin + range.size() / 2;
  left_.back() = {middle, range.end};
  left_.push_back({range.begin, middle});
  return true;
}

}  // namespace holdfast::flush
