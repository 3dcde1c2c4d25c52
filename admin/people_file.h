// SPDX-License-Identifier: Apache-2.0
// The CSV file of `postern account import`: people, one a line, under a header row that names the columns. Pure functions of the
// text. Commas, semicolons or tabs part the fields, whichever the header row has; quotes as in RFC 4180; a byte order mark, empty
// lines and lines that begin with '#' are passed over.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "store/accounts.h"

namespace postern::admin {

/// Most people in one file.
inline constexpr std::size_t max_people = 5'000;

/// One line of the file, as values. What the line does not say has its default.
struct PersonLine {
  std::size_t line = 0;  ///< where it begins, counted from 1
  store::NewAccount account{};
  bool has_quota = false;           ///< otherwise the default for new accounts
  bool has_quota_messages = false;  ///< the same
  std::string password{};           ///< as written; empty: see hash
  std::string hash{};               ///< of another server; both empty: a password is made
};

/// A mistake: where, and what to do about it.
struct FileProblem {
  std::size_t line = 0;
  std::string column{};  ///< the column's name, or empty when the line as a whole is meant
  std::string text;
  bool operator==(const FileProblem&) const = default;
};

struct PeopleFile {
  std::vector<PersonLine> people;
  std::vector<FileProblem> problems;  ///< in the order of the lines; when there are any, nothing should be done with the rest
};

/// Never fails: what is wrong is among the problems, at most a thousand of them.
PeopleFile read_people(std::string_view text);

/// "login, name, password, …": all columns there are.
std::string people_columns();

/// "5GiB", "500 MB", "1000000": octets. Nothing: no size.
std::optional<std::uint64_t> size_of_text(std::string_view text);

}  // namespace postern::admin
