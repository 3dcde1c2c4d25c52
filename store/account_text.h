// SPDX-License-Identifier: Apache-2.0
// The text forms in which an account's lists and settings rest in one column: networks separated by spaces, settings one
// "name=value" a line. Values without I/O.
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace postern::store {

std::string join_words(const std::vector<std::string>& words);
std::vector<std::string> split_words(std::string_view text);
/// Line ends in values become spaces.
std::string settings_text(const std::map<std::string, std::string>& settings);
/// Lines without '=' are left out.
std::map<std::string, std::string> parse_settings(std::string_view text);
/// What follows the last '@'; all of it when there is none.
std::string_view domain_of_login(std::string_view login);

}  // namespace postern::store
