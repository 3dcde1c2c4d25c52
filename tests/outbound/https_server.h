// SPDX-License-Identifier: Apache-2.0
// HttpsServer: a web server on loopback with a certificate of its own, until it goes.
#pragma once

#include "http/server.h"
#include "tests/support/certificates.h"
#include "tests/support/folder.h"

namespace postern::test {

class HttpsServer {
 public:
  HttpsServer(std::vector<std::string> names, http::Router router)
      : files_(make_certificate(folder_.path().string(), "web", {std::move(names)})) {
    http::ServerOptions options;
    options.tls = net::TlsServer::create({"http", {"http/1.1"}, {files_}}).value();
    server_ =
        std::make_unique<http::Server>(net::Listener::Parts{runtime_, tasks_, admission_, log_}, options, std::move(router));
    if (!server_->bind({IpAddress::v4({127, 0, 0, 1}), 0})) throw std::runtime_error("no port");
    server_->start();
    runtime_.start();
  }
  ~HttpsServer() {
    server_->stop_accepting();
    tasks_.stop_and_join(std::chrono::seconds(5), std::chrono::seconds(5));
  }
  std::uint16_t port() const { return server_->endpoints().front().port; }
  /// The file of the certificate, to be trusted.
  const std::string& certificate() const { return files_.chain; }

 private:
  Folder folder_;
  net::CertificateFiles files_;
  FakeClock clock_;
  Log log_{LogLevel::off, null_sink()};
  async::Runtime runtime_{1};
  async::TaskGroup tasks_{log_, "test"};
  net::Admission admission_{{}, clock_};
  std::unique_ptr<http::Server> server_;
};

}  // namespace postern::test
