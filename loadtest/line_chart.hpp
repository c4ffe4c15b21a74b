// A line chart as an SVG document that stands alone: no script, no font of its own, readable on white.
#pragma once

#include <string>
#include <utility>
#include <vector>

namespace loadtest {

struct ChartLine {
  std::string name;
  std::vector<std::pair<double, double>> points;  // (x, y), by x
};

struct Chart {
  std::string title, x_label, y_label;
  bool logarithmic_y = false;  // then values that are not above 0 are left out
  // Without: x is a number. With: x is the index into these.
  std::vector<std::string> categories;
  std::vector<ChartLine> lines;
};

// The empty string when no line has a point.
std::string to_svg(const Chart& chart);

}  // namespace loadtest
