// SPDX-License-Identifier: Apache-2.0
#include "outbound/tls_notes.h"

#include <array>

#include "base/cursor.h"
#include "base/encoding.h"
#include "config/gate.h"
#include "policy/dmarc_notes.h"

namespace postern::outbound {

namespace {

constexpr std::size_t longest_reason = 200;
constexpr std::size_t most_lines = 100;

/// Words of OpenSSL, and what RFC 8460 calls that.
constexpr std::array<std::pair<std::string_view, std::string_view>, 7> words{{
    {"certificate has expired", "certificate-expired"},
    {"ostname mismatch", "certificate-host-mismatch"},
    {"IP address mismatch", "certificate-host-mismatch"},
    {"self-signed certificate", "certificate-not-trusted"},
    {"unable to get local issuer", "certificate-not-trusted"},
    {"unable to verify the first", "certificate-not-trusted"},
    {"unable to get issuer", "certificate-not-trusted"},
}};

std::vector<std::string> lines_of(std::string_view text) {
  std::vector<std::string> out;
  Cursor in(text);
  while (!in.at_end() && out.size() < most_lines) {
    const auto line = ascii::trim(in.take_until('\n'));
    in.take('\n');
    if (!line.empty()) out.emplace_back(line);
  }
  return out;
}

}  // namespace

std::string failure_of_tls(std::string_view error) {
  for (const auto& [word, type] : words) {
    if (error.find(word) != std::string_view::npos) return std::string(type);
  }
  return "validation-failure";
}

policy::TlsPolicySeen policy_seen(const RecipientPolicy& policy) {
  using State = DaneFinding::State;
  policy::TlsPolicySeen out;
  const auto& dane = policy.dane;
  if (dane.state != State::none) {
    out.type = "tlsa";
    for (const auto& one : dane.records) {
      out.text.push_back(fmt::format("{} {} {} {}", one.usage, one.selector, one.matching, hex_encode(one.data)));
    }
    return out;
  }
  if (!policy.sts.policy && policy.sts.failure.empty()) return {"no-policy-found", {}, {}};
  out.type = "sts";
  out.text = lines_of(policy.sts.text);
  if (policy.sts.policy) out.mx = policy.sts.policy->mx;
  return out;
}

bool TlsNotes::wanted() const { return config_.get()->gate->reports.tls; }

void TlsNotes::note(const std::string& domain, const RecipientPolicy& policy, policy::TlsSession session) {
  if (!wanted()) return;
  session.policy = policy_seen(policy);
  if (session.reason.size() > longest_reason) session.reason.resize(longest_reason);
  book_.note({store::ReportKind::tls, clock_.unix_now() / policy::report_day, domain}, policy::session_facts(session));
}

}  // namespace postern::outbound
