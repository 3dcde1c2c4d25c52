// SPDX-License-Identifier: Apache-2.0
// Address lists: see address_list.h. A single pass that reads words until a special character shows what they are: a name
// before "<", a group's name before ":", a local part before "@", or something that fits nothing.
#include "mime/address_list.h"

#include <algorithm>

#include "base/ascii.h"
#include "base/cursor.h"
#include "mime/encoded_word.h"
#include "mime/header.h"
#include "mime/lexical.h"

namespace postern::mime {
namespace {

/// Anything that is neither white space nor one of the characters with a meaning in lists.
bool is_word_char(char c) { return !is_fws(c) && !std::string_view("()<>:;@,.\"").contains(c); }
bool is_domain_char(char c) { return is_word_char(c) && c != '[' && c != ']' && c != '\\'; }

class ListParser {
 public:
  explicit ListParser(std::string_view value) : in_(value) {}
  AddressList parse();

 private:
  void member();
  void take_words();
  void begin_group();
  void end_group();
  void angle();
  void take_route(AddressEntry& entry);
  void take_local(AddressEntry& entry);
  void bare();
  std::string take_domain();
  std::string take_literal();
  void add_mailbox(AddressEntry entry);
  void to_separator();
  void skip();

  Cursor in_;
  AddressList list_;
  Lexical seen_;
  std::string phrase_;   ///< the words with single spaces where white space stood
  std::string local_;    ///< the words without white space
  bool spaced_ = false;  ///< two words stood side by side: no local part
  bool in_group_ = false;
  std::size_t mailboxes_ = 0;
};

void ListParser::skip() { skip_cfws(in_, &seen_); }

AddressList ListParser::parse() {
  for (skip(); !in_.at_end() && !list_.truncated; skip()) {
    seen_.comment.clear();
    member();
  }
  if (in_group_) {
    list_.damaged = true;
    end_group();
  }
  list_.damaged = list_.damaged || seen_.broken;
  return std::move(list_);
}

// address-list = (address *("," address)) / obs-addr-list; address = mailbox / group
void ListParser::member() {
  // RFC 5322 §3.4, §4.4
  take_words();
  if (in_.take('<')) return angle();
  if (in_.is('@') || !phrase_.empty()) {
    if (in_.take(':')) return begin_group();
    return bare();
  }
  if (in_.take(',')) return;
  if (in_.is(';') && in_group_) {
    in_.next();
    return end_group();
  }
  list_.damaged = true;
  in_.next();
}

/// Words, dots and comments up to a character that decides.
// phrase = 1*word / obs-phrase; word = atom / quoted-string
void ListParser::take_words() {
  // RFC 5322 §3.2.5, §4.1
  phrase_.clear();
  local_.clear();
  spaced_ = false;
  bool glued = true;  // no white space wanted before the next word: a dot was there
  while (!in_.at_end()) {
    const std::size_t before = in_.position();
    skip();
    const bool space = in_.position() != before;
    std::string word;
    if (in_.is('"')) {
      word = take_quoted(in_, &seen_);
    } else if (in_.take('.')) {
      word = ".";
    } else {
      word = std::string(in_.take_while(is_word_char));
      if (word.empty()) return;
    }
    const bool dot = word == ".";
    if (space && !phrase_.empty()) phrase_ += ' ';
    if (!glued && !dot) spaced_ = true;
    phrase_ += word;
    local_ += word;
    glued = dot;
  }
}

// group = display-name ":" [group-list] ";" [CFWS]
void ListParser::begin_group() {
  // RFC 5322 §3.4
  if (in_group_) {
    list_.damaged = true;
    end_group();
  }
  in_group_ = true;
  list_.has_group = true;
  AddressEntry entry;
  entry.kind = AddressEntry::Kind::group_begin;
  entry.name = phrase_;
  list_.entries.push_back(std::move(entry));
}

void ListParser::end_group() {
  in_group_ = false;
  AddressEntry entry;
  entry.kind = AddressEntry::Kind::group_end;
  list_.entries.push_back(std::move(entry));
}

// angle-addr = [CFWS] "<" addr-spec ">" [CFWS] / obs-angle-addr
void ListParser::angle() {
  // RFC 5322 §3.4, §4.4
  AddressEntry entry;
  entry.name = phrase_;
  skip();
  take_route(entry);
  take_local(entry);
  if (in_.take('@')) entry.host = take_domain();
  skip();
  if (!in_.take('>')) list_.damaged = true;
  add_mailbox(std::move(entry));
  to_separator();
}

// obs-route = obs-domain-list ":"
void ListParser::take_route(AddressEntry& entry) {
  // RFC 5322 §4.4
  while (in_.is('@') || in_.is(',')) {
    if (in_.take(',')) {
      skip();
      continue;
    }
    in_.next();
    if (!entry.route.empty()) entry.route += ',';
    entry.route += '@' + take_domain();
    skip();
  }
  if (!entry.route.empty() && !in_.take(':')) list_.damaged = true;
}

// local-part = dot-atom / quoted-string / obs-local-part
void ListParser::take_local(AddressEntry& entry) {
  // RFC 5322 §3.4.1, §4.4
  take_words();
  entry.local = local_;
  if (spaced_) list_.damaged = true;
}

/// A mailbox without angle brackets; its name may follow as a comment, as it did in RFC 822.
void ListParser::bare() {
  AddressEntry entry;
  if (in_.take('@')) {
    entry.local = local_;
    if (spaced_) list_.damaged = true;
    seen_.comment.clear();
    entry.host = take_domain();
  } else {
    entry.local = phrase_;  // no domain: shown as it is written
  }
  skip();
  entry.name = seen_.comment;
  add_mailbox(std::move(entry));
  to_separator();
}

// domain = dot-atom / domain-literal / obs-domain
std::string ListParser::take_domain() {
  // RFC 5322 §3.4.1, §4.4
  skip();
  if (in_.is('[')) return take_literal();
  std::string domain;
  while (!in_.at_end()) {
    const auto label = in_.take_while(is_domain_char);
    if (label.empty()) list_.damaged = true;
    domain += label;
    skip();
    if (!in_.take('.')) break;
    domain += '.';
    skip();
  }
  return domain;
}

std::string ListParser::take_literal() {
  std::string literal;
  while (!in_.at_end()) {
    char c = *in_.next();
    if (c == '\\' && !in_.at_end()) c = *in_.next();
    if (!is_fws(c)) literal += c;
    if (c == ']') return literal;
  }
  list_.damaged = true;
  return literal + ']';
}

void ListParser::add_mailbox(AddressEntry entry) {
  if (entry.local.empty() || entry.host.empty()) list_.damaged = true;
  if (mailboxes_ == max_addresses) {
    list_.truncated = true;
    return;
  }
  ++mailboxes_;
  list_.entries.push_back(std::move(entry));
}

/// Skips what does not belong behind a mailbox.
void ListParser::to_separator() {
  for (skip(); !in_.at_end() && !in_.is(',') && !in_.is(';'); skip()) {
    list_.damaged = true;
    if (in_.is('"')) {
      take_quoted(in_, &seen_);
    } else {
      in_.next();
    }
  }
}

}  // namespace

std::string AddressEntry::display_name() const { return decode_words(name); }

Result<mail::Address> AddressEntry::address() const {
  if (kind != Kind::mailbox || local.empty() || host.empty()) return fail(ErrorKind::invalid, "no complete address");
  const bool plain = local.front() != '.' && local.back() != '.' && local.find("..") == std::string::npos &&
                     std::ranges::all_of(local, [](char c) { return c == '.' || is_atext(c); });
  return mail::Address::parse((plain ? local : quote(local)) + '@' + host);
}

std::size_t AddressList::mailboxes() const {
  return static_cast<std::size_t>(
      std::ranges::count(entries, AddressEntry::Kind::mailbox, [](const AddressEntry& entry) { return entry.kind; }));
}

const AddressEntry* AddressList::first_mailbox() const {
  const auto found = std::ranges::find(entries, AddressEntry::Kind::mailbox, &AddressEntry::kind);
  return found == entries.end() ? nullptr : &*found;
}

AddressList parse_address_list(std::string_view value) { return ListParser(value.substr(0, max_field)).parse(); }

}  // namespace postern::mime
