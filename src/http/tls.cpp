#include "holdfast/http/tls.hpp"

#include <string>

#include "holdfast/base/log.hpp"

namespace holdfast::http {

namespace ssl = boost::asio::ssl;

Result<std::shared_ptr<ssl::context>> load_tls(const std::filesystem::path& certificate,
                                               const std::filesystem::path& key) {
  auto context = std::make_shared<ssl::context>(ssl::context::tls_server);
  boost::system::error_code error;
  context->set_options(ssl::context::default_workarounds | ssl::context::no_sslv2 | ssl::context::no_sslv3 |
                           ssl::context::no_tlsv1 | ssl::context::no_tlsv1_1,
                       error);
  // A key with a passphrase is refused: nobody is there to type it.
  context->set_password_callback([](std::size_t, ssl::context::password_purpose) { return std::string(); },
                                 error);
  const auto refuse = [&](const char* setting, const std::filesystem::path& path) {
    return permanent(std::string(setting) + " " + path.string() + ": " + error.message());
  };
  if (!error) context->use_certificate_chain_file(certificate.string(), error);
  if (error) return refuse("server.tls.cert", certificate);
  context->use_private_key_file(key.string(), ssl::context::pem, error);
  if (error) return refuse("server.tls.key", key);
  const auto* loaded = SSL_CTX_get0_certificate(context->native_handle());
  if (loaded && X509_cmp_current_time(X509_get0_notAfter(loaded)) < 0) {
    log::warn("server.tls.cert {}: the certificate has expired, clients will refuse it",
              certificate.string());
  }
  return context;
}

}  // namespace holdfast::http
