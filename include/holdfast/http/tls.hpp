// TLS for the listeners: certificate and key from PEM files, TLS 1.2 and later. A reload makes another
// context; connections keep the one they began with.
#pragma once

#include <boost/asio/ssl/context.hpp>
#include <filesystem>
#include <memory>

#include "holdfast/base/result.hpp"

namespace holdfast::http {

// Errors: permanent, with the path and what OpenSSL says.
Result<std::shared_ptr<boost::asio::ssl::context>> load_tls(const std::filesystem::path& certificate,
                                                            const std::filesystem::path& key);

}  // namespace holdfast::http
