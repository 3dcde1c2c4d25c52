// SPDX-License-Identifier: Apache-2.0
// RFC 5322 §3.6.2: From is a list of mailboxes; more than one author is allowed, more than one field is not.
#include "policy/author.h"

#include <algorithm>

#include "mime/address_list.h"
#include "mime/header.h"

namespace postern::policy {
namespace {

Author unclear(Author author, std::string problem) {
  author.kind = Author::Kind::unclear;
  author.problem = std::move(problem);
  author.domains.clear();
  return author;
}

}  // namespace

Author read_author(std::string_view value, std::size_t fields) {
  Author out;
  out.fields = fields;
  if (fields != 1) {
    out.kind = fields == 0 ? Author::Kind::absent : Author::Kind::twice;
    out.problem = fields == 0 ? "no From field" : std::to_string(fields) + " From fields";
    return out;
  }
  const auto list = mime::parse_address_list(value);
  if (list.has_group) return unclear(std::move(out), "From has a group");
  if (list.damaged || list.truncated) return unclear(std::move(out), "From is not a list of mailboxes");
  for (const auto& entry : list.entries) {
    const auto address = entry.address();
    if (!address || address->domain() == nullptr) return unclear(std::move(out), "From has an address without a domain");
    const auto& domain = address->domain()->ascii();
    if (std::ranges::find(out.domains, domain) == out.domains.end()) out.domains.push_back(domain);
    out.address = address->to_string();
    out.display_name = entry.display_name();
  }
  if (list.entries.empty()) return unclear(std::move(out), "From is empty");
  if (out.domains.size() > author_domains_max) return unclear(std::move(out), "From has too many domains");
  out.kind = list.entries.size() == 1 ? Author::Kind::one : Author::Kind::several;
  if (out.kind == Author::Kind::several) {
    out.problem = std::to_string(list.entries.size()) + " authors";
    out.address.clear();
    out.display_name.clear();
  }
  return out;
}

Author read_author(std::string_view header) {
  std::size_t fields = 0;
  std::size_t at = 0;
  std::string_view value;
  while (const auto field = mime::next_field(header, at)) {
    if (field->is("From") && ++fields == 1) value = field->raw;
  }
  return read_author(value, fields);
}

}  // namespace postern::policy
