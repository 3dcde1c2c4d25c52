// SPDX-License-Identifier: Apache-2.0
// postern dmarc report list|show: what other servers say of mail in the name of our domains (policy/dmarc_report.h), from the
// mailbox where their reports arrive or from a file (admin/cli/received_reports.h).
#pragma once

#include <boost/json/object.hpp>
#include <string>

#include "policy/dmarc_report.h"

namespace postern::admin::cli {

/// For people: who reports, about what, and a table with the worst rows first.
std::string report_text(const policy::DmarcReport& report);
boost::json::object report_json(const policy::DmarcReport& report);

/// One line for each report.
std::string reports_text(const std::vector<policy::DmarcReport>& reports);
/// One line for each address that sent, the worst first.
std::string sources_text(const std::vector<policy::DmarcReport>& reports);
/// Both.
boost::json::object reports_json(const std::vector<policy::DmarcReport>& reports);

}  // namespace postern::admin::cli
