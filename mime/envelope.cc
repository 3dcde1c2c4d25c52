// SPDX-License-Identifier: Apache-2.0
// ENVELOPE: see envelope.h. Fields are found by a table of names; the text is appended to one string.
#include "mime/envelope.h"

#include <algorithm>
#include <array>

#include "base/ascii.h"

namespace postern::mime {
namespace {

/// Longer texts become literals, so that a line of a response stays short enough for old clients.
constexpr std::size_t max_quoted = 1'024;

using Setter = void (*)(MessageSummary& summary, const Field& field);
struct Row {
  std::string_view name;
  Setter set;
};

constexpr std::array<Row, 10> rows = {{
    {"date",
     [](MessageSummary& summary, const Field& field) {
       summary.date_text = field.value();
       if (const auto date = parse_date(*summary.date_text)) summary.date = *date;
     }},
    {"subject", [](MessageSummary& summary, const Field& field) { summary.subject = field.value(); }},
    {"from", [](MessageSummary& summary, const Field& field) { summary.from = parse_address_list(field.raw); }},
    {"sender", [](MessageSummary& summary, const Field& field) { summary.sender = parse_address_list(field.raw); }},
    {"reply-to", [](MessageSummary& summary, const Field& field) { summary.reply_to = parse_address_list(field.raw); }},
    {"to", [](MessageSummary& summary, const Field& field) { summary.to = parse_address_list(field.raw); }},
    {"cc", [](MessageSummary& summary, const Field& field) { summary.cc = parse_address_list(field.raw); }},
    {"bcc", [](MessageSummary& summary, const Field& field) { summary.bcc = parse_address_list(field.raw); }},
    {"in-reply-to", [](MessageSummary& summary, const Field& field) { summary.in_reply_to = field.value(); }},
    {"message-id", [](MessageSummary& summary, const Field& field) { summary.message_id = field.value(); }},
}};

// address = "(" addr-name SP addr-adl SP addr-mailbox SP addr-host ")"
void append_address(std::string& out, const AddressEntry& entry) {
  // RFC 3501 §7.4.2: a group begins with (NIL NIL name NIL) and ends with (NIL NIL NIL NIL)
  if (entry.kind == AddressEntry::Kind::group_end) {
    out += "(NIL NIL NIL NIL)";
  } else if (entry.kind == AddressEntry::Kind::group_begin) {
    out += "(NIL NIL ";
    append_nstring(out, entry.name);
    out += " NIL)";
  } else {
    out += '(';
    append_nstring_or_nil(out, entry.name);
    out += ' ';
    append_nstring_or_nil(out, entry.route);
    out += ' ';
    append_nstring(out, entry.local);
    out += ' ';
    append_nstring(out, entry.host);
    out += ')';
  }
}

void append_list(std::string& out, const AddressList& list) {
  out += ' ';
  if (list.entries.empty()) {
    out += "NIL";
    return;
  }
  out += '(';
  for (const AddressEntry& entry : list.entries) append_address(out, entry);
  out += ')';
}

void append_quoted(std::string& out, std::string_view text) {
  out += '"';
  for (const char c : text) {
    if (c == '"' || c == '\\') out += '\\';
    out += c;
  }
  out += '"';
}

void append_literal(std::string& out, std::string_view text) {
  const auto nuls = static_cast<std::size_t>(std::ranges::count(text, '\0'));
  out += '{' + std::to_string(text.size() - nuls) + "}\r\n";
  std::ranges::copy_if(text, std::back_inserter(out), [](char c) { return c != '\0'; });
}

bool fits_quoted(char c) { return !ascii::is_eight_bit(c) && c != '\r' && c != '\n' && c != '\0'; }

}  // namespace

MessageSummary summarize(const Header& header) {
  MessageSummary summary;
  std::array<bool, rows.size()> seen{};
  for (const Field& field : header.fields()) {
    for (std::size_t i = 0; i < rows.size(); ++i) {
      if (rows[i].name.size() != field.name.size() || !ascii::iequals(rows[i].name, field.name)) continue;
      if (seen[i]) {
        summary.duplicate = true;
      } else {
        seen[i] = true;
        rows[i].set(summary, field);
      }
      break;
    }
  }
  return summary;
}

std::string imap_envelope(std::string_view header_block) { return imap_envelope(summarize(Header(header_block))); }

// envelope = "(" env-date SP env-subject SP env-from SP env-sender SP env-reply-to SP env-to SP env-cc SP env-bcc SP
//            env-in-reply-to SP env-message-id ")"
std::string imap_envelope(const MessageSummary& summary) {
  // RFC 3501 §7.4.2, RFC 9051 §7.5.2
  std::string out = "(";
  out.reserve(384);
  append_nstring(out, summary.date_text);
  out += ' ';
  append_nstring(out, summary.subject);
  append_list(out, summary.from);
  append_list(out, summary.sender.entries.empty() ? summary.from : summary.sender);
  append_list(out, summary.reply_to.entries.empty() ? summary.from : summary.reply_to);
  append_list(out, summary.to);
  append_list(out, summary.cc);
  append_list(out, summary.bcc);
  out += ' ';
  append_nstring(out, summary.in_reply_to);
  out += ' ';
  append_nstring(out, summary.message_id);
  out += ')';
  return out;
}

// nstring = string / nil; string = quoted / literal
void append_nstring(std::string& out, std::optional<std::string_view> text) {
  // RFC 3501 §9
  if (!text) {
    out += "NIL";
  } else if (text->size() <= max_quoted && std::ranges::all_of(*text, fits_quoted)) {
    append_quoted(out, *text);
  } else {
    append_literal(out, *text);
  }
}

void append_nstring_or_nil(std::string& out, std::string_view text) {
  if (text.empty()) {
    out += "NIL";
  } else {
    append_nstring(out, text);
  }
}

}  // namespace postern::mime
