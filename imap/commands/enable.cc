// SPDX-License-Identifier: Apache-2.0
// ENABLE: IMAP4rev2, UTF8=ACCEPT, CONDSTORE, QRESYNC and UIDONLY can be enabled.
#include "base/ascii.h"
#include "imap/capabilities.h"
#include "imap/session.h"

namespace postern::imap::commands {

namespace {

/// One capability that can be enabled.
struct Switch {
  std::string_view name;
  bool (*is_on)(const Session& session);
  void (*turn_on)(Session& session);
};

// IMAP4rev2: RFC 9051 §6.3.1; UTF8=ACCEPT: RFC 6855 §3; CONDSTORE: RFC 7162 §3.1; QRESYNC: §3.2.3; UIDONLY: RFC 9586 §3.1
constexpr Switch switches[] = {
    {"IMAP4rev2", [](const Session& session) { return session.revision2(); },
     [](Session& session) { session.enable_revision2(); }},
    {"UTF8=ACCEPT", [](const Session& session) { return session.utf8(); }, [](Session& session) { session.enable_utf8(); }},
    {"CONDSTORE", [](const Session& session) { return session.condstore(); },
     [](Session& session) { session.enable_condstore(); }},
    {"QRESYNC", [](const Session& session) { return session.qresync(); }, [](Session& session) { session.enable_qresync(); }},
    {"UIDONLY", [](const Session& session) { return session.uid_only(); }, [](Session& session) { session.enable_uid_only(); }},
};

}  // namespace

// RFC 5161 §3.1: enable = "ENABLE" 1*(SP capability); unknown names are ignored, and what is on already is not told again.
async::Task<Reply> enable(Session& session, Command& command) {
  auto& in = command.args;
  std::vector<const Switch*> wanted;
  do {
    in.sp();
    const auto name = in.atom();
    for (const auto& one : switches) {
      const bool off = is_capability_off(*session.config(), session.capabilities_off(), one.name);
      const bool fresh = !off && ascii::iequals(name, one.name) && !one.is_on(session);
      if (fresh && std::ranges::find(wanted, &one) == wanted.end()) wanted.push_back(&one);
    }
  } while (in.ok() && !in.at_end());
  if (!in.ok()) co_return in.fault();
  session.out().append("* ENABLED");
  for (const auto* one : wanted) session.out().append(" ").append(one->name);
  session.out().append("\r\n");
  for (const auto* one : wanted) one->turn_on(session);
  co_return ok("Done");
}

}  // namespace postern::imap::commands
