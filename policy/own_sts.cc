// SPDX-License-Identifier: Apache-2.0
#include "policy/own_sts.h"

#include <fmt/format.h>

#include "config/gate.h"

namespace postern::policy {

namespace {

/// FNV-1a, 64 bits: the same for every build and machine, so that all servers of a domain say the same id.
std::uint64_t hash_of(std::string_view text) {
  std::uint64_t out = 0xcbf29ce484222325ULL;
  for (const char c : text) out = (out ^ static_cast<unsigned char>(c)) * 0x100000001b3ULL;
  return out;
}

std::string_view word(config::MtaSts::Mode mode) {
  switch (mode) {
    case config::MtaSts::Mode::testing: return "testing";
    case config::MtaSts::Mode::enforce: return "enforce";
    case config::MtaSts::Mode::off:
    case config::MtaSts::Mode::none: break;
  }
  return "none";
}

}  // namespace

std::string own_sts_policy(const config::Config& config) {
  const auto& own = config.gate->mta_sts;
  if (own.mode == config::MtaSts::Mode::off) return {};
  std::string out = fmt::format("version: STSv1\r\nmode: {}\r\n", word(own.mode));
  const auto names = own.mx.empty() ? std::vector{config.server.hostname} : own.mx;
  for (const auto& name : names) out += fmt::format("mx: {}\r\n", name);
  return out + fmt::format("max_age: {}\r\n", own.max_age.count());
}

std::string own_sts_record(const std::string& page) { return fmt::format("v=STSv1; id={:016x};", hash_of(page)); }

}  // namespace postern::policy
