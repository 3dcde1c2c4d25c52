// SPDX-License-Identifier: Apache-2.0
// Header fix-ups of submission; see fixup.h.
#include "submission/fixup.h"

#include <algorithm>
#include <array>

#include "mime/address_list.h"
#include "mime/date.h"
#include "mime/header.h"
#include "mime/writer.h"

namespace postern::submission {
namespace {

constexpr std::array<std::string_view, 4> removed{"Bcc", "Resent-Bcc", "Return-Path", "Delivered-To"};

// RFC 5322 §3.6.2: Sender is exactly one mailbox; RFC 6409 §8.1 lets us see to it that it is the real one.
bool is_own_sender(const mime::Field& field, const FixupFacts& facts) {
  const auto list = mime::parse_address_list(field.raw);
  if (list.damaged || list.mailboxes() != 1) return false;
  const auto address = list.first_mailbox()->address();
  return address && facts.may_send_as(*address);
}

bool is_unwanted(const mime::Field& field, const FixupFacts& facts) {
  const bool listed = std::ranges::any_of(removed, [&](auto name) { return field.is(name); });
  return listed || (field.is("Sender") && !is_own_sender(field, facts));
}

}  // namespace

std::string fix_header(std::string_view header, const FixupFacts& facts) {
  std::string out;
  bool has_date = false;
  bool has_id = false;
  std::size_t at = 0;
  std::size_t kept = 0;
  while (const auto field = mime::next_field(header, at)) {
    has_date = has_date || field->is("Date");
    has_id = has_id || field->is("Message-ID");
    if (!is_unwanted(*field, facts)) continue;
    out += header.substr(kept, field->begin - kept);
    kept = field->end;
  }
  out += header.substr(kept);
  std::string added;
  if (!has_date) added += "Date: " + mime::format_date({facts.now, 0}) + "\r\n";                 // RFC 6409 §8.2
  if (!has_id) added += "Message-ID: " + mime::make_message_id(facts.now, facts.host) + "\r\n";  // RFC 6409 §8.3
  return added + out;
}

}  // namespace postern::submission
