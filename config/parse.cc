// SPDX-License-Identifier: Apache-2.0
// toml++ reads the syntax; the option table reads the values. Nothing stops at the first mistake but broken syntax.
#include "config/parse.h"

#define TOML_EXCEPTIONS 0
#define TOML_HEADER_ONLY 1
#define TOML_ENABLE_FORMATTERS 0
#include <fmt/format.h>
#include <toml++/toml.h>

#include <algorithm>
#include <map>
#include <numeric>
#include <ranges>
#include <tuple>

#include "base/file.h"
#include "config/check.h"
#include "config/option.h"

namespace postern::config {
namespace {

constexpr std::size_t max_file = 1 * MiB;
/// A word is suggested when so many changed letters make it the given one.
constexpr std::size_t suggestion_distance = 3;

unsigned line_of(const toml::node& node) { return node.source().begin.line; }

/// Levenshtein distance.
std::size_t distance(std::string_view a, std::string_view b) {
  std::vector<std::size_t> row(b.size() + 1);
  std::iota(row.begin(), row.end(), 0);
  for (std::size_t i = 0; i < a.size(); ++i) {
    std::size_t diagonal = std::exchange(row[0], i + 1);
    for (std::size_t k = 0; k < b.size(); ++k) {
      const std::size_t changed = diagonal + (a[i] == b[k] ? 0 : 1);
      diagonal = row[k + 1];
      row[k + 1] = std::min({changed, diagonal + 1, row[k] + 1});
    }
  }
  return row.back();
}

/// "; did you mean threads?", or the remedy when nothing is near.
std::string suggestion(std::string_view given, const std::vector<std::string>& known) {
  const auto nearest = std::ranges::min_element(known, {}, [given](const std::string& word) { return distance(given, word); });
  const bool near = nearest != known.end() && distance(given, *nearest) <= std::min(suggestion_distance, given.size() / 2);
  return near ? fmt::format("; did you mean {}?", *nearest) : "; remove it";
}

std::string name_of(toml::node_type type) {
  switch (type) {
    case toml::node_type::table: return "a table";
    case toml::node_type::array: return "a list with items that are no strings";
    default: return "a date or time";
  }
}

Value list_value(const toml::array& array) {
  std::vector<std::string> items;
  for (const auto& item : array) {
    const auto* text = item.as_string();
    if (text == nullptr) return Unusable{name_of(toml::node_type::array)};
    items.push_back(text->get());
  }
  return items;
}

Value value_of(const toml::node& node) {
  if (const auto* flag = node.as_boolean()) return flag->get();
  if (const auto* number = node.as_integer()) return number->get();
  if (const auto* decimal = node.as_floating_point()) return decimal->get();
  if (const auto* text = node.as_string()) return text->get();
  if (const auto* array = node.as_array()) return list_value(*array);
  return Unusable{name_of(node.type())};
}

/// One reading: the table walks the file, mistakes collect in problems_, lines of given keys in lines_.
class Reading {
 public:
  Loading finish(const toml::table& root) {
    read_root(root);
    if (problems_.empty()) add_findings();
    if (problems_.empty()) return Loaded{std::move(config_), std::move(warnings_)};
    std::ranges::sort(problems_, {}, [](const Problem& p) { return std::tie(p.line, p.key, p.text); });
    return std::unexpected(std::move(problems_));
  }

 private:
  void problem(unsigned line, std::string key, std::string text) { problems_.push_back({line, std::move(key), std::move(text)}); }

  const Section* find_section(std::string_view name) const {
    const auto found = std::ranges::find(sections_, name, &Section::name);
    return found == sections_.end() ? nullptr : &*found;
  }

  void read_root(const toml::table& root) {
    for (const auto& [key, node] : root) {
      const std::string name(key.str());
      const auto* section = find_section(name);
      if (section == nullptr) {
        unknown_section(name, node);
      } else if (const auto* table = node.as_table()) {
        read_section(*section, *table, line_of(node));
      } else {
        problem(line_of(node), name, fmt::format("is a section; write [{}] on a line of its own", name));
      }
    }
  }

  void unknown_section(const std::string& name, const toml::node& node) {
    std::vector<std::string> known;
    for (const auto& section : sections_) {
      if (section.name.find('.') == std::string::npos) known.push_back(section.name);
    }
    const auto* what = node.is_table() ? "no such section" : "no such option outside a section";
    problem(line_of(node), name, what + suggestion(name, known));
  }

  void read_section(const Section& section, const toml::table& table, unsigned line) {
    for (const auto& [key, node] : table) {
      const std::string name(key.str());
      const auto* inner = find_section(section.name + "." + name);
      if (inner != nullptr) {
        read_repeated(*inner, node);
      } else {
        read_option(section, name, node);
      }
    }
    for (const auto& key : section.required) {
      if (!table.contains(key)) problem(line, section.name, fmt::format("needs {}", key));
    }
  }

  void read_repeated(const Section& section, const toml::node& node) {
    const auto* array = node.as_array();
    if (array == nullptr || !array->is_homogeneous(toml::node_type::table)) {
      return problem(line_of(node), section.name,
                     fmt::format("may be given many times; write [[{}]] on a line of its own", section.name));
    }
    for (const auto& element : *array) {
      section.begin(config_);
      read_section(section, *element.as_table(), line_of(element));
    }
  }

  void read_option(const Section& section, const std::string& name, const toml::node& node) {
    const std::string full = section.name + "." + name;
    const auto found = std::ranges::find(section.options, name, &Option::key);
    if (found == section.options.end()) {
      auto known = section.options | std::views::transform(&Option::key);
      return problem(line_of(node), full, "no such option" + suggestion(name, {known.begin(), known.end()}));
    }
    lines_[full] = line_of(node);
    if (const auto read = found->read(config_, value_of(node)); !read) problem(line_of(node), full, read.error().text);
  }

  void add_findings() {
    auto findings = check(config_);
    for (auto* list : {&findings.errors, &findings.warnings}) {
      for (auto& finding : *list) {
        if (const auto line = lines_.find(finding.key); line != lines_.end()) finding.line = line->second;
      }
    }
    problems_ = std::move(findings.errors);
    warnings_ = std::move(findings.warnings);
  }

  const std::vector<Section> sections_ = sections();
  Config config_;
  std::vector<Problem> problems_;
  std::vector<Problem> warnings_;
  std::map<std::string, unsigned> lines_;
};

}  // namespace

std::string to_string(const Problem& problem) {
  std::string out;
  if (problem.line != 0) out += fmt::format("line {}: ", problem.line);
  if (!problem.key.empty()) out += problem.key + ": ";
  return out + problem.text;
}

std::string to_string(const std::vector<Problem>& problems) {
  std::string out;
  for (const auto& problem : problems) out += to_string(problem) + "\n";
  return out;
}

Loading parse(std::string_view text) {
  const auto result = toml::parse(text);
  if (result) return Reading().finish(result.table());
  const auto& error = result.error();
  return std::unexpected(
      std::vector{Problem{error.source().begin.line, "", "syntax error: " + std::string(error.description())}});
}

Loading load(const std::filesystem::path& path) {
  const auto trusted = require_not_world_writable(path);
  if (!trusted) return std::unexpected(std::vector{Problem{0, "", trusted.error().text}});
  const auto text = read_file(path, max_file);
  if (!text) return std::unexpected(std::vector{Problem{0, "", text.error().text}});
  return parse(*text);
}

}  // namespace postern::config
