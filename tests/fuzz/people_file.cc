// SPDX-License-Identifier: Apache-2.0
// The CSV file of `postern account import`, of any octets: reading ends, and says nothing about lines that are not there.
// Checked: bounds on people and problems, line numbers in order and inside of the file, every person has a login.
#include "admin/people_file.h"

#include <algorithm>
#include <cstdlib>

namespace {

constexpr std::size_t most_problems = 1'000;

void require(bool holds) {
  if (!holds) std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const unsigned char* data, std::size_t size) {
  using namespace postern;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const auto read = admin::read_people(text);
  const auto lines = static_cast<std::size_t>(std::ranges::count(text, '\n') + std::ranges::count(text, '\r')) + 1;
  require(read.people.size() <= admin::max_people && read.problems.size() <= most_problems);
  std::size_t last = 0;
  for (const auto& person : read.people) {
    require(person.line > last && person.line <= lines);
    require(!person.account.row.login.empty() || !read.problems.empty());
    last = person.line;
  }
  for (const auto& problem : read.problems) require(problem.line <= lines && !problem.text.empty());
  (void)admin::size_of_text(text.substr(0, 64));
  return 0;
}
