// SPDX-License-Identifier: Apache-2.0
#include "store/account_text.h"

#include <algorithm>

namespace postern::store {

namespace {

/// Calls each piece between separators; empty pieces are left out.
template <class F>
void for_each_piece(std::string_view text, char separator, F use) {
  while (!text.empty()) {
    const auto end = std::min(text.find(separator), text.size());
    if (end > 0) use(text.substr(0, end));
    text.remove_prefix(std::min(end + 1, text.size()));
  }
}

}  // namespace

std::string join_words(const std::vector<std::string>& words) {
  std::string out;
  for (const auto& word : words) {
    if (!out.empty()) out += ' ';
    out += word;
  }
  return out;
}

std::vector<std::string> split_words(std::string_view text) {
  std::vector<std::string> out;
  for_each_piece(text, ' ', [&](std::string_view word) { out.emplace_back(word); });
  return out;
}

std::string settings_text(const std::map<std::string, std::string>& settings) {
  std::string out;
  for (const auto& [name, value] : settings) {
    std::string line = name + "=" + value;
    std::replace(line.begin(), line.end(), '\n', ' ');
    out += line + '\n';
  }
  return out;
}

std::map<std::string, std::string> parse_settings(std::string_view text) {
  std::map<std::string, std::string> out;
  for_each_piece(text, '\n', [&](std::string_view line) {
    const auto equals = line.find('=');
    if (equals != std::string_view::npos) out.emplace(line.substr(0, equals), line.substr(equals + 1));
  });
  return out;
}

std::string_view domain_of_login(std::string_view login) { return login.substr(login.rfind('@') + 1); }

}  // namespace postern::store
