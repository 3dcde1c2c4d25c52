// SPDX-License-Identifier: Apache-2.0
// Reports about TLS: records and reports of strangers, and our own facts; what is read is bounded and printable.
#include <algorithm>
#include <cstdint>
#include <cstdlib>

#include "admin/cli/tls_report.h"
#include "base/ascii.h"
#include "policy/tls_report.h"

using namespace postern;

namespace {

void require(bool holds) {
  if (!holds) std::abort();
}

bool clean(const std::string& text) { return std::ranges::none_of(text, ascii::is_ctl); }

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  if (const auto wish = policy::parse_tls_report_record(text)) {
    require(wish->mail.size() + wish->web.size() <= policy::tls_report_addresses_max);
  }
  if (const auto session = policy::read_session_facts(text)) {
    require(policy::read_session_facts(policy::session_facts(*session)).has_value());
  }
  if (const auto report = admin::cli::read_tls_report(text)) {
    require(report->policies.size() <= admin::cli::tls_policies_max);
    require(clean(report->organization) && clean(report->id) && clean(report->contact));
  }
  return 0;
}
