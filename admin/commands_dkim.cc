// SPDX-License-Identifier: Apache-2.0
// dkim.*: the keys that sign our mail. dkim.check, which asks DNS, belongs to the running server (daemon/dkim_commands.cc).
#include <fmt/format.h>

#include <algorithm>
#include <boost/json/array.hpp>
#include <chrono>

#include "admin/commands.h"
#include "admin/dkim.h"
#include "admin/json.h"
#include "async/offload.h"
#include "config/way_out.h"

namespace postern::admin {

namespace json = boost::json;
using policy::DkimKey;

namespace {

/// How long a retired key's record should stay after the last message that it signed may have left: until others have looked.
constexpr std::chrono::hours settle_time{2 * 24};

Result<policy::DkimAlgorithm> algorithm_of(std::string_view word) {
  if (word.empty() || word == "rsa") return policy::DkimAlgorithm::rsa_sha256;
  if (word == "ed25519") return policy::DkimAlgorithm::ed25519_sha256;
  return fail(ErrorKind::invalid, fmt::format("algorithm is \"rsa\" or \"ed25519\", not \"{}\"", word));
}

std::unexpected<Error> no_book() { return fail(ErrorKind::unsupported, "this server has no DKIM keys"); }

/// The domain in canonical form, when it is one whose mail we sign: ours, or that of our own name or above it.
Result<std::string> own_domain(Context context, std::string_view text) {
  const auto domain = mail::Domain::parse(text);
  if (!domain) return std::unexpected(domain.error());
  const auto host = context.config.get()->server.hostname;
  const bool above_host = host == domain->ascii() || host.ends_with("." + domain->ascii());
  if (context.directory.is_local(*domain) || above_host) return domain->ascii();
  return fail(ErrorKind::not_found, fmt::format("{} is no domain of ours; add it with: postern domain add {}", text, text));
}

async::Task<Answer> make(Context context, policy::DkimBook::Wish wish) {
  // Making an RSA key takes too long for the loop that serves connections.
  async::Pool pool({.name = "dkim", .threads = 1, .queue_limit = 1});
  auto* const book = context.dkim;
  auto key = co_await async::offload(pool, [book, wish] { return book->create(wish); });
  if (!key) co_return std::unexpected(key.error());
  co_return describe(*key);
}

json::object with_advice(Context context, const DkimKey& key) {
  auto out = describe(key);
  const auto config = context.config.get();
  out["keep_record_until"] = key.retired + config->queue.lifetime.count() + std::chrono::seconds(settle_time).count();
  out["still_signed"] = !context.dkim->signing_keys(key.domain).empty();
  return out;
}

}  // namespace

json::object describe(const DkimKey& key) {
  json::array strings;
  for (const auto& part : policy::txt_strings(key.record())) strings.emplace_back(part);
  return {{"domain", key.domain},
          {"selector", key.selector},
          {"name", key.name()},
          {"algorithm", key.is_ed25519() ? "ed25519" : "rsa"},
          {"bits", key.bits},
          {"state", policy::to_string(key.state)},
          {"created", key.created},
          {"activated", key.activated},
          {"retired", key.retired},
          {"record", key.record()},
          {"strings", std::move(strings)}};
}

namespace commands_of {

async::Task<Answer> dkim_list(Context context, Arguments arguments) {
  if (context.dkim == nullptr) co_return no_book();
  const auto domain = optional_text(arguments, "domain");
  json::array keys;
  for (const auto& key : context.dkim->keys()) {
    if (domain.empty() || key.domain == domain) keys.push_back(describe(key));
  }
  json::array unsigned_domains;
  for (const auto& row : context.directory.table()->domains) {
    if (domain.empty() && context.dkim->signing_keys(row.name).empty()) unsigned_domains.emplace_back(row.name);
  }
  co_return json::object{{"now", context.clock.unix_now()},
                         {"sign", context.config.get()->way_out->dkim.sign},
                         {"keys", std::move(keys)},
                         {"unsigned_domains", std::move(unsigned_domains)}};
}

async::Task<Answer> dkim_create(Context context, Arguments arguments) {
  if (context.dkim == nullptr) co_return no_book();
  const auto text = text_argument(arguments, "domain");
  if (!text) co_return std::unexpected(text.error());
  const auto domain = own_domain(context, *text);
  const auto algorithm = algorithm_of(optional_text(arguments, "algorithm"));
  const auto bits = optional_number(arguments, "bits");
  if (!domain) co_return std::unexpected(domain.error());
  if (!algorithm) co_return std::unexpected(algorithm.error());
  if (!bits) co_return std::unexpected(bits.error());
  policy::DkimBook::Wish wish{.domain = *domain, .selector = optional_text(arguments, "selector"), .algorithm = *algorithm};
  wish.bits = static_cast<int>(std::min<std::uint64_t>(bits->value_or(policy::rsa_bits_usual), policy::rsa_bits_max + 1));
  wish.at_once = optional_flag(arguments, "now").value_or(false);
  co_return co_await make(context, std::move(wish));
}

// A second key beside each active one (or beside those of one algorithm); the old one signs until the new one's record is seen.
async::Task<Answer> dkim_rotate(Context context, Arguments arguments) {
  if (context.dkim == nullptr) co_return no_book();
  const auto domain = text_argument(arguments, "domain");
  if (!domain) co_return std::unexpected(domain.error());
  const auto only = optional_text(arguments, "algorithm");
  if (const auto known = algorithm_of(only); !known) co_return std::unexpected(known.error());
  std::vector<DkimKey> old;
  for (const auto& key : context.dkim->keys()) {
    if (key.domain != *domain || (!only.empty() && key.is_ed25519() != (only == "ed25519"))) continue;
    if (key.state == DkimKey::State::waiting) {
      co_return fail(ErrorKind::exists, fmt::format("{} waits for its record already; publish it, or drop it with: postern dkim "
                                                    "retire {} {}",
                                                    key.name(), key.domain, key.selector));
    }
    if (key.state == DkimKey::State::active) old.push_back(key);
  }
  if (old.empty()) {
    co_return fail(ErrorKind::not_found,
                   fmt::format("{} has no active key to follow; make one with: postern dkim create {}", *domain, *domain));
  }
  json::array made;
  for (const auto& key : old) {
    policy::DkimBook::Wish wish{.domain = key.domain, .selector = {}, .algorithm = key.algorithm};
    if (!key.is_ed25519()) wish.bits = std::max(key.bits, policy::rsa_bits_usual);
    auto one = co_await make(context, std::move(wish));
    if (!one) co_return one;
    (*one)["follows"] = key.selector;
    made.push_back(std::move(*one));
  }
  co_return json::object{{"keys", std::move(made)}};
}

async::Task<Answer> dkim_use(Context context, Arguments arguments) {
  if (context.dkim == nullptr) co_return no_book();
  const auto domain = text_argument(arguments, "domain");
  const auto selector = text_argument(arguments, "selector");
  if (!domain) co_return std::unexpected(domain.error());
  if (!selector) co_return std::unexpected(selector.error());
  const auto key = context.dkim->activate(*domain, *selector);
  if (!key) co_return std::unexpected(key.error());
  co_return describe(*key);
}

async::Task<Answer> dkim_retire(Context context, Arguments arguments) {
  if (context.dkim == nullptr) co_return no_book();
  const auto domain = text_argument(arguments, "domain");
  const auto selector = text_argument(arguments, "selector");
  if (!domain) co_return std::unexpected(domain.error());
  if (!selector) co_return std::unexpected(selector.error());
  const auto key = context.dkim->retire(*domain, *selector);
  if (!key) co_return std::unexpected(key.error());
  co_return with_advice(context, *key);
}

}  // namespace commands_of

}  // namespace postern::admin
