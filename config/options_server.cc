// SPDX-License-Identifier: Apache-2.0
// Rows of [server], [tls], [listen], [trusted] and [web].
#include "config/option.h"

namespace postern::config {
namespace {

constexpr unsigned max_threads = 256;

/// Signs that may part a detail from a local part: atext without letters, digits and what names are written with.
Result<std::string> separators(std::string_view text) {
  constexpr std::string_view possible = "+-=#~_!";
  for (std::size_t i = 0; i < text.size(); ++i) {
    const bool twice = text.find(text[i], i + 1) != std::string_view::npos;
    if (possible.find(text[i]) == std::string_view::npos || twice) {
      return fail(ErrorKind::invalid,
                  fmt::format("\"{}\" is not possible; write one or several of {}, each once", text, possible));
    }
  }
  return std::string(text);
}

Section server() {
  return Builder<Server>(
             "server", [](Config& c) -> Server& { return c.server; }, "Who this server is and how the process runs.")
      .name("hostname", &Server::hostname, host_name,
            "The public name of this machine: in greetings, Received fields and Message-IDs. Its address\n"
            "should have the same name in reverse DNS, or other servers will distrust our mail.")
      .path("data_dir", &Server::data_dir,
            "The folder that holds all mail, accounts and the queue. Belongs to `user`, mode 0700.")
      .path("control_socket", &Server::control_socket,
            "Where `postern` commands reach the running server. Empty: control.sock in data_dir.")
      .text("user", &Server::user, "The user and group to run as once the ports are open.")
      .text("group", &Server::group, "")
      .number("threads", &Server::threads, {0, max_threads}, "Threads that serve connections. 0: one for each processor core.")
      .choice("sandbox", &Server::sandbox, {{"auto", Sandbox::automatic}, {"off", Sandbox::off}},
              "\"auto\" gives up every right the server does not need, as far as the kernel can (Landlock,\n"
              "seccomp). \"off\" is for finding faults only.")
      .at_restart()
      .choice("log_level", &Server::log_level,
              {{"debug", LogLevel::debug}, {"info", LogLevel::info}, {"warning", LogLevel::warning}, {"error", LogLevel::error}},
              "How much is told on standard error: \"debug\", \"info\", \"warning\" or \"error\".")
      .name("address_separators", &Server::address_separators, separators,
            "Mail for alice+shop@ comes to alice@ when there is no address alice+shop@. Several signs: each counts\n"
            "(\"+-\"). Empty: addresses are taken as they stand.")
      .done();
}

Section tls() {
  return Builder<Tls>(
             "tls", [](Config& c) -> Tls& { return c.tls; },
             "Certificates. Without one there is no TLS, and without TLS nobody can log in. A reload reads the files again;\n"
             "other file names take effect at the next start.")
      .path("certificate", &Tls::certificate, "PEM file with the certificate and the chain up to the root, ours first.")
      .path("key", &Tls::key, "PEM file with its private key. Nobody but its owner may read it.")
      .at_restart()
      .done();
}

Section tls_sni() {
  return Builder<TlsName>(
             "tls.sni", [](Config& c) -> TlsName& { return c.tls.sni.back(); },
             "Another certificate, shown to clients that ask for its name. Repeat for each name.")
      .name("name", &TlsName::name, host_name, "The name a client asks for.")
      .path("certificate", &TlsName::certificate, "As in [tls].")
      .path("key", &TlsName::key, "")
      .repeated([](Config& c) { c.tls.sni.emplace_back(); }, {"name", "certificate", "key"})
      .done();
}

Section listen() {
  return Builder<Listen>(
             "listen", [](Config& c) -> Listen& { return c.listen; },
             "Where each service listens: \"address:port\" or \"[IPv6 address]:port\". [] turns a service off.")
      .parsed_list("smtp", &Listen::smtp, Endpoint::parse,
                   "Mail from the world for our domains. Never relays, never asks for a login.")
      .parsed_list("submission", &Listen::submission, Endpoint::parse, "Mail from our users: STARTTLS, then login.")
      .parsed_list("submissions", &Listen::submissions, Endpoint::parse,
                   "The same with TLS from the first octet; prefer this one.")
      .parsed_list("imaps", &Listen::imaps, Endpoint::parse, "IMAP over TLS.")
      .parsed_list("pop3s", &Listen::pop3s, Endpoint::parse, "POP3 over TLS.")
      .parsed_list("http", &Listen::http, Endpoint::parse,
                   "Pages for mail clients and monitoring, plain HTTP. Put a web server with TLS before it, or keep it on\n"
                   "loopback.")
      .parsed_list("trusted", &Listen::trusted, Endpoint::parse,
                   "Mail to anywhere without login, for the machines in [trusted] only: printers, cron jobs, applications.")
      .at_restart()
      .done();
}

Section trusted() {
  return Builder<Trusted>(
             "trusted", [](Config& c) -> Trusted& { return c.trusted; }, "Who may use the `trusted` listener.")
      .parsed_list("networks", &Trusted::networks, Network::parse,
                   "For example [\"192.168.1.0/24\", \"fd00::/8\"]. Never a network that strangers can enter.")
      .done();
}

Section web() {
  return Builder<Web>(
             "web", [](Config& c) -> Web& { return c.web; }, "Pages of the `http` listener.")
      .flag("autoconfig", &Web::autoconfig, "Tell mail clients their settings (Thunderbird autoconfig, Outlook autodiscover).")
      .flag("metrics", &Web::metrics, "Serve /metrics in the text format of Prometheus.")
      .at_restart()
      .done();
}

}  // namespace

std::vector<Section> server_sections() { return {server(), tls(), tls_sni(), listen(), trusted(), web()}; }

}  // namespace postern::config
