// SPDX-License-Identifier: Apache-2.0
#include "outbound/mta_sts.h"

#include <algorithm>

#include "async/executor.h"
#include "base/ascii.h"
#include "http/client.h"

namespace postern::outbound {

namespace {

constexpr std::chrono::minutes round_interval{30};
constexpr std::size_t renewed_in_a_round = 200;
constexpr unsigned http_ok = 200;
using Mode = StsPolicy::Mode;

std::string quoted_time(std::chrono::seconds left) {
  constexpr std::chrono::seconds::rep hour = 3600;
  return left.count() >= 2 * hour ? fmt::format("{} h", left.count() / hour) : fmt::format("{} s", left.count());
}

/// Does something at the end of a scope.
template <class F>
class Ending {
 public:
  explicit Ending(F act) : act_(std::move(act)) {}
  Ending(const Ending&) = delete;
  ~Ending() { act_(); }

 private:
  F act_;
};

}  // namespace

MtaSts::MtaSts(Parts parts) : parts_(std::move(parts)) {
  auto rows = parts_.book.recall(domains_max);
  if (!rows) parts_.log.warning("outbound", "sts_not_recalled", {{"text", rows.error().text}});
  for (auto& row : rows ? *rows : std::vector<store::StsRow>()) {
    auto policy = parse_sts_policy(row.text);
    if (!policy || row.expires <= parts_.clock.unix_now()) continue;
    auto& entry = entries_[row.domain];
    entry.policy = *std::move(policy);
    entry.row = std::move(row);
  }
}

std::optional<MtaSts::Entry> MtaSts::entry(const std::string& domain) const {
  const std::lock_guard lock(mutex_);
  const auto at = entries_.find(domain);
  return at == entries_.end() ? std::nullopt : std::optional(at->second);
}

/// The policy that is kept and has not ended; `trouble` says why it could not be looked at anew.
StsFinding MtaSts::finding(const std::string& domain, std::string trouble) const {
  const auto known = entry(domain);
  const auto now = parts_.clock.unix_now();
  StsFinding out;
  if (known) out.failure = known->failure;
  if (!known || !known->policy || known->row.expires <= now) {
    out.why = trouble.empty() ? "no MTA-STS policy" : "no MTA-STS policy: " + trouble;
    return out;
  }
  out.policy = known->policy;
  out.text = known->row.text;
  out.why = fmt::format("MTA-STS of {}: mode {}, mx {}, kept for {} more", domain, to_string(known->policy->mode),
                        fmt::join(known->policy->mx, " "), quoted_time(std::chrono::seconds(known->row.expires - now)));
  if (!trouble.empty()) out.why += " (" + trouble + ")";
  return out;
}

// RFC 8461 §3.1: several records of this version are none. §5.1: what is in the cache and has not ended holds meanwhile.
async::Task<StsFinding> MtaSts::find(std::string domain) {
  const auto answer = co_await parts_.resolver.txt("_mta-sts." + domain);
  if (dns::is_temporary(answer.status)) {
    co_return finding(domain, fmt::format("DNS gave no answer about _mta-sts.{} ({})", domain, dns::to_string(answer.status)));
  }
  std::vector<std::string> records;
  for (const auto& text : answer.records) {
    if (is_sts_record(text)) records.push_back(text);
  }
  if (records.empty()) co_return finding(domain, "no record at _mta-sts." + domain);
  if (records.size() > 1) co_return finding(domain, fmt::format("{} records at _mta-sts.{}", records.size(), domain));
  const auto id = parse_sts_record(records.front());
  if (!id) co_return finding(domain, "the record at _mta-sts." + domain + ": " + id.error().text);
  co_await renew(domain, *id, Want::when_new);
  const auto known = entry(domain);
  co_return finding(domain, known && !known->failure.empty() ? "could not be fetched: " + known->trouble : std::string());
}

/// Returns when the policy with this id is here, or cannot be had now.
async::Task<> MtaSts::renew(std::string domain, std::string id, Want want) {
  const auto now = parts_.clock.unix_now();
  std::shared_ptr<async::Event> others;
  {
    const std::lock_guard lock(mutex_);
    // Strangers choose whom our people write to: beyond the bound nothing new is begun.
    if (!entries_.contains(domain) && entries_.size() >= domains_max) co_return;
    auto& entry = entries_[domain];
    const bool current = entry.policy && entry.row.id == id && entry.row.expires > now;
    if ((current && want == Want::when_new) || entry.not_before > now) co_return;
    if (entry.fetching) others = entry.fetching;
    if (!others) entry.fetching = std::make_shared<async::Event>();
  }
  if (others) {
    co_await others->wait_beyond(0);
    co_return;
  }
  // A fetch that is cut short frees those who wait for it.
  const Ending ending([this, &domain] { end_fetch(domain); });
  std::string failure;
  const auto text = co_await fetch_policy(domain, failure);
  settle(domain, id, text, std::move(failure));
}

// RFC 8461 §3.3: https, the certificate of mta-sts.<domain>, no redirects, text/plain, 200.
async::Task<Result<std::string>> MtaSts::fetch_policy(std::string domain, std::string& failure) {
  failure = "sts-policy-fetch-error";
  const auto host = "mta-sts." + domain;
  const auto addresses = co_await parts_.resolver.addresses(host);
  http::Fetch what;
  what.url.host = host;
  what.url.port = parts_.port;
  what.url.target = "/.well-known/mta-sts.txt";
  std::string refused;
  for (const auto& one : addresses.records) {
    auto why = parts_.refusal(one);
    if (why.empty()) what.addresses.push_back(one);
    if (!why.empty()) refused = std::move(why);
  }
  if (what.addresses.empty()) {
    co_return fail(ErrorKind::unavailable, refused.empty() ? "no address for " + host : host + ": " + refused);
  }
  const auto answer = co_await http::fetch(std::move(what), *parts_.tls);
  if (!answer) {
    if (answer.error().kind == ErrorKind::invalid || answer.error().kind == ErrorKind::denied) failure = "sts-webpki-invalid";
    co_return std::unexpected(answer.error());
  }
  if (answer->status != http_ok) co_return fail(ErrorKind::unavailable, fmt::format("{} answered {}", host, answer->status));
  const auto type = std::string_view(answer->type).substr(0, answer->type.find(';'));
  failure = "sts-policy-invalid";
  if (!ascii::iequals(ascii::trim(type), "text/plain")) co_return fail(ErrorKind::invalid, host + ": not text/plain");
  const auto policy = parse_sts_policy(answer->body);
  if (!policy) co_return std::unexpected(policy.error());
  failure.clear();
  co_return answer->body;
}

void MtaSts::end_fetch(const std::string& domain) {
  std::shared_ptr<async::Event> waiting;
  {
    const std::lock_guard lock(mutex_);
    waiting = std::exchange(entries_[domain].fetching, nullptr);
  }
  if (waiting) waiting->publish();
}

void MtaSts::settle(const std::string& domain, const std::string& id, const Result<std::string>& text, std::string failure) {
  const auto now = parts_.clock.unix_now();
  store::StsRow row;
  {
    const std::lock_guard lock(mutex_);
    auto& entry = entries_[domain];
    entry.failure = std::move(failure);
    entry.trouble = text ? std::string() : text.error().text;
    if (text) {
      entry.policy = parse_sts_policy(*text).value();
      entry.row = {domain, id, *text, now, now + entry.policy->max_age.count()};
      row = entry.row;
    } else {
      entry.not_before = now + std::chrono::seconds(pause_after_failure).count();
    }
  }
  if (text) {
    parts_.log.info("outbound", "sts_policy", {{"domain", domain}, {"id", id}});
    return parts_.book.note(std::move(row));
  }
  parts_.log.warning("outbound", "sts_not_fetched", {{"domain", domain}, {"text", text.error().text}});
}

async::Task<> MtaSts::refresh() {
  const auto now = parts_.clock.unix_now();
  std::vector<std::string> old;
  {
    const std::lock_guard lock(mutex_);
    std::erase_if(entries_, [now](const auto& one) {
      const auto& entry = one.second;
      return !entry.fetching && entry.row.expires <= now && entry.not_before <= now;
    });
    for (const auto& [domain, entry] : entries_) {
      const bool due = entry.policy && entry.row.fetched + std::chrono::seconds(fresh_for).count() <= now;
      if (due && old.size() < renewed_in_a_round) old.push_back(domain);
    }
  }
  parts_.book.forget(now);
  for (const auto& domain : old) {
    const auto answer = co_await parts_.resolver.txt("_mta-sts." + domain);
    const auto record = std::ranges::find_if(answer.records, [](const auto& text) { return is_sts_record(text); });
    if (record == answer.records.end()) continue;
    if (const auto id = parse_sts_record(*record)) co_await renew(domain, *id, Want::always);
  }
}

async::Task<> MtaSts::run(async::TaskGroup& group) {
  while (!group.stopping()) {
    co_await refresh();
    co_await async::sleep(round_interval);
  }
}

// RFC 8461 §4.2 and §5
void add_sts(const StsFinding& found, const Hop& hop, TlsDemand& demand) {
  if (!found.policy || found.policy->mode == Mode::none) return;
  const bool named = found.policy->names(hop.name);
  demand.mx_proven = demand.mx_proven || named;
  if (found.policy->mode == Mode::testing) return;
  if (!named) {
    demand.trouble = fmt::format("the MTA-STS policy of {} does not name this server", hop.domain);
    return;
  }
  demand.level = TlsDemand::Level::required;
  demand.peer.trust = net::TlsTrust::verified;
  demand.why = found.why;
}

}  // namespace postern::outbound
