// SPDX-License-Identifier: Apache-2.0
// [reports] What we tell other domains about mail in their name, and where their reports about ours arrive. As in config.h, one
// field for each key, the initialisers are the defaults.
#pragma once

#include <string>

namespace postern::config {

struct Reports {
  bool dmarc = false;        ///< aggregate reports, RFC 7489 §7.2
  bool tls = false;          ///< RFC 8460
  std::string from;          ///< an address; empty: postmaster at server.hostname
  std::string organization;  ///< empty: server.hostname
  std::string contact;       ///< for people: an address or a page
  std::string received_by;   ///< login of the account that gets others' reports
  bool operator==(const Reports&) const = default;
};

}  // namespace postern::config
