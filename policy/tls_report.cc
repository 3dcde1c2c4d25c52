// SPDX-License-Identifier: Apache-2.0
#include "policy/tls_report.h"

#include <fmt/chrono.h>

#include <algorithm>

#include "base/ascii.h"
#include "base/cursor.h"
#include "base/encoding.h"
#include "mail/address.h"

namespace postern::policy {

namespace {

constexpr std::string_view facts_version = "tls1";
constexpr std::string_view version = "v=TLSRPTv1";

/// On one line, so that lines can be counted on.
std::string one_line(std::string_view text) {
  std::string out(text);
  std::ranges::replace_if(out, ascii::is_ctl, ' ');
  return out;
}

/// A JSON string.
std::string quoted(std::string_view text) {
  std::string out = "\"";
  for (std::size_t i = 0; i < text.size();) {
    const auto size = utf8_sequence(text.substr(i));
    const char c = text[i];
    if (size > 1) {
      out += text.substr(i, size);
    } else if (c == '"' || c == '\\') {
      out += {'\\', c};
    } else if (size == 1 && ascii::is_ctl(c)) {
      out += fmt::format("\\u{:04x}", static_cast<unsigned char>(c));
    } else if (size == 1) {
      out += c;
    }
    i += std::max<std::size_t>(size, 1);
  }
  return out + "\"";
}

std::string list(const std::vector<std::string>& texts) {
  std::string out = "[";
  for (const auto& one : texts) out += (out.size() > 1 ? "," : "") + quoted(one);
  return out + "]";
}

void put(std::string& out, std::string_view name, const std::string& text) {
  if (!text.empty()) out += fmt::format("{}\"{}\":{}", out.ends_with('{') ? "" : ",", name, quoted(text));
}

std::string failure_text(const TlsSession& session, std::uint64_t count) {
  std::string out = "{";
  put(out, "result-type", session.failure);
  put(out, "sending-mta-ip", session.own_ip);
  put(out, "receiving-mx-hostname", session.mx);
  put(out, "receiving-ip", session.ip);
  put(out, "failure-reason-code", session.reason);
  return out + fmt::format(",\"failed-session-count\":{}}}", count);
}

std::string policy_text(const TlsPolicyReport& report, const std::string& domain) {
  std::string out =
      fmt::format("{{\"policy\":{{\"policy-type\":{},\"policy-domain\":{}", quoted(report.policy.type), quoted(domain));
  if (!report.policy.text.empty()) out += ",\"policy-string\":" + list(report.policy.text);
  if (!report.policy.mx.empty()) out += ",\"mx-host\":" + list(report.policy.mx);
  out += fmt::format("}},\"summary\":{{\"total-successful-session-count\":{},\"total-failure-session-count\":{}}}", report.good,
                     report.bad());
  if (!report.failures.empty()) {
    out += ",\"failure-details\":[";
    for (const auto& [session, count] : report.failures) out += (out.ends_with('[') ? "" : ",") + failure_text(session, count);
    out += "]";
  }
  return out + "}";
}

std::string time_text(UnixTime at) { return fmt::format("{:%Y-%m-%dT%H:%M:%SZ}", fmt::gmtime(static_cast<std::time_t>(at))); }

}  // namespace

std::string session_facts(const TlsSession& session) {
  const auto& policy = session.policy;
  std::string out = fmt::format("{}\ntype {}\n", facts_version, one_line(policy.type));
  for (const auto& one : policy.text) out += "text " + one_line(one) + "\n";
  for (const auto& one : policy.mx) out += "pattern " + one_line(one) + "\n";
  if (session.failure.empty()) return out;
  return out + fmt::format("failure {}\nmx {}\nip {}\nown {}\nreason {}\n", one_line(session.failure), one_line(session.mx),
                           one_line(session.ip), one_line(session.own_ip), one_line(session.reason));
}

Result<TlsSession> read_session_facts(std::string_view facts) {
  Cursor in(facts);
  if (in.take_until('\n') != facts_version) return fail(ErrorKind::invalid, "not the facts of a TLS session");
  TlsSession out;
  while (in.take('\n') && !in.at_end()) {
    const auto line = in.take_until('\n');
    const auto space = line.find(' ');
    if (space == std::string_view::npos) return fail(ErrorKind::invalid, "a fact without a name");
    const auto name = line.substr(0, space);
    std::string value(line.substr(space + 1));
    if (name == "type") out.policy.type = std::move(value);
    if (name == "text") out.policy.text.push_back(std::move(value));
    if (name == "pattern") out.policy.mx.push_back(std::move(value));
    if (name == "failure") out.failure = std::move(value);
    if (name == "mx") out.mx = std::move(value);
    if (name == "ip") out.ip = std::move(value);
    if (name == "own") out.own_ip = std::move(value);
    if (name == "reason") out.reason = std::move(value);
  }
  return out;
}

std::uint64_t TlsPolicyReport::bad() const {
  std::uint64_t out = 0;
  for (const auto& [session, count] : failures) out += count;
  return out;
}

void TlsReport::add(const TlsSession& session, std::uint64_t count) {
  auto at = std::ranges::find(policies, session.policy, &TlsPolicyReport::policy);
  if (at == policies.end()) at = policies.insert(policies.end(), {session.policy, 0, {}});
  if (session.failure.empty()) {
    at->good += count;
  } else {
    at->failures.emplace_back(session, count);
  }
}

std::string write_tls_report(const TlsReport& report) {
  std::string out = "{";
  put(out, "organization-name", report.organization);
  out += fmt::format(",\"date-range\":{{\"start-datetime\":\"{}\",\"end-datetime\":\"{}\"}}", time_text(report.begin),
                     time_text(report.end));
  put(out, "contact-info", report.contact);
  put(out, "report-id", report.id);
  out += ",\"policies\":[";
  for (const auto& one : report.policies) out += (out.ends_with('[') ? "" : ",") + policy_text(one, report.domain);
  return out + "]}\n";
}

// RFC 8460 §3
//   tlsrpt-record = tlsrpt-version 1*(field-delim tlsrpt-field) [field-delim]
//   tlsrpt-version = %s"v=TLSRPTv1"
bool is_tls_report_record(std::string_view text) {
  return text.starts_with(version) && ascii::trim(text.substr(version.size())).starts_with(';');
}

Result<TlsReportWish> parse_tls_report_record(std::string_view text) {
  if (!is_tls_report_record(text)) return fail(ErrorKind::invalid, "not a record of TLS reports");
  TlsReportWish out;
  Cursor fields(text);
  while (!fields.at_end()) {
    auto field = ascii::trim(fields.take_until(';'));
    fields.take(';');
    const auto equals = field.find('=');
    if (equals == std::string_view::npos || ascii::trim(field.substr(0, equals)) != "rua") continue;
    Cursor uris(field.substr(equals + 1));
    while (!uris.at_end() && out.mail.size() + out.web.size() < tls_report_addresses_max) {
      const auto uri = ascii::trim(uris.take_until(','));
      uris.take(',');
      if (ascii::istarts_with(uri, "https://")) out.web.emplace_back(uri);
      constexpr std::string_view scheme = "mailto:";
      if (!ascii::istarts_with(uri, scheme)) continue;
      const auto plain = percent_decode(uri.substr(scheme.size(), uri.find('?') - scheme.size()));
      const auto address = plain ? mail::Address::parse(*plain) : Result<mail::Address>(std::unexpected(plain.error()));
      if (address && address->domain() != nullptr) out.mail.push_back(address->to_string());
    }
    break;
  }
  if (out.mail.empty() && out.web.empty()) return fail(ErrorKind::invalid, "the record names nobody who can get reports");
  return out;
}

}  // namespace postern::policy
