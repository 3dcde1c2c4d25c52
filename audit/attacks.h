// SPDX-License-Identifier: Apache-2.0
// The attacks, a function for each family. Each opens its own connections, judges what the server said and adds a row for every
// attack. Nothing is delivered where the server holds; what a hole lets through goes to postmaster of its own first domain and
// says in its subject what it is.
#pragma once

#include <functional>
#include <string>

#include "audit/line.h"
#include "audit/report.h"

namespace postern::audit {

struct Attack {
  const Target& target;
  const net::TlsClient& tls;
  Report& report;
  std::function<void(std::string_view family)> begin;  ///< a family begins, for progress; may be empty

  const std::string& domain() const { return target.domains.front(); }
  std::string postmaster() const { return "postmaster@" + domain(); }
};

/// Nobody relays without login or network, however the recipient is disguised (product.md promise 2).
async::Task<> attack_relay(Attack& attack);
/// Only CR LF . CR LF ends a message (RFC 5321 §4.1.1.4).
async::Task<> attack_smuggling(Attack& attack);
/// Nothing that was said before TLS counts after it (RFC 3207 §4.2), and old versions are not spoken.
async::Task<> attack_starttls(Attack& attack);
async::Task<> attack_tls_versions(Attack& attack);
/// Passwords only under TLS (product.md promise 3), on no other port than those for them.
async::Task<> attack_logins(Attack& attack);
/// Nobody learns which accounts exist.
async::Task<> attack_names(Attack& attack);
/// Mail from outside that claims to be ours, with forged evidence too.
async::Task<> attack_spoofing(Attack& attack);
/// Too long, too many, too large.
async::Task<> attack_sizes(Attack& attack);
/// Commands out of order, of other protocols, in the wrong state.
async::Task<> attack_order(Attack& attack);
/// What an outsider learns about the program.
async::Task<> attack_banners(Attack& attack);
/// IMAP and POP3 before the login.
async::Task<> attack_retrieval(Attack& attack);

/// All of them, in this order; or the family of this name alone.
async::Task<> attack_all(Attack& attack, std::string only = {});
/// "relay", "smuggling", …
std::vector<std::string> family_names();

/// A session that has greeted; not open when the door is shut or refuses.
async::Task<Line> greeted(const Attack& attack, net::Endpoint door, Wrap wrap = Wrap::none);

}  // namespace postern::audit
