#include "holdfast/transfer/resume_point.hpp"

#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <fstream>

#include "holdfast/base/ids.hpp"

namespace holdfast::transfer {
namespace {

constexpr std::uint64_t kCheckedBytes = 4096;
constexpr const char* kHeading = "holdfast import 1";

}  // namespace

ResumePoint::ResumePoint(std::filesystem::path path, int descriptor, std::string target)
    : path_(std::move(path)), descriptor_(descriptor), target_(std::move(target)) {}

std::string ResumePoint::check(std::uint64_t offset) const {
  std::string bytes(std::min(offset, kCheckedBytes), '\0');
  const auto read =
      ::pread(descriptor_, bytes.data(), bytes.size(), static_cast<off_t>(offset - bytes.size()));
  return read == static_cast<ssize_t>(bytes.size()) ? derive_uuid(bytes) : std::string();
}

std::optional<LinePosition> ResumePoint::read() const {
  std::ifstream in(path_);
  std::string heading, checked, target;
  LinePosition position;
  std::getline(in, heading);
  in >> position.line >> position.offset >> checked >> std::ws;
  std::getline(in, target);
  if (!in || heading != kHeading || target != target_ || checked != check(position.offset))
    return std::nullopt;
  return position;
}

Result<void> ResumePoint::write(LinePosition position) const {
  const auto fresh = path_.string() + ".new";
  {
    std::ofstream out(fresh, std::ios::trunc);
    out << kHeading << '\n'
        << position.line << ' ' << position.offset << ' ' << check(position.offset) << '\n'
        << target_ << '\n';
    out.flush();
    if (!out) return permanent(fresh + " cannot be written: " + std::strerror(errno));
  }
  if (std::rename(fresh.c_str(), path_.c_str()) == 0) return {};
  return permanent(path_.string() + " cannot be written: " + std::strerror(errno));
}

}  // namespace holdfast::transfer
