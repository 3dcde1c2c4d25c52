// SPDX-License-Identifier: Apache-2.0
// The commented configuration file and the comparison of two configurations, both walks over the option table.
#include <fmt/format.h>

#include "config/live.h"
#include "config/option.h"
#include "config/parse.h"

namespace postern::config {
namespace {

constexpr std::string_view head =
    "# Configuration of Postern. Every option is here with its default; remove the # before one to change it.\n"
    "# `postern config check` reads this file and tells all mistakes at once; SIGHUP makes the server read it\n"
    "# again. Options marked [restart] take effect at the next start.\n";

std::string commented(std::string_view doc) {
  std::string out;
  while (!doc.empty()) {
    const auto line = doc.substr(0, doc.find('\n'));
    out += fmt::format("# {}\n", line);
    doc.remove_prefix(std::min(doc.size(), line.size() + 1));
  }
  return out;
}

/// The header of a repeated section is commented out too: an empty element would be a mistake.
std::string header(const Section& section) {
  if (section.repeated()) return fmt::format("#[[{}]]\n", section.name);
  return fmt::format("[{}]\n", section.name);
}

std::string rendered(const Section& section, Config& defaults) {
  if (section.begin) section.begin(defaults);
  std::string out = "\n" + commented(section.doc) + header(section);
  for (const auto& option : section.options) {
    const std::string mark = option.at_restart && !option.doc.empty() ? " [restart]" : "";
    if (!option.doc.empty()) out += "\n" + commented(option.doc + mark);
    out += fmt::format("#{} = {}\n", option.key, option.show(defaults));
  }
  return out;
}

}  // namespace

std::string sample() {
  std::string out(head);
  Config defaults;
  for (const auto& section : sections()) out += rendered(section, defaults);
  return out;
}

std::vector<std::string> restart_needed(const Config& running, const Config& wanted) {
  std::vector<std::string> keys;
  Config before = running;
  Config after = wanted;
  for (const auto& section : sections()) {
    if (section.repeated()) continue;
    for (const auto& option : section.options) {
      if (option.at_restart && option.show(before) != option.show(after)) keys.push_back(section.name + "." + option.key);
    }
  }
  if (running.tls.sni != wanted.tls.sni) keys.emplace_back("tls.sni");
  if (running.dns.stub != wanted.dns.stub) keys.emplace_back("dns.stub");
  return keys;
}

}  // namespace postern::config
