// SPDX-License-Identifier: Apache-2.0
// The command line of a load program: `--name value` pairs and `--name` switches. Every option that is given must be asked
// for, otherwise finish() ends the program: a misspelt option would make a measurement of something else.
#pragma once

#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <string_view>
#include <vector>

namespace postern::bench {

/// Prints the text to standard error and ends the program with code 2.
[[noreturn]] void fail(std::string_view text);

class Options {
 public:
  /// Reads argv[first…]; a word after an option that does not begin with "--" is its value.
  Options(int argc, char** argv, int first);

  /// The value of --name, or `otherwise`.
  std::string text(const std::string& name, std::string otherwise = {}) const;
  /// As text(), a whole number ≥ 0.
  std::uint64_t number(const std::string& name, std::uint64_t otherwise) const;
  /// Whether --name is there.
  bool has(const std::string& name) const;
  /// All values of an option that may be repeated, in order.
  std::vector<std::string> all(const std::string& name) const;
  /// Call when everything was asked for.
  void finish() const;

 private:
  std::multimap<std::string, std::string> given_;
  mutable std::set<std::string> asked_;
};

/// A pattern with one "%d" filled with `first + n % count`; a pattern without it is given as it is.
class Pattern {
 public:
  Pattern(std::string pattern, std::uint64_t count, std::uint64_t first = 0);
  std::string at(std::uint64_t n) const;
  bool empty() const { return pattern_.empty(); }

 private:
  std::string pattern_;
  std::uint64_t count_;
  std::uint64_t first_;
};

}  // namespace postern::bench
