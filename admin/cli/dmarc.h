// SPDX-License-Identifier: Apache-2.0
// postern dmarc report FILE: what another server says of mail in the name of our domains (policy/dmarc_report.h). Reads the file
// and nothing else; no server is asked.
#pragma once

#include <boost/json/object.hpp>
#include <string>

#include "policy/dmarc_report.h"

namespace postern::admin::cli {

/// For people: who reports, about what, and a table with the worst rows first.
std::string report_text(const policy::DmarcReport& report);
boost::json::object report_json(const policy::DmarcReport& report);

}  // namespace postern::admin::cli
