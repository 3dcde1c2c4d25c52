// SPDX-License-Identifier: Apache-2.0
#include "store/sharing.h"

#include <algorithm>

#include "base/ascii.h"
#include "store/account_text.h"
#include "store/mailbox_name.h"

namespace postern::store {

namespace {

// RFC 4314 §2.1, in the order of the bits
constexpr std::string_view letters = "lrswipkxtea";

/// What follows "root/"; nothing when the name is not there.
std::optional<std::string_view> below(std::string_view name, std::string_view root) {
  if (name == root) return std::string_view();
  if (!is_below(name, root)) return std::nullopt;
  return name.substr(root.size() + 1);
}

}  // namespace

std::string rights_text(Rights rights) {
  std::string out;
  for (std::size_t i = 0; i < letters.size(); ++i) {
    if ((rights >> i & 1) != 0) out += letters[i];
  }
  return out;
}

Result<Rights> parse_rights(std::string_view text) {
  Rights out = 0;
  for (const char letter : text) {
    if (const auto at = letters.find(letter); at != std::string_view::npos) {
      out |= Rights{1} << at;
    } else if (letter == 'c') {
      out |= right::create | right::remove_mailbox;
    } else if (letter == 'd') {
      out |= right::remove_message | right::expunge;
    } else {
      return fail(ErrorKind::invalid, std::string("there is no right '") + letter + "'; the rights are " + std::string(letters));
    }
  }
  return out;
}

std::optional<ForeignName> parse_foreign(std::string_view name, std::string_view my_domain) {
  ForeignName out;
  auto rest = below(name, other_users);
  if (!rest) {
    rest = below(name, shared_space);
    if (!rest) return std::nullopt;
    out.team = true;
  }
  if (rest->empty()) return out;
  const auto end = std::min(rest->find(hierarchy_separator), rest->size());
  out.login = rest->substr(0, end);
  if (out.login.find('@') == std::string::npos) out.login.append("@").append(my_domain);
  if (end < rest->size()) out.mailbox = rest->substr(end + 1);
  if (out.mailbox.empty() && out.team) out.mailbox = "INBOX";
  return out;
}

std::string foreign_name(const ForeignName& name, std::string_view my_domain) {
  std::string out(name.team ? shared_space : other_users);
  out += hierarchy_separator;
  const auto domain = domain_of_login(name.login);
  out += domain == my_domain ? name.login.substr(0, name.login.size() - domain.size() - 1) : name.login;
  if (name.team && name.mailbox == "INBOX") return out;
  return out + hierarchy_separator + name.mailbox;
}

// RFC 5464 §3.2 and §4.1: entry names are ASCII, compared without case, and have at least two components.
Result<std::string> canonical_entry(std::string_view entry) {
  std::string out = ascii::lower(entry);
  const auto wrong = [](std::string text) { return fail(ErrorKind::invalid, std::move(text)); };
  if (out.size() > max_annotation_name) return wrong("the entry's name is longer than 256 octets");
  if (!out.starts_with("/private/") && !out.starts_with("/shared/")) return wrong("an entry begins with /private/ or /shared/");
  if (out.ends_with('/') || out.find("//") != std::string::npos) return wrong("the entry's name has an empty component");
  const auto bad = [](char c) { return ascii::is_ctl(c) || ascii::is_eight_bit(c) || c == '*' || c == '%'; };
  if (std::ranges::any_of(out, bad)) return wrong("the entry's name has an octet that is not allowed");
  return out;
}

Sharing& sharing_of(Session& session) { return dynamic_cast<Sharing&>(session); }

}  // namespace postern::store
