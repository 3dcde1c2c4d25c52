// SPDX-License-Identifier: Apache-2.0
// The options by which accounts and groups get access rules and settings, and how rules are shown.
#pragma once

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <string>
#include <string_view>

#include "admin/cli/subcommand.h"

namespace postern::admin::cli {

inline const Option protocols_option{"--protocols", "what may be used: imap, pop3, smtp, with commas; all for no limit"};
inline const Option networks_option{"--networks", "from where, for example 192.0.2.0/24,2001:db8::/32; any for everywhere"};
inline const Option hours_option{"--hours", "when, in local time: 'mon-fri 07:00-19:00, sat 09:00-12:00'; any for always"};

/// The words of a text with commas.
boost::json::array words_of(std::string_view text);
/// Puts what the three options say into the arguments of a command.
void add_rules(const Invocation& run, boost::json::object& arguments);
/// "imap, smtp; from 192.0.2.0/24; mon-fri 07:00-19:00", or "no limits".
std::string rules_text(const boost::json::object& row);
/// The texts of a list, with a separator.
std::string joined(const boost::json::array& list, std::string_view separator = ", ");

}  // namespace postern::admin::cli
