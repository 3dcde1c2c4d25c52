// SPDX-License-Identifier: Apache-2.0
#include "auth/subject.h"

namespace postern::auth {
namespace {

/// Aliases whose words are taken: zxcvbn's time grows with their number.
constexpr std::size_t most_aliases = 20;

}  // namespace

Person person_of(const Directory& directory, const store::AccountRow& account) {
  Person out{.login = account.login, .name = account.name};
  const auto table = directory.table();
  for (const auto& row : table->addresses) {
    if (row.account != account.id || row.address == account.login) continue;
    if (out.aliases.size() == most_aliases) break;
    out.aliases.push_back(row.address);
  }
  return out;
}

std::vector<std::string> words_of(const Directory& directory, const store::AccountRow& account, std::string_view hostname) {
  return guessable_words(person_of(directory, account), hostname);
}

}  // namespace postern::auth
