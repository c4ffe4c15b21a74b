#include "line_chart.hpp"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <limits>

namespace loadtest {
namespace {

constexpr double kWidth = 760, kHeight = 380, kLeft = 80, kRight = 20, kTop = 44, kBottom = 74;
constexpr const char* kColours[] = {"#1f77b4", "#d62728", "#2ca02c", "#9467bd", "#ff7f0e", "#8c564b"};
constexpr int kTicks = 5;

std::string escaped(const std::string& text) {
  std::string made;
  for (const char c : text) {
    if (c == '&')
      made += "&amp;";
    else if (c == '<')
      made += "&lt;";
    else if (c == '>')
      made += "&gt;";
    else
      made += c;
  }
  return made;
}

std::string number(double value) {
  char text[32];
  if (std::abs(value) >= 10000)
    std::snprintf(text, sizeof text, "%.0f", value);
  else
    std::snprintf(text, sizeof text, "%.3g", value);
  return text;
}

std::string at(double value) {
  char text[32];
  std::snprintf(text, sizeof text, "%.1f", value);
  return text;
}

std::string label(double x, double y, const char* anchor, const std::string& text, const char* more = "") {
  return "<text x=\"" + at(x) + "\" y=\"" + at(y) + "\" text-anchor=\"" + anchor + "\"" + more + ">" +
         escaped(text) + "</text>\n";
}

std::string rule(double x1, double y1, double x2, double y2, const char* colour) {
  return "<line x1=\"" + at(x1) + "\" y1=\"" + at(y1) + "\" x2=\"" + at(x2) + "\" y2=\"" + at(y2) +
         "\" stroke=\"" + colour + "\"/>\n";
}

// The least 1, 2 or 5 × 10^n that is not below `value`.
double round_up(double value) {
  const double power = std::pow(10, std::floor(std::log10(value)));
  for (const double factor : {1.0, 2.0, 5.0}) {
    if (factor * power >= value) return factor * power;
  }
  return 10 * power;
}

struct Axis {
  double least = 0, most = 1;
  bool logarithmic = false;
  // 0…1 along the axis.
  double share(double value) const {
    return logarithmic ? std::log10(value / least) / std::log10(most / least)
                       : (value - least) / (most - least);
  }
};

std::string grid(const Axis& y) {
  std::string made;
  const auto tick = [&](double value) {
    const double py = kHeight - kBottom - y.share(value) * (kHeight - kTop - kBottom);
    made += rule(kLeft, py, kWidth - kRight, py, "#dddddd") + label(kLeft - 8, py + 4, "end", number(value));
  };
  if (y.logarithmic) {
    for (double value = y.least; value <= y.most * 1.001; value *= 10) tick(value);
  } else {
    for (int i = 0; i <= kTicks; ++i) tick(y.least + (y.most - y.least) * i / kTicks);
  }
  return made;
}

}  // namespace

std::string to_svg(const Chart& chart) {
  Axis x{std::numeric_limits<double>::max(), std::numeric_limits<double>::lowest()}, y = x;
  y.logarithmic = chart.logarithmic_y;
  const auto shown = [&](const auto& point) { return !chart.logarithmic_y || point.second > 0; };
  for (const auto& line : chart.lines) {
    for (const auto& point : line.points) {
      if (!shown(point)) continue;
      x = {std::min(x.least, point.first), std::max(x.most, point.first)};
      y = {std::min(y.least, point.second), std::max(y.most, point.second), y.logarithmic};
    }
  }
  if (x.least > x.most) return {};
  if (x.least == x.most) x.most = x.least + 1;
  if (y.logarithmic) {
    y.least = std::pow(10, std::floor(std::log10(y.least)));
    y.most = std::pow(10, std::ceil(std::log10(y.most * 1.0001)));
  } else {
    y = {0, y.most > 0 ? round_up(y.most) : 1};
  }
  const auto px = [&](double value) { return kLeft + x.share(value) * (kWidth - kLeft - kRight); };
  const auto py = [&](double value) {
    return kHeight - kBottom - y.share(value) * (kHeight - kTop - kBottom);
  };

  std::string svg =
      "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 760 380\" font-family=\"sans-serif\" "
      "font-size=\"12\">\n<rect width=\"760\" height=\"380\" fill=\"white\"/>\n";
  svg += label(kWidth / 2, 22, "middle", chart.title, " font-size=\"15\"") + grid(y);
  svg += rule(kLeft, kHeight - kBottom, kWidth - kRight, kHeight - kBottom, "#333333");
  if (chart.categories.empty()) {
    for (int i = 0; i <= kTicks; ++i) {
      const double value = x.least + (x.most - x.least) * i / kTicks;
      svg += label(px(value), kHeight - kBottom + 18, "middle", number(value));
    }
  } else {
    for (std::size_t i = 0; i < chart.categories.size(); ++i) {
      svg += label(px(static_cast<double>(i)), kHeight - kBottom + 18, "middle", chart.categories[i]);
    }
  }
  svg += label(kWidth / 2, kHeight - kBottom + 36, "middle", chart.x_label);
  svg += label(0, 0, "middle", chart.y_label, " transform=\"translate(18,175) rotate(-90)\"");
  for (std::size_t i = 0; i < chart.lines.size(); ++i) {
    const auto& line = chart.lines[i];
    const std::string colour = kColours[i % std::size(kColours)];
    std::string path, dots;
    for (const auto& point : line.points) {
      if (!shown(point)) continue;
      path += at(px(point.first)) + "," + at(py(point.second)) + " ";
      if (line.points.size() <= 30) {
        dots += "<circle cx=\"" + at(px(point.first)) + "\" cy=\"" + at(py(point.second)) +
                "\" r=\"3\" fill=\"" + colour + "\"/>\n";
      }
    }
    svg += "<polyline fill=\"none\" stroke=\"" + colour + "\" stroke-width=\"2\" points=\"" + path +
           "\"/>\n" + dots;
    const double left =
        kLeft + static_cast<double>(i) * (kWidth - kLeft - kRight) / static_cast<double>(chart.lines.size());
    svg += "<rect x=\"" + at(left) + "\" y=\"" + at(kHeight - 22) + "\" width=\"12\" height=\"12\" fill=\"" +
           colour + "\"/>\n" + label(left + 18, kHeight - 12, "start", line.name);
  }
  return svg + "</svg>\n";
}

}  // namespace loadtest
