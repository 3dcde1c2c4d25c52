// SPDX-License-Identifier: Apache-2.0
// Events about messages in mailboxes; see mailbox_trace.h.
#include "store/mailbox_trace.h"

#include <fmt/format.h>

namespace postern::store {
namespace {

/// Octets of a set of UIDs; what is longer is cut behind a whole range, and the rest is not followed.
constexpr std::size_t set_max = 6 * 1024;

std::string text_of(const UidSet& uids) {
  auto text = uids.to_string();
  if (text.size() > set_max) text.resize(text.rfind(',', set_max));
  return text;
}

}  // namespace

std::string trace_word(MailboxId mailbox) { return fmt::format("mailbox:{}", mailbox); }
std::string trace_place(MailboxId mailbox, Uid uid) { return fmt::format("{}:{}", mailbox, uid); }

TraceEvent MailboxTrace::begin(std::string kind, const Mailbox& from, const UidSet& uids) const {
  TraceEvent event;
  event.at_ms = std::chrono::duration_cast<std::chrono::milliseconds>(clock_->wall().time_since_epoch()).count();
  event.kind = std::move(kind);
  event.add("who", actor_.login);
  event.add("door", actor_.protocol);
  event.add("client", actor_.client);
  event.add("of", std::to_string(from.id));
  if (!from.name.empty()) event.add("of_name", from.name);
  event.add("uids", text_of(uids));
  event.words.push_back(trace_word(from.id));
  return event;
}

void MailboxTrace::transferred(const Mailbox& from, const Mailbox& to, const Copied& copied, CopyMode mode) const {
  if (book_ == nullptr || copied.from.empty()) return;
  auto event = begin(mode == CopyMode::move ? "moved" : "copied", from, copied.from);
  event.add("into", std::to_string(to.id));
  if (!to.name.empty()) event.add("into_name", to.name);
  event.add("new_uids", text_of(copied.to));
  book_->note(std::move(event));
}

void MailboxTrace::expunged(const Mailbox& from, const UidSet& uids) const {
  if (book_ != nullptr && !uids.empty()) book_->note(begin("expunged", from, uids));
}

void MailboxTrace::read(const Mailbox& mailbox, const UidSet& uids) const {
  if (book_ != nullptr && !uids.empty()) book_->note(begin("read", mailbox, uids));
}

void MailboxTrace::removed(const Mailbox& mailbox) const {
  if (book_ != nullptr) book_->note(begin("removed", mailbox, UidSet::all()));
}

}  // namespace postern::store
