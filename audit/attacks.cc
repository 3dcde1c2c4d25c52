// SPDX-License-Identifier: Apache-2.0
// The order of the families, and the beginning that most share.
#include "audit/attacks.h"

namespace postern::audit {

async::Task<Line> greeted(const Attack& attack, net::Endpoint door, Wrap wrap) {
  auto line = co_await Line::open(door, wrap, attack.tls);
  const auto greeting = co_await line.reply();
  if (!is_positive(greeting)) co_return line;
  co_await line.say("EHLO audit.invalid");
  co_return line;
}

namespace {

struct Family {
  const char* name;
  async::Task<> (*run)(Attack&);
};
constexpr Family families[] = {
    {"relay", attack_relay},   {"smuggling", attack_smuggling}, {"starttls", attack_starttls},   {"tls", attack_tls_versions},
    {"logins", attack_logins}, {"names", attack_names},         {"spoofing", attack_spoofing},   {"sizes", attack_sizes},
    {"order", attack_order},   {"banners", attack_banners},     {"retrieval", attack_retrieval},
};

}  // namespace

std::vector<std::string> family_names() {
  std::vector<std::string> out;
  for (const auto& family : families) out.emplace_back(family.name);
  return out;
}

async::Task<> attack_all(Attack& attack, std::string only) {
  for (const auto& family : families) {
    if (!only.empty() && only != family.name) continue;
    if (attack.begin) attack.begin(family.name);
    co_await family.run(attack);
  }
}

}  // namespace postern::audit
