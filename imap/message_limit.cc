// SPDX-License-Identifier: Apache-2.0
#include "imap/message_limit.h"

#include "imap/capabilities.h"
#include "imap/session.h"

namespace postern::imap {

MessageLimit::MessageLimit(const Session& session) {
  const auto config = session.config();
  if (!is_capability_off(*config, session.capabilities_off(), "MESSAGELIMIT")) most_ = config->imap.message_limit;
}

bool MessageLimit::cut(const store::Snapshot& snapshot, IndexRanges& rows) {
  const auto all = count(rows);
  if (!is_exceeded_by(all)) return false;
  rows = part_of(rows, all - most_, all);
  stop_at(snapshot.row(rows.front().begin).uid);
  return true;
}

// RFC 9738 §5: resp-text-code =/ "MESSAGELIMIT" SP message-limit [SP uniqueid]
std::string MessageLimit::code() const {
  auto out = fmt::format("MESSAGELIMIT {}", most_);
  if (stopped_at_) out += fmt::format(" {}", *stopped_at_);
  return out;
}

Reply MessageLimit::tell(Session& session, Reply reply) const {
  if (!stopped_at_ || reply.status == Reply::Status::bad) return reply;
  auto text = fmt::format("Only the {} messages with the highest UIDs were looked at; go on below the last one", most_);
  if (reply.status == Reply::Status::ok && reply.code.empty()) return ok(code(), std::move(text));
  append_reply(session.out(), "*", no(code(), std::move(text)));
  return reply;
}

Reply MessageLimit::refusal() const {
  return no(code(), fmt::format("Nothing was done: one command takes {} messages at most, ask for fewer", most_));
}

}  // namespace postern::imap
