// SPDX-License-Identifier: Apache-2.0
#include "daemon/sendmail_letter.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "mime/address_list.h"
#include "mime/header.h"
#include "mime/writer.h"

namespace postern::daemon {
namespace {

constexpr std::array<std::string_view, 6> address_fields{"From", "Sender", "Reply-To", "To", "Cc", "Bcc"};
constexpr std::array<std::string_view, 3> recipient_fields{"To", "Cc", "Bcc"};

bool is_one_of(const mime::Field& field, std::span<const std::string_view> names) {
  return std::ranges::any_of(names, [&](std::string_view name) { return field.is(name); });
}

Result<mail::Address> qualified(std::string_view text, const LocalUser& user) {
  std::string whole(text);
  if (whole.find('@') == std::string::npos) whole += '@' + user.domain;
  auto address = mail::Address::parse(whole);
  if (!address) return fail(ErrorKind::invalid, fmt::format("\"{}\" is no mail address: {}", whole, address.error().text));
  return address;
}

/// Every line of the text with CR LF; a line of mbox ("From ann Mon …") in front goes.
std::string smtp_lines(std::string_view text) {
  if (text.starts_with("From ")) text.remove_prefix(std::min(text.find('\n'), text.size() - 1) + 1);
  std::string out;
  out.reserve(text.size() + text.size() / 32 + 2);
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '\n' && (i == 0 || text[i - 1] != '\r')) out += '\r';
    out += text[i];
  }
  if (!out.empty() && out.back() != '\n') out += "\r\n";
  return out;
}

/// The field again, with a domain for each address that has none; as it stands when all have one, or when it cannot be read.
Result<std::string> with_domains(const mime::Field& field, std::string_view as_it_stands, const LocalUser& user) {
  const auto list = mime::parse_address_list(field.raw);
  const auto lacks_domain = [](const mime::AddressEntry& one) {
    return one.kind == mime::AddressEntry::Kind::mailbox && one.host.empty() && !one.local.empty();
  };
  if (list.has_group || list.truncated || !std::ranges::any_of(list.entries, lacks_domain)) return std::string(as_it_stands);
  std::vector<mime::NamedAddress> people;
  for (const auto& one : list.entries) {
    auto address = lacks_domain(one) ? qualified(one.local, user) : one.address();
    if (!address) return std::string(as_it_stands);
    people.push_back({one.display_name(), std::move(*address)});
  }
  return mime::HeaderWriter().addresses(field.name, people).finish();
}

/// Takes the header apart and puts it together again.
class Header {
 public:
  Header(const SendmailLine& line, const LocalUser& user, mail::Envelope& envelope)
      : line_(line), user_(user), envelope_(envelope) {}

  /// `block` ends before the empty line.
  Result<std::string> rewrite(std::string_view block) {
    std::size_t position = 0;
    while (const auto field = mime::next_field(block, position)) {
      if (auto done = take(*field, block.substr(field->begin, field->end - field->begin)); !done) {
        return std::unexpected(done.error());
      }
    }
    if (!has_from_ && envelope_.sender) {
      auto from = mime::HeaderWriter().address("From", {author_name(), *envelope_.sender}).finish();
      if (!from) return std::unexpected(from.error());
      out_.insert(0, *from);
    }
    return std::move(out_);
  }

 private:
  std::string author_name() const { return line_.name.empty() ? user_.name : line_.name; }

  Result<> take(const mime::Field& field, std::string_view text) {
    if (field.is("Return-Path")) return {};
    if (field.is("From")) has_from_ = true;
    if (line_.from == SendmailLine::Recipients::of_header && is_one_of(field, recipient_fields)) {
      if (auto added = add_recipients(field); !added) return added;
    }
    if (field.is("Bcc")) return {};
    if (!is_one_of(field, address_fields)) {
      out_ += text;
      return {};
    }
    auto fit = with_domains(field, text, user_);
    if (!fit) return std::unexpected(fit.error());
    out_ += *fit;
    return {};
  }

  Result<> add_recipients(const mime::Field& field) {
    for (const auto& one : mime::parse_address_list(field.raw).entries) {
      if (one.kind != mime::AddressEntry::Kind::mailbox) continue;
      auto address = one.host.empty() ? qualified(one.local, user_) : one.address();
      if (!address) return fail(ErrorKind::invalid, fmt::format("{}: {}", field.name, address.error().text));
      envelope_.recipients.push_back({std::move(*address), line_.notify, {}});
    }
    return {};
  }

  const SendmailLine& line_;
  const LocalUser& user_;
  mail::Envelope& envelope_;
  std::string out_;
  bool has_from_ = false;
};

Result<mail::ReversePath> sender_of(const SendmailLine& line, const LocalUser& user) {
  const std::string text = line.sender.value_or(user.login);
  if (line.sender && (text.empty() || text == "<>")) return mail::ReversePath();
  const bool bracketed = text.starts_with('<') && text.ends_with('>');
  auto address = qualified(bracketed ? std::string_view(text).substr(1, text.size() - 2) : std::string_view(text), user);
  if (!address) return std::unexpected(address.error());
  return mail::ReversePath(std::move(*address));
}

/// The recipients of the command line; several may stand in one word, as "ann, bob".
Result<> add_line_recipients(const SendmailLine& line, const LocalUser& user, mail::Envelope& envelope) {
  for (const auto& word : line.recipients) {
    const auto list = mime::parse_address_list(word);
    for (const auto& one : list.entries) {
      if (one.kind != mime::AddressEntry::Kind::mailbox) continue;
      if (one.host.empty() && list.entries.size() == 1 && word.find('@') != std::string::npos) {
        return fail(ErrorKind::invalid, fmt::format("recipient \"{}\" is no mail address", word));
      }
      auto address = one.host.empty() ? qualified(one.local, user) : one.address();
      if (!address) return fail(ErrorKind::invalid, fmt::format("recipient \"{}\": {}", word, address.error().text));
      envelope.recipients.push_back({std::move(*address), line.notify, {}});
    }
  }
  return {};
}

void drop_repeated(std::vector<mail::Recipient>& recipients) {
  std::vector<std::string> seen;
  std::erase_if(recipients, [&](const mail::Recipient& one) {
    const auto key = one.address.lookup_key();
    if (std::ranges::find(seen, key) != seen.end()) return true;
    seen.push_back(key);
    return false;
  });
}

bool has_high_octet(std::string_view text) {
  return std::ranges::any_of(text, [](char c) { return static_cast<unsigned char>(c) > 127; });
}

}  // namespace

std::string_view up_to_dot(std::string_view text) {
  for (std::size_t at = 0; at < text.size();) {
    const auto end = std::min(text.find('\n', at), text.size());
    const auto length = end - at;
    if (text.substr(at, length) == "." || text.substr(at, length) == ".\r") return text.substr(0, at);
    at = end + 1;
  }
  return text;
}

Result<Letter> make_letter(const SendmailLine& line, const LocalUser& user, std::string_view text) {
  Letter out;
  auto sender = sender_of(line, user);
  if (!sender) return std::unexpected(sender.error());
  out.envelope.sender = std::move(*sender);
  out.envelope.ret = line.ret;
  out.envelope.envid = line.envid;
  if (auto added = add_line_recipients(line, user, out.envelope); !added) return std::unexpected(added.error());
  const std::string lines = smtp_lines(text);
  std::size_t position = 0;
  bool skipped = false;
  const auto first = mime::next_field(lines, position, &skipped);
  // A text whose first line is no field has no header: all of it is body.
  const auto end = first && first->begin == 0 ? mime::find_header_end(lines) : mime::HeaderEnd{0, 0, false};
  auto header = Header(line, user, out.envelope).rewrite(std::string_view(lines).substr(0, end.fields_end));
  if (!header) return std::unexpected(header.error());
  drop_repeated(out.envelope.recipients);
  if (out.envelope.recipients.empty()) return fail(ErrorKind::invalid, "no recipients in To, Cc or Bcc, nor on the command line");
  auto body = std::string_view(lines).substr(end.body_begin);
  if (end.body_begin == 0 && body.starts_with("\r\n")) body.remove_prefix(2);
  out.envelope.smtputf8 = has_high_octet(*header);
  out.envelope.body = has_high_octet(body) ? mail::BodyType::eight_bit_mime : mail::BodyType::seven_bit;
  out.text = *header + "\r\n";
  out.text += body;
  return out;
}

}  // namespace postern::daemon
