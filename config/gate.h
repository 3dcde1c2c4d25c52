// SPDX-License-Identifier: Apache-2.0
// What the rules of the gate (port 25) are given: [rules] what a hit of each does, [gate] their numbers. As in config.h, one
// field for each key, the initialisers are the defaults.
#pragma once

#include <chrono>
#include <string>
#include <vector>

#include "config/boxed.h"
#include "config/dns_list.h"
#include "config/endpoint.h"
#include "config/mta_sts.h"
#include "config/percent.h"
#include "config/relay.h"
#include "config/reports.h"
#include "config/rules.h"
#include "config/rules_for.h"
#include "config/spoof.h"

namespace postern::config {

/// What a rule does when its question to DNS gets no answer.
enum class NoAnswer : unsigned char { pass, defer };

/// The oldest version of TLS that is spoken on port 25.
enum class TlsLeast : unsigned char { tls1_0, tls1_1, tls1_2, tls1_3 };

struct Gate {
  Rules rules;
  double defer_at = 0;              ///< points at which a message is put off; 0: never
  double reject_at = 10;            ///< points at which it is refused; 0: never
  std::vector<RulesFor> rules_for;  ///< [[rules_for]]
  std::vector<Relay> relays;        ///< [[relay]]
  std::vector<Spoof> spoof;         ///< [[spoof]]
  Reports reports;                  ///< [reports]
  MtaSts mta_sts;                   ///< [mta_sts]
  std::vector<DnsList> dnsbl;       ///< lists of bad addresses
  std::vector<DnsList> dnswl;       ///< lists of good ones
  unsigned rate_address = 0;        ///< recipients an hour; 0: any number
  unsigned rate_network = 0;
  unsigned rate_sender_domain = 0;
  unsigned rate_recipient = 0;
  std::chrono::seconds greylist_delay{300};         ///< a second try counts after this
  std::chrono::seconds greylist_window{2 * 86400};  ///< and within this
  std::chrono::seconds greylist_keep{60 * 86400};   ///< what was learned is forgotten after so long without mail
  unsigned greylist_network = 5;                    ///< triples that make their network known; 0: never
  double greylist_from = 0;                         ///< only mail with at least so many points is greylisted; 0: all
  NoAnswer no_answer = NoAnswer::pass;              ///< for rules that would put off or refuse
  TlsLeast tls_least = TlsLeast::tls1_2;
  std::chrono::seconds tarpit{1};            ///< longer with each unknown recipient from the third on, up to five times that
  Percent stress_at{80};                     ///< of limits.connections_total
  std::chrono::seconds stress_timeout{30};   ///< in place of limits.smtp_timeout then
  std::vector<Network> mend_line_ends_from;  ///< bare CR and LF become CR LF
  std::chrono::seconds lookup_timeout{5};    ///< all questions of one message together
  bool operator==(const Gate&) const = default;
};

extern template class Boxed<Gate>;

}  // namespace postern::config
