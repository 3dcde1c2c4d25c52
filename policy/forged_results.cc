// SPDX-License-Identifier: Apache-2.0
// Reads authserv-id and cuts fields out of a header block.
#include "policy/forged_results.h"

#include "base/ascii.h"
#include "base/cursor.h"
#include "mail/domain.h"
#include "mime/header.h"
#include "mime/lexical.h"

namespace postern::policy {
namespace {

bool is_ours(const mime::Field& field, std::string_view own_hostname) {
  if (!field.is("Authentication-Results")) return false;
  const auto id = authserv_id(field.value());
  if (ascii::iequals(id, own_hostname)) return true;
  const auto domain = mail::Domain::parse(id);
  return domain && ascii::iequals(domain->ascii(), own_hostname);
}

}  // namespace

// RFC 8601 §2.2
//   authres-header-field = "Authentication-Results:" [CFWS] authserv-id [ CFWS authres-version ] ( no-result / 1*resinfo )
//   authserv-id          = value                     (RFC 2045 §5.1: token / quoted-string)
std::string authserv_id(std::string_view value) {
  Cursor in(value);
  mime::skip_cfws(in);
  const auto id = in.is('"') ? mime::take_quoted(in) : std::string(in.take_while([](char c) {
    return !ascii::is_wsp(c) && c != ';' && c != '(' && c != '\r' && c != '\n';
  }));
  return ascii::lower(id);
}

bool has_forged_results(std::string_view header, std::string_view own_hostname) {
  std::size_t at = 0;
  while (const auto field = mime::next_field(header, at)) {
    if (is_ours(*field, own_hostname)) return true;
  }
  return false;
}

std::string remove_forged_results(std::string_view header, std::string_view own_hostname) {
  std::string out;
  std::size_t at = 0;
  std::size_t kept = 0;
  while (const auto field = mime::next_field(header, at)) {
    if (!is_ours(*field, own_hostname)) continue;
    out += header.substr(kept, field->begin - kept);
    kept = field->end;
  }
  out += header.substr(kept);
  return out;
}

}  // namespace postern::policy
