// SPDX-License-Identifier: Apache-2.0
// Finding the source, and making ids.
#include "store/particulars.h"

#include "base/content_hash.h"
#include "base/encoding.h"

namespace postern::store {

Task<Result<std::vector<Particulars>>> particulars(Session& session, MailboxId mailbox, UidSet uids) {
  auto* source = dynamic_cast<ParticularsSource*>(&session);
  if (source == nullptr) co_return fail(ErrorKind::unsupported, "this store keeps no particulars");
  co_return co_await source->particulars(mailbox, std::move(uids));
}

Task<Result<std::string>> object_id(Session& session, MailboxId mailbox) {
  auto* source = dynamic_cast<ParticularsSource*>(&session);
  if (source == nullptr) co_return fail(ErrorKind::unsupported, "this store keeps no particulars");
  co_return co_await source->object_id(mailbox);
}

// RFC 8474 §4: objectid = 1*255(ALPHA / DIGIT / "_" / "-")
std::string make_object_id(char kind, std::initializer_list<std::string_view> parts) {
  ContentHash hash;
  for (const auto part : parts) {
    hash.add(std::to_string(part.size()) + ":");
    hash.add(part);
  }
  return kind + hex_encode(hash.finish());
}

}  // namespace postern::store
