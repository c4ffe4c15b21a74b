// Finds the operations of a batch that the store refuses for good, while everything else of the batch gets
// into the store, in order: a range that is refused is halved until one operation is left. A pure state
// machine.
#pragma once

#include <cstddef>
#include <vector>

namespace holdfast::flush {

class Bisection {
 public:
  struct Range {  // [begin, end) of the batch's operations
    std::size_t begin = 0;
    std::size_t end = 0;
    std::size_t size() const { return end - begin; }
  };

  explicit Bisection(std::size_t operations) : left_{{0, operations}} {}

  bool done() const { return left_.empty(); }
  Range next() const { return left_.back(); }  // to be written; not when done()
  bool whole() const { return refusals_ == 0; }
  void accepted() { left_.pop_back(); }
  // False: it was one operation alone, which is left where it is: drop() it, or try again.
  bool refused();
  void drop() { left_.pop_back(); }

 private:
  std::vector<Range> left_;  // the next one last
  std::size_t refusals_ = 0;
};

}  // namespace holdfast::flush
