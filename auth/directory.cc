// SPDX-License-Identifier: Apache-2.0
// Directory over an Index that is replaced whole after each change; the lock is held only to copy a pointer.
#include "auth/directory.h"

#include <fmt/format.h>

#include <algorithm>
#include <mutex>

#include "auth/index.h"
#include "base/ascii.h"

namespace postern::auth {

struct Directory::State {
  State(store::Accounts& a, Log& l) : accounts(a), log(l), index(std::make_shared<const Index>(store::AccountTable{})) {}

  std::shared_ptr<const Index> now() const {
    const std::lock_guard lock(mutex);
    return index;
  }
  /// To be taken before the table is read.
  std::uint64_t ticket() {
    const std::lock_guard lock(mutex);
    return ++tickets;
  }
  /// Two changes may read the table in parallel; what was asked for earlier never replaces what was asked for later.
  void replace(store::AccountTable table, std::uint64_t ticket) {
    auto fresh = std::make_shared<const Index>(std::move(table));
    const std::lock_guard lock(mutex);
    if (ticket < shown) return;
    shown = ticket;
    index = std::move(fresh);
  }

  store::Accounts& accounts;
  Log& log;
  mutable std::mutex mutex;
  std::shared_ptr<const Index> index;
  std::uint64_t tickets = 0;
  std::uint64_t shown = 0;  ///< ticket of `index`
};

namespace {

/// An address whose domain must be one of ours.
Result<mail::Address> local_address(const Index& index, const std::string& text) {
  auto address = mail::Address::parse(text);
  if (!address) return fail(ErrorKind::invalid, fmt::format("{} is not an address: {}", text, address.error().text));
  if (address->domain() == nullptr || !index.is_local(*address->domain())) {
    return fail(ErrorKind::not_found, fmt::format("{} is not a domain of this server; add it first", address->domain_text()));
  }
  return address;
}

/// The row that an alias and its target make. The target is an account, an address of ours, or an address elsewhere.
Result<store::AddressRow> alias_row(const Index& index, const mail::Address& alias, const std::string& target) {
  auto address = mail::Address::parse(target);
  if (!address) return fail(ErrorKind::invalid, fmt::format("{} is not an address: {}", target, address.error().text));
  store::AddressRow row{.address = alias.lookup_key()};
  if (const auto* account = index.account(address->lookup_key())) {
    row.account = account->id;
  } else {
    row.forward = address->to_string();
  }
  return row;
}

/// The row as it was stored: a target that is an account today may have been an alias when the row was made.
std::optional<store::AddressRow> stored_row(const store::AccountTable& table, const store::AddressRow& wanted,
                                            const std::string& target) {
  const auto at = std::find_if(table.addresses.begin(), table.addresses.end(), [&](const store::AddressRow& row) {
    return row.address == wanted.address && (row == wanted || (row.account == 0 && ascii::iequals(row.forward, target)));
  });
  return at == table.addresses.end() ? std::nullopt : std::optional(*at);
}

/// Whether a row may be added: its target exists and leads to no loop.
Result<> alias_fits(const Index& index, const std::string& alias, const std::string& target) {
  const auto address = mail::Address::parse(target);
  if (!address) return std::unexpected(address.error());
  if (address->lookup_key() == alias) return fail(ErrorKind::limit, "an alias cannot lead to itself");
  if (address->domain() == nullptr || !index.is_local(*address->domain())) return {};
  if (index.leads_to(*address, alias)) {
    return fail(ErrorKind::limit, fmt::format("{} leads back to {}: that would be a loop", target, alias));
  }
  if (!index.resolve(*address)) {
    return fail(ErrorKind::not_found, fmt::format("{} is of this server but does not exist; add it first", target));
  }
  return {};
}

}  // namespace

Directory::Directory(store::Accounts& accounts, Log& log) : state_(std::make_unique<State>(accounts, log)) {}
Directory::~Directory() = default;

async::Task<Result<>> Directory::load() {
  const auto ticket = state_->ticket();
  auto table = co_await state_->accounts.load();
  if (!table) co_return std::unexpected(table.error());
  state_->replace(std::move(*table), ticket);
  co_return Result<>();
}

bool Directory::is_local(const mail::Domain& domain) const { return state_->now()->is_local(domain); }

Result<Resolution> Directory::resolve(const mail::Address& address) const {
  const auto index = state_->now();
  auto targets = index->resolve(address);
  if (!targets) {
    if (targets.error().kind == ErrorKind::limit) {
      state_->log.warning("auth", "alias_refused", {{"address", address.to_string()}, {"reason", targets.error().text}});
    }
    return std::unexpected(targets.error());
  }
  Resolution out;
  for (const auto* account : targets->accounts) out.mailboxes.push_back({account->id, account->login});
  for (auto& elsewhere : targets->elsewhere) out.forwards.push_back(Forward(std::move(elsewhere)));
  return out;
}

std::optional<store::AccountRow> Directory::account(std::string_view login) const {
  const auto address = mail::Address::parse(login);
  if (!address) return std::nullopt;
  const auto index = state_->now();
  const auto* row = index->account(address->lookup_key());
  return row != nullptr ? std::optional(*row) : std::nullopt;
}

std::optional<store::AccountRow> Directory::account(store::AccountId id) const {
  const auto index = state_->now();
  const auto* row = index->account(id);
  return row != nullptr ? std::optional(*row) : std::nullopt;
}

bool Directory::may_send_as(store::AccountId account, const mail::Address& address) const {
  const auto index = state_->now();
  const auto targets = index->resolve(address);
  if (!targets) return false;
  const auto& all = targets->accounts;
  return std::any_of(all.begin(), all.end(), [account](const auto* row) { return row->id == account; });
}

std::shared_ptr<const store::AccountTable> Directory::table() const { return state_->now()->table(); }

async::Task<Result<>> Directory::add_domain(std::string name) {
  auto domain = mail::Domain::parse(name);
  if (!domain) co_return fail(ErrorKind::invalid, fmt::format("{} is not a domain name: {}", name, domain.error().text));
  if (auto done = co_await state_->accounts.add_domain({domain->ascii()}); !done) co_return done;
  co_return co_await load();
}

async::Task<Result<>> Directory::set_domain(store::DomainRow row) {
  auto domain = mail::Domain::parse(row.name);
  if (!domain) co_return fail(ErrorKind::invalid, fmt::format("{} is not a domain name: {}", row.name, domain.error().text));
  row.name = domain->ascii();
  if (auto done = co_await state_->accounts.set_domain(std::move(row)); !done) co_return done;
  co_return co_await load();
}

async::Task<Result<>> Directory::remove_domain(std::string name) {
  auto domain = mail::Domain::parse(name);
  if (!domain) co_return fail(ErrorKind::invalid, fmt::format("{} is not a domain name: {}", name, domain.error().text));
  if (auto done = co_await state_->accounts.remove_domain(domain->ascii()); !done) co_return done;
  co_return co_await load();
}

async::Task<Result<store::AccountId>> Directory::add_account(std::string login, store::AccountRow settings) {
  const auto index = state_->now();
  auto address = local_address(*index, login);
  if (!address) co_return std::unexpected(address.error());
  settings.id = 0;
  settings.login = address->lookup_key();
  if (index->has_address(settings.login)) {
    co_return fail(ErrorKind::exists, settings.login + " exists already, as an account or an alias; remove it first");
  }
  auto id = co_await state_->accounts.add_account(std::move(settings));
  if (!id) co_return id;
  if (auto loaded = co_await load(); !loaded) co_return std::unexpected(loaded.error());
  co_return id;
}

async::Task<Result<>> Directory::set_account(store::AccountRow row) {
  const auto known = account(row.id);
  if (!known) co_return fail(ErrorKind::not_found, "there is no such account");
  row.login = known->login;
  if (auto done = co_await state_->accounts.set_account(std::move(row)); !done) co_return done;
  co_return co_await load();
}

async::Task<Result<>> Directory::remove_account(std::string login) {
  const auto known = account(login);
  if (!known) co_return fail(ErrorKind::not_found, login + " is no account of this server");
  if (auto done = co_await state_->accounts.remove_account(known->id); !done) co_return done;
  co_return co_await load();
}

async::Task<Result<>> Directory::add_alias(std::string alias, std::string target) {
  const auto index = state_->now();
  auto address = local_address(*index, alias);
  if (!address) co_return std::unexpected(address.error());
  auto row = alias_row(*index, *address, target);
  if (!row) co_return std::unexpected(row.error());
  if (auto fits = alias_fits(*index, row->address, target); !fits) co_return fits;
  if (auto done = co_await state_->accounts.add_address(std::move(*row)); !done) co_return done;
  co_return co_await load();
}

async::Task<Result<>> Directory::remove_alias(std::string alias, std::string target) {
  const auto index = state_->now();
  auto address = mail::Address::parse(alias);
  if (!address) co_return fail(ErrorKind::invalid, fmt::format("{} is not an address: {}", alias, address.error().text));
  auto wanted = alias_row(*index, *address, target);
  if (!wanted) co_return std::unexpected(wanted.error());
  const auto* owner = index->account(wanted->address);
  if (owner != nullptr && owner->id == wanted->account) {
    co_return fail(ErrorKind::denied, wanted->address + " is the account's own address; remove the account instead");
  }
  const auto row = stored_row(*index->table(), *wanted, target);
  if (!row) co_return fail(ErrorKind::not_found, fmt::format("{} does not lead to {}", wanted->address, target));
  if (auto done = co_await state_->accounts.remove_address(*row); !done) co_return done;
  co_return co_await load();
}

}  // namespace postern::auth
