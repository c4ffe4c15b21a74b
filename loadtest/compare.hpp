// Whether results are worse than a baseline.
#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

namespace loadtest {

struct Comparison {
  std::vector<std::string> lines;        // one a compared value, with both and the change
  std::vector<std::string> regressions;  // those of them that got worse by more than allowed
};

// Compares the medians of every step that both have: rate of answers (closed loop), p50 and p99 of each
// operation, peak memory, share of failed requests (by points of the same limit). `most` 0.1 allows 10 %.
// Throws BadInput when they have no step in common.
Comparison compare(const std::vector<nlohmann::json>& baseline, const std::vector<nlohmann::json>& current,
                   double most);

// "10%" or "0.1". Throws BadInput.
double parse_share(const std::string& text);

}  // namespace loadtest
