// SPDX-License-Identifier: Apache-2.0
#include "admin/cli/rules.h"

#include "base/ascii.h"

namespace postern::admin::cli {

namespace json = boost::json;

namespace {

constexpr std::size_t every_protocol = 3;

bool means_all(const std::string& text) { return ascii::iequals(text, "all") || ascii::iequals(text, "any") || text.empty(); }

}  // namespace

json::array words_of(std::string_view text) {
  json::array out;
  for (std::size_t at = 0; at <= text.size();) {
    const auto end = std::min(text.find(',', at), text.size());
    if (const auto word = ascii::trim(text.substr(at, end - at)); !word.empty()) out.emplace_back(word);
    at = end + 1;
  }
  return out;
}

void add_rules(const Invocation& run, json::object& arguments) {
  for (const std::string name : {"protocols", "networks"}) {
    if (run.has(name)) arguments[name] = means_all(run.text(name)) ? json::array() : words_of(run.text(name));
  }
  if (run.has("hours")) arguments["hours"] = means_all(run.text("hours")) ? std::string() : run.text("hours");
}

std::string joined(const json::array& list, std::string_view separator) {
  std::string out;
  for (const auto& one : list) {
    if (!out.empty()) out += separator;
    out += std::string_view(one.as_string());
  }
  return out;
}

std::string rules_text(const json::object& row) {
  std::string out;
  const auto add = [&out](const std::string& text) { out += (out.empty() ? "" : "; ") + text; };
  const auto& protocols = row.at("protocols").as_array();
  if (protocols.size() < every_protocol) add("only " + joined(protocols));
  if (const auto& networks = row.at("networks").as_array(); !networks.empty()) add("from " + joined(networks));
  if (const auto& hours = row.at("hours").as_string(); !hours.empty()) add(std::string(hours));
  return out.empty() ? "no limits" : out;
}

}  // namespace postern::admin::cli
