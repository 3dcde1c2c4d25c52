// SPDX-License-Identifier: Apache-2.0
// GETQUOTA and GETQUOTAROOT: one root, "", for the whole account; it is set by the admin.
#include "imap/rights.h"
#include "imap/session.h"

namespace postern::imap::commands {
namespace {

constexpr std::uint64_t kibibyte = 1024;

// RFC 9208 §5.1: STORAGE counts units of 1,024 octets, MESSAGE messages.
void append_quota(std::string& out, const store::Quota& quota) {
  out.append("* QUOTA \"\" (");
  if (quota.limit_bytes != 0) {
    fmt::format_to(std::back_inserter(out), "STORAGE {} {}", (quota.used_bytes + kibibyte - 1) / kibibyte,
                   quota.limit_bytes / kibibyte);
  }
  if (quota.limit_messages != 0) {
    fmt::format_to(std::back_inserter(out), "{}MESSAGE {} {}", quota.limit_bytes != 0 ? " " : "", quota.used_messages,
                   quota.limit_messages);
  }
  out.append(")\r\n");
}

/// Without limits there is no quota root at all.
bool has_root(const store::Quota& quota) { return quota.limit_bytes != 0 || quota.limit_messages != 0; }

}  // namespace

// RFC 9208 §4.1.2
async::Task<Reply> get_quota(Session& session, Command& command) {
  auto& in = command.args;
  in.sp();
  const auto root = in.astring();
  in.end();
  if (!in.ok()) co_return in.fault();
  const auto quota = session.store().quota();
  if (!root.empty() || !has_root(quota)) co_return no("NONEXISTENT", "No such quota root");
  append_quota(session.out(), quota);
  co_return ok("Done");
}

// RFC 9208 §4.1.3
async::Task<Reply> get_quota_root(Session& session, Command& command) {
  auto& in = command.args;
  in.sp();
  const auto name = in.mailbox();
  in.end();
  if (!in.ok()) co_return in.fault();
  const auto info = co_await session.store().status(name);
  if (!info) co_return from_error(info.error());
  session.out().append("* QUOTAROOT ");
  append_mailbox(session.out(), name, session.names());
  // The quota of others is theirs to know: no root is told.
  const auto quota = may_be_foreign(info->name) ? store::Quota{} : session.store().quota();
  session.out().append(has_root(quota) ? " \"\"\r\n" : "\r\n");
  if (has_root(quota)) append_quota(session.out(), quota);
  co_return ok("Done");
}

}  // namespace postern::imap::commands
