// SPDX-License-Identifier: Apache-2.0
// Around the handshake: commands that slip through it, and versions nobody should speak any more.
#include <array>

#include "audit/attacks.h"

namespace postern::audit {
namespace {

using namespace std::string_view_literals;
using namespace std::string_literals;

struct Door {
  std::string name;
  net::Endpoint endpoint;
};

std::vector<Door> starttls_doors(const Target& target) {
  std::vector<Door> out;
  if (target.smtp) out.push_back({"smtp", *target.smtp});
  if (target.submission) out.push_back({"submission", *target.submission});
  return out;
}

/// RFC 3207 §4.2, security.md D9: what came in the same segment as STARTTLS must not be run under TLS.
async::Task<> try_injection(Attack& attack, Door door) {
  auto line = co_await greeted(attack, door.endpoint);
  co_await line.send("STARTTLS\r\nRSET\r\n");
  const auto reply = co_await line.reply();
  const auto name = door.name + ": command in the segment of STARTTLS";
  if (!is_positive(reply)) {
    attack.report.judge(true, {"starttls", name, {}, shown(reply), {}});
    co_return;
  }
  if (!co_await line.start_tls(attack.tls)) {
    attack.report.judge(true, {"starttls", name, {}, "the handshake fails", {}});
    co_return;
  }
  const auto injected = co_await line.reply(silence);
  attack.report.judge(injected.empty(), {"starttls",
                                         name,
                                         {},
                                         shown(injected.empty() ? reply : injected),
                                         "input that was buffered before STARTTLS must be refused or thrown away; update"});
}

/// RFC 3207 §4.2: the server forgets the greeting and the transaction.
async::Task<> try_memory(Attack& attack, Door door) {
  auto line = co_await greeted(attack, door.endpoint);
  co_await line.say("MAIL FROM:<>");
  const auto reply = co_await line.say("STARTTLS");
  const auto name = door.name + ": transaction kept over STARTTLS";
  if (!is_positive(reply) || !co_await line.start_tls(attack.tls)) {
    attack.report.skip("starttls", name, "no TLS inside of a transaction: " + shown(reply));
    co_return;
  }
  const auto after = co_await line.say("RCPT TO:<" + attack.postmaster() + ">");
  attack.report.judge(!is_positive(after), {"starttls", name, {}, shown(after), "what was said before TLS must be forgotten"});
}

// RFC 5246 §7.4.1.2: a hello that offers one old version and common cipher suites, nothing else.
std::string old_hello(unsigned char minor) {
  std::string body;
  body += "\x03"sv;
  body += static_cast<char>(minor);
  body += std::string(32, 'A');  // random
  body += "\0"sv;                // no session
  body +=
      "\0\x0e\xc0\x14\xc0\x13\xc0\x0a\xc0\x09\0\x35\0\x2f\0\x0a"sv;  // AES with ECDHE (RSA, ECDSA) and RSA, 3DES; all with SHA-1
  body += "\x01\0"sv;                                                // no compression
  body += "\0\x12\0\x0a\0\x04\0\x02\0\x17\0\x0b\0\x02\x01\0\0\x23\0\0"sv;
  const auto size = static_cast<unsigned char>(body.size());
  std::string hello = "\x01\0\0"s;
  hello += static_cast<char>(size);
  hello += body;
  std::string record = "\x16\x03"s;
  record += static_cast<char>(minor == 0 ? 0 : 1);
  record += '\0';
  record += static_cast<char>(hello.size());
  return record + hello;
}

/// What the server sends back to an old hello: 0x16 begins a handshake, 0x15 an alert.
async::Task<> try_version(Attack& attack, Door door, const char* version, unsigned char minor) {
  auto line = co_await Line::open(door.endpoint, Wrap::none, attack.tls);
  const auto name = door.name + ": " + version;
  if (!line.is_open()) {
    attack.report.skip("tls", name, "the port does not answer");
    co_return;
  }
  co_await line.send(old_hello(minor));
  const auto first = co_await line.octet();
  attack.report.judge(first != 0x16, {"tls",
                                      name,
                                      {},
                                      first == 0x16 ? "the server goes along" : "refused",
                                      "set gate.tls_least to \"1.2\", and update OpenSSL's settings"});
}

}  // namespace

async::Task<> attack_starttls(Attack& attack) {
  for (const auto& door : starttls_doors(attack.target)) {
    co_await try_injection(attack, door);
    co_await try_memory(attack, door);
  }
}

async::Task<> attack_tls_versions(Attack& attack) {
  const auto& target = attack.target;
  std::vector<Door> doors;
  if (target.submissions) doors.push_back({"submissions", *target.submissions});
  if (target.imaps) doors.push_back({"imaps", *target.imaps});
  if (target.pop3s) doors.push_back({"pop3s", *target.pop3s});
  if (doors.empty()) attack.report.skip("tls", "old versions", "no port with TLS from the start");
  for (const auto& door : doors) {
    co_await try_version(attack, door, "SSL 3.0", 0);
    co_await try_version(attack, door, "TLS 1.0", 1);
    co_await try_version(attack, door, "TLS 1.1", 2);
  }
}

}  // namespace postern::audit
