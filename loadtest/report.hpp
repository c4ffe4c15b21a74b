// A Markdown report of results, with the tables that a performance plan of a buffer asks for and charts
// beside them.
#pragma once

#include <map>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

namespace loadtest {

struct Report {
  std::string markdown;
  std::map<std::string, std::string> charts;  // file name → SVG; the Markdown links to them
};

// What was not measured is "–" in the tables, and a chart without points is left out.
Report make_report(const std::vector<nlohmann::json>& results);

}  // namespace loadtest
