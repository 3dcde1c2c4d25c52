// SPDX-License-Identifier: Apache-2.0
#include "outbound/sts_policy.h"

#include <algorithm>
#include <optional>

#include "base/ascii.h"
#include "base/cursor.h"
#include "mail/domain.h"

namespace postern::outbound {

namespace {

using Mode = StsPolicy::Mode;
constexpr std::size_t longest_id = 32;

std::optional<Mode> mode_of(std::string_view text) {
  if (text == "enforce") return Mode::enforce;
  if (text == "testing") return Mode::testing;
  if (text == "none") return Mode::none;
  return std::nullopt;
}

/// A pattern in canonical form; empty when it is none.
std::string pattern_of(std::string_view text) {
  const bool star = text.starts_with("*.");
  const auto domain = mail::Domain::parse(star ? text.substr(2) : text);
  return domain ? (star ? "*." : "") + domain->ascii() : std::string();
}

/// Fields as they were said; of one that comes twice the first counts (RFC 8461 §3.2).
struct Fields {
  std::optional<std::string_view> version, mode, max_age;
  std::vector<std::string> mx;
  bool bad_mx = false;

  void take(std::string_view name, std::string_view value) {
    const auto first = [value](auto& field) {
      if (!field) field = value;
    };
    if (name == "version") return first(version);
    if (name == "mode") return first(mode);
    if (name == "max_age") return first(max_age);
    if (name != "mx" || mx.size() >= sts_patterns_max) return;
    auto pattern = pattern_of(value);
    bad_mx = bad_mx || pattern.empty();
    if (!pattern.empty()) mx.push_back(std::move(pattern));
  }
};

}  // namespace

std::string_view to_string(Mode mode) {
  switch (mode) {
    case Mode::none: return "none";
    case Mode::testing: return "testing";
    case Mode::enforce: break;
  }
  return "enforce";
}

bool StsPolicy::names(std::string_view host) const {
  const auto dot = host.find('.');
  const auto below = dot == std::string_view::npos ? std::string_view() : host.substr(dot);
  return std::ranges::any_of(mx, [&](const std::string& pattern) {
    if (pattern.starts_with('*')) return !below.empty() && dot > 0 && std::string_view(pattern).substr(1) == below;
    return pattern == host;
  });
}

// RFC 8461 §3.2
//   sts-policy-record = sts-policy-field *WSP *(sts-policy-term sts-policy-field) [sts-policy-term]
//   sts-policy-field  = name ":" *WSP value; lines end with LF or CRLF
Result<StsPolicy> parse_sts_policy(std::string_view text) {
  Fields fields;
  Cursor in(text);
  while (!in.at_end()) {
    const auto line = ascii::trim(in.take_until('\n'));
    in.take('\n');
    const auto colon = line.find(':');
    if (colon == std::string_view::npos) {
      if (!line.empty()) return fail(ErrorKind::invalid, "a line of the policy has no colon");
      continue;
    }
    fields.take(ascii::trim(line.substr(0, colon)), ascii::trim(line.substr(colon + 1)));
  }
  if (fields.version != "STSv1") return fail(ErrorKind::invalid, "not a policy of version STSv1");
  const auto mode = mode_of(fields.mode.value_or(""));
  if (!mode) return fail(ErrorKind::invalid, "the policy has no mode that we know");
  Cursor age(fields.max_age.value_or(""));
  const auto seconds = age.take_number(static_cast<std::uint64_t>(sts_age_max.count()));
  if (!seconds || !age.at_end()) return fail(ErrorKind::invalid, "the policy has no max_age from 0 to 31557600");
  if (fields.bad_mx) return fail(ErrorKind::invalid, "an mx of the policy is no host name");
  if (*mode != Mode::none && fields.mx.empty()) return fail(ErrorKind::invalid, "the policy names no mx");
  StsPolicy out;
  out.mode = *mode;
  out.max_age = std::chrono::seconds(*seconds);
  out.mx = std::move(fields.mx);
  return out;
}

// RFC 8461 §3.1
//   sts-text-record = sts-version 1*(sts-field-delim sts-field) [sts-field-delim]
//   sts-version     = %s"v=STSv1"
bool is_sts_record(std::string_view text) {
  constexpr std::string_view version = "v=STSv1";
  return text.starts_with(version) && ascii::trim(text.substr(version.size())).starts_with(';');
}

Result<std::string> parse_sts_record(std::string_view text) {
  if (!is_sts_record(text)) return fail(ErrorKind::invalid, "not a record of MTA-STS");
  Cursor in(text);
  while (!in.at_end()) {
    const auto field = ascii::trim(in.take_until(';'));
    in.take(';');
    if (!field.starts_with("id=")) continue;
    const auto id = field.substr(3);
    const bool good = !id.empty() && id.size() <= longest_id && std::ranges::all_of(id, ascii::is_alnum);
    if (good) return std::string(id);
    return fail(ErrorKind::invalid, "the id is not 1 to 32 letters and digits");
  }
  return fail(ErrorKind::invalid, "the record has no id");
}

}  // namespace postern::outbound
