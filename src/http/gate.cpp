#include "gate.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <optional>
#include <stdexcept>

namespace holdfast::http {
namespace {

using Outcome = boost::system::result<RequestHeader, Rejection>;

constexpr std::string_view kTokenMarks = "!#$%&'*+-.^_`|~";  // RFC 9110, tchar

bool is_token(std::string_view text) {
  static constexpr auto kTchar = [] {
    std::array<bool, 256> tchar{};
    for (unsigned c = 0; c < 0x80; ++c) {
      tchar[c] = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                 kTokenMarks.find(static_cast<char>(c)) != std::string_view::npos;
    }
    return tchar;
  }();
  const auto is_tchar = [](char c) { return kTchar[static_cast<unsigned char>(c)]; };
  return !text.empty() && std::all_of(text.begin(), text.end(), is_tchar);
}

bool is_printable(std::string_view text) {
  return std::all_of(text.begin(), text.end(), [](char c) { return c > ' ' && c < '\x7f'; });
}

bool is_field_value(std::string_view text) {
  return std::all_of(text.begin(), text.end(), [](char c) {
    return c == '\t' || (static_cast<unsigned char>(c) >= ' ' && c != '\x7f');
  });
}

char lower(char c) {
  return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c;
}

bool same(std::string_view a, std::string_view b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(),
                    [](char x, char y) { return lower(x) == lower(y); });
}

std::string_view trim(std::string_view text) {
  const auto is_space = [](char c) { return c == ' ' || c == '\t'; };
  while (!text.empty() && is_space(text.front())) text.remove_prefix(1);
  while (!text.empty() && is_space(text.back())) text.remove_suffix(1);
  return text;
}

bool has_element(std::string_view list, std::string_view wanted) {
  while (!list.empty()) {
    const auto comma = list.find(',');
    if (same(trim(list.substr(0, comma)), wanted)) return true;
    if (comma == std::string_view::npos) break;
    list.remove_prefix(comma + 1);
  }
  return false;
}

Method method_of(std::string_view name) {
  if (name == "GET") return Method::get;
  if (name == "POST") return Method::post;
  if (name == "PUT") return Method::put;
  if (name == "DELETE") return Method::erase;
  return Method::other;
}

// The fields that mean something here. None may come twice.
struct Fields {
  std::optional<std::string_view> host, content_length, transfer_encoding, content_encoding, connection,
      expect, idempotency_key, authorization, api_key;

  std::optional<std::string_view>* find(std::string_view name) {
    const std::array<std::pair<std::string_view, std::optional<std::string_view>*>, 9> known{
        {{"host", &host},
         {"content-length", &content_length},
         {"transfer-encoding", &transfer_encoding},
         {"content-encoding", &content_encoding},
         {"connection", &connection},
         {"expect", &expect},
         {"idempotency-key", &idempotency_key},
         {"authorization", &authorization},
         {"x-api-key", &api_key}}};
    for (const auto& [its_name, field] : known) {
      if (same(name, its_name)) return field;
    }
    return nullptr;
  }
};

// Cuts the next line off; nothing when it does not end in CRLF or has another CR or LF in it.
std::optional<std::string_view> next_line(std::string_view& block) {
  const auto end = block.find('\n');
  if (end == std::string_view::npos || end == 0) return std::nullopt;
  const auto line = block.substr(0, end - 1);
  if (block[end - 1] != '\r' || line.find('\r') != std::string_view::npos) return std::nullopt;
  block.remove_prefix(end + 1);
  return line;
}

std::optional<Rejection> read_field(std::string_view line, Fields& fields) {
  if (line.front() == ' ' || line.front() == '\t')
    return Rejection{400, "A folded header line is not allowed"};
  const auto colon = line.find(':');
  if (colon == std::string_view::npos || !is_token(line.substr(0, colon))) {
    return Rejection{400, "A header line has no valid name"};
  }
  const auto name = line.substr(0, colon);
  const auto value = trim(line.substr(colon + 1));
  if (!is_field_value(value)) return Rejection{400, "A header value has control characters"};
  auto* field = fields.find(name);
  if (!field) return std::nullopt;
  if (*field && same(name, "connection")) return Rejection{400, "More than one Connection header"};
  if (*field) return Rejection{400, "More than one " + std::string(name) + " header"};
  *field = value;
  return std::nullopt;
}

std::optional<Rejection> check_framing(const Fields& fields, bool http_1_0, RequestHeader& header) {
  if (!http_1_0 && !fields.host) return Rejection{400, "Exactly one Host header is required"};
  if (fields.host &&
      (!is_printable(*fields.host) || fields.host->find_first_of(",@/") != std::string_view::npos)) {
    return Rejection{400, "The Host header is not a host"};
  }
  if (fields.transfer_encoding) {
    const bool ambiguous = fields.content_length || http_1_0;
    return Rejection{ambiguous ? 400u : 501u, "Transfer-Encoding is not supported: send Content-Length"};
  }
  if (fields.content_encoding && !same(*fields.content_encoding, "identity")) {
    return Rejection{415, "Content-Encoding is not supported"};
  }
  if (fields.expect && !same(*fields.expect, "100-continue")) return Rejection{417, "Unknown expectation"};
  if (!fields.content_length) return std::nullopt;
  const auto& digits = *fields.content_length;
  const auto end = digits.data() + digits.size();
  const auto read = std::from_chars(digits.data(), end, header.content_length);
  const bool plain = !digits.empty() && digits.front() >= '0' && digits.front() <= '9';
  if (!plain || read.ec != std::errc{} || read.ptr != end)
    return Rejection{400, "Content-Length is not a number"};
  return std::nullopt;
}

}  // namespace

void throw_exception_from_error(const Rejection& rejection, const boost::source_location&) {
  throw std::logic_error("unchecked rejection: " + rejection.message);
}

Outcome read_header(std::string_view block, const Limits& limits) {
  if (block.size() > limits.header_bytes) return Rejection{431, "The header is too large"};
  const auto request_line = next_line(block);
  if (!request_line) return Rejection{400, "Malformed HTTP request line"};
  const auto first = request_line->find(' ');
  const auto last = request_line->rfind(' ');
  if (first == std::string_view::npos || first == last || !is_token(request_line->substr(0, first))) {
    return Rejection{400, "Malformed HTTP request line"};
  }
  RequestHeader header;
  const auto method = request_line->substr(0, first);
  header.head_only = method == "HEAD";
  header.method = header.head_only ? Method::get : method_of(method);
  header.target = request_line->substr(first + 1, last - first - 1);
  const auto version = request_line->substr(last + 1);
  const bool http_1_0 = version == "HTTP/1.0";
  if (!http_1_0 && version != "HTTP/1.1") {
    const bool other = version.size() == 8 && version.starts_with("HTTP/");
    return Rejection{other ? 505u : 400u, "Only HTTP/1.1 is supported"};
  }
  if (header.target.empty() || !is_printable(header.target)) {
    return Rejection{400, "The request target may only have printable ASCII characters"};
  }
  Fields fields;
  for (std::size_t count = 0;; ++count) {
    const auto line = next_line(block);
    if (!line) return Rejection{400, "Header lines must end in CRLF"};
    if (line->empty()) break;
    if (count == limits.header_fields) return Rejection{431, "Too many header fields"};
    if (auto rejection = read_field(*line, fields)) return std::move(*rejection);
  }
  if (!block.empty()) return Rejection{400, "Malformed HTTP header"};
  if (auto rejection = check_framing(fields, http_1_0, header)) return std::move(*rejection);
  const auto connection = fields.connection.value_or("");
  header.keep_alive = http_1_0 ? has_element(connection, "keep-alive") : !has_element(connection, "close");
  header.expects_continue = fields.expect && !http_1_0;
  header.idempotency_key = fields.idempotency_key.value_or("");
  header.authorization = fields.authorization.value_or("");
  header.api_key = fields.api_key.value_or("");
  return header;
}

}  // namespace holdfast::http
