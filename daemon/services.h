// SPDX-License-Identifier: Apache-2.0
// Services: every listener with what stands behind it. bind() comes first, while we may still use low ports; then
// the TLS contexts; begin() accepts, when everything else stands.
#pragma once

#include <memory>
#include <vector>

#include "async/task_group.h"
#include "auth/account_choice.h"
#include "config/live.h"
#include "daemon/failure.h"
#include "daemon/house.h"
#include "http/server.h"
#include "imap/session.h"
#include "net/admission.h"
#include "net/crowd.h"
#include "net/listener.h"
#include "pop3/session.h"
#include "smtp/inbound.h"
#include "submission/device.h"
#include "submission/handler.h"
#include "submission/trusted.h"
#include "web/site.h"

namespace postern::daemon {

/// Sockets by service, bound before privileges go.
struct Sockets {
  std::vector<net::ListenSocket> smtp, submission, submissions, imaps, pop3s, http, trusted, device;
};
/// Takes sockets of systemd where it hands some over under the service's name, and binds the configured addresses otherwise.
Started<Sockets> bind_sockets(const config::Config& config);

/// One context for each service, so that a ticket of one is worth nothing at another (security.md D63). All null without a
/// certificate.
struct TlsContexts {
  std::shared_ptr<net::TlsServer> smtp, submission, submissions, imap, pop3, device;
  /// Reads the certificates. Failures name the file and the remedy.
  static Started<TlsContexts> open(const config::Config& config);
  std::vector<std::shared_ptr<net::TlsServer>> all() const;
};

class Services {
 public:
  /// Everything outlives the Services.
  struct Parts {
    Ground ground;
    House& house;
    async::Runtime& runtime;
    async::TaskGroup& tasks;
  };
  /// Everything but begin().
  static std::unique_ptr<Services> open(Parts parts, Sockets sockets, TlsContexts contexts);
  /// Accepts from now on.
  void begin();
  ~Services();

  /// Reads the certificates' files again. Errors name the file; what is in force stays then.
  Result<> reload_certificates();
  /// Takes the limits on connections from the configuration in force.
  void follow_limits();
  submission::Allowance& allowance() { return allowance_; }
  void stop_accepting();
  /// Connections by service, for `postern status`.
  std::vector<std::pair<std::string, std::size_t>> connections() const;

 private:
  struct Line;
  Services(Parts parts, TlsContexts contexts);
  void open_mail(Sockets& sockets);
  void open_web(Sockets& sockets);
  async::Task<> serve_pop3(net::Connection& connection);
  /// What accounts have chosen, for IMAP and POP3.
  auth::AccountChoice account_choice() const;
  Line& add_line(std::string name, net::AdmissionLimits limits);
  /// For this service's admission: whether auth's guard or the admin keeps the peer out.
  net::Admission::Ban ban_for(const std::string& service);
  void listen(Line& line, std::vector<net::ListenSocket>& sockets, std::shared_ptr<const net::TlsServer> implicit_tls,
              std::function<std::string(net::Refusal)> refusal, net::Listener::Handler handler);

  Parts parts_;
  imap::Occupancy occupancy_;
  pop3::DropLocks drop_locks_;
  TlsContexts contexts_;
  net::Crowd crowd_;
  submission::Allowance allowance_;
  std::unique_ptr<smtp::InboundService> inbound_;
  std::unique_ptr<submission::Service> submission_, submissions_;
  std::unique_ptr<submission::TrustedService> trusted_;
  std::unique_ptr<submission::DeviceService> device_;
  std::unique_ptr<imap::Services> imap_;
  std::vector<std::unique_ptr<Line>> lines_;
  std::unique_ptr<net::Admission> web_admission_;
  std::unique_ptr<http::Server> web_;
};

}  // namespace postern::daemon
