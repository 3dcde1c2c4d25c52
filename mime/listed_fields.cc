// SPDX-License-Identifier: Apache-2.0
// The list of names, and selecting them: see listed_fields.h.
#include "mime/listed_fields.h"

#include <algorithm>
#include <array>
#include <vector>

#include "base/ascii.h"
#include "mime/header.h"

namespace postern::mime {
namespace {

// What Thunderbird, Apple Mail, mutt, K-9, Roundcube and mbsync ask for with HEADER.FIELDS. No trace fields (RFC 5321 §4.4):
// those of the delivery stand in front of the message and are not here.
constexpr std::array<std::string_view, 31> names = {"bcc",
                                                    "cc",
                                                    "chat-version",
                                                    "content-description",
                                                    "content-transfer-encoding",
                                                    "content-type",
                                                    "date",
                                                    "disposition-notification-to",
                                                    "from",
                                                    "importance",
                                                    "in-reply-to",
                                                    "lines",
                                                    "list-id",
                                                    "list-post",
                                                    "list-subscribe",
                                                    "list-unsubscribe",
                                                    "message-id",
                                                    "mime-version",
                                                    "newsgroups",
                                                    "priority",
                                                    "references",
                                                    "reply-to",
                                                    "sender",
                                                    "subject",
                                                    "to",
                                                    "x-k9mail-identity",
                                                    "x-label",
                                                    "x-priority",
                                                    "x-tuid",
                                                    "x-uniform-type-identifier",
                                                    "x-universally-unique-identifier"};

const std::vector<std::string>& name_list() {
  static const std::vector<std::string> list(names.begin(), names.end());
  return list;
}

}  // namespace

bool is_listed_field(std::string_view name) {
  return std::ranges::any_of(names, [name](std::string_view one) { return ascii::iequals(one, name); });
}

std::string listed_fields(std::string_view block) {
  auto out = select_fields(block, name_list(), Select::only);
  if (out.size() > max_listed_fields) out.clear();
  return out;
}

}  // namespace postern::mime
