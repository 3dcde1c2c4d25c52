// SPDX-License-Identifier: Apache-2.0
// The options by which commands take or make a password, and how they show one: shared by `account add` and the commands of
// admin/cli/passwords.cc.
#pragma once

#include <boost/json/object.hpp>

#include "admin/cli/subcommand.h"

namespace postern::admin::cli {

inline const Option password_stdin_option{"--password-stdin", "read the password as one line from standard input",
                                          Option::Kind::flag};
inline const Option hash_option{
    "--hash", "take over this hash of another server, such as '{SHA512-CRYPT}$6$…'; - reads it from standard input"};
inline const Option words_option{"--words", "words of the password that is made: 4 to 12, 5 unless told", Option::Kind::number};
inline const Option app_style_option{"--app-style", "make four groups of letters and digits instead of words",
                                     Option::Kind::flag};

/// Puts what the options say into the arguments of a command. Nothing is wrong: empty; otherwise the text of the mistake. When a
/// password was promised and none came that is one: nobody shall get a generated password by a broken pipe.
std::string add_password(const Invocation& run, boost::json::object& arguments);
/// A generated password, this one time, and the gate's advice.
void show_password(const boost::json::object& result);

}  // namespace postern::admin::cli
