// SPDX-License-Identifier: Apache-2.0
// What the admin changes in the Directory: each change is checked against the index of the moment, stored, and then shown. The
// store checks again what must hold when two changes meet.
#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "auth/account_settings.h"
#include "auth/directory_state.h"
#include "base/ascii.h"
#include "base/encoding.h"

namespace postern::auth {
namespace {

constexpr std::size_t max_group_name = 64;
constexpr std::size_t max_display_name = 200;

Result<mail::Address> parsed(const std::string& text) {
  auto address = mail::Address::parse(text);
  if (!address) return fail(ErrorKind::invalid, fmt::format("{} is not an address: {}", text, address.error().text));
  return address;
}

Result<mail::Domain> parsed_domain(const std::string& text) {
  auto domain = mail::Domain::parse(text);
  if (!domain) return fail(ErrorKind::invalid, fmt::format("{} is not a domain name: {}", text, domain.error().text));
  return domain;
}

/// An address whose domain must be one of ours, and no alias of another.
Result<mail::Address> local_address(const Index& index, const std::string& text) {
  auto address = parsed(text);
  if (!address) return address;
  if (address->domain() == nullptr || !index.is_local(*address->domain())) {
    return fail(ErrorKind::not_found, fmt::format("{} is not a domain of this server; add it first", address->domain_text()));
  }
  const auto* const row = index.domain(*address->domain());
  if (row->alias_of.empty()) return address;
  return fail(ErrorKind::conflict, fmt::format("{} is an alias of {}, which has all its addresses; write @{}", row->name,
                                               row->alias_of, row->alias_of));
}

/// The row that an alias and its target make. The target is an account, an address of ours, or an address elsewhere.
Result<store::AddressRow> alias_row(const Index& index, const mail::Address& alias, const std::string& target) {
  const auto address = parsed(target);
  if (!address) return std::unexpected(address.error());
  store::AddressRow row{.address = alias.lookup_key()};
  const auto means = index.canonical(*address);
  if (const auto* account = means ? index.account(means->lookup_key()) : nullptr) {
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

const store::GroupRow* group_at(const Index& index, const std::string& key) {
  const auto& groups = index.table()->groups;
  const auto at = std::ranges::find(groups, key, &store::GroupRow::address);
  return key.empty() || at == groups.end() ? nullptr : &*at;
}

/// Whether mail may be sent on from an address of ours to one elsewhere.
Result<> may_leave(const mail::Domain& ours, const mail::Address& to, const Question& question) {
  for (const auto& one : question.forbid_for) {
    if (!one.fits(ours.ascii())) continue;
    return fail(ErrorKind::denied, fmt::format("mail of {} may not be sent on to {}: [forwarding] forbid_for has {}",
                                               ours.ascii(), to.to_string(), one.text));
  }
  return {};
}

/// Whether a row may be added: its target exists and leads to no loop.
Result<> alias_fits(const Index& index, const std::string& alias, const std::string& target, const Question& question) {
  const auto address = mail::Address::parse(target);
  if (!address) return std::unexpected(address.error());
  if (const auto* group = group_at(index, alias)) {
    return fail(ErrorKind::exists,
                fmt::format("{} is the address of the group {}; add members to it instead", alias, group->name));
  }
  const auto means = index.canonical(*address);
  if (means && means->lookup_key() == alias) return fail(ErrorKind::limit, "an alias cannot lead to itself");
  if (address->domain() == nullptr || !index.is_local(*address->domain())) {
    const auto from = mail::Address::parse(alias);
    return from && from->domain() != nullptr ? may_leave(*from->domain(), *address, question) : Result<>();
  }
  // A catch-all would hide a slip of the pen.
  auto strict = question;
  strict.catch_all = false;
  if (index.leads_to(*address, alias, strict)) {
    return fail(ErrorKind::limit, fmt::format("{} leads back to {}: that would be a loop", target, alias));
  }
  if (!index.resolve(*address, strict)) {
    return fail(ErrorKind::not_found, fmt::format("{} is of this server but does not exist; add it first", target));
  }
  return {};
}

/// Whether the account may forward as its settings say.
Result<> forwards_fit(const Index& index, const store::AccountRow& row, const Question& question) {
  const auto own = mail::Address::parse(row.login);
  if (!own || own->domain() == nullptr) return {};
  for (const auto& to : forwards_of(row)) {
    if (!index.is_local(*to.domain())) {
      if (auto leaves = may_leave(*own->domain(), to, question); !leaves) return leaves;
      continue;
    }
    auto strict = question;
    strict.catch_all = false;
    if (index.leads_to(to, own->lookup_key(), strict)) {
      return fail(ErrorKind::limit, fmt::format("{} leads back to {}: that would be a loop", to.to_string(), row.login));
    }
    if (!index.resolve(to, strict)) {
      return fail(ErrorKind::not_found, fmt::format("{} is of this server but does not exist; add it first", to.to_string()));
    }
  }
  return {};
}

/// One line of text for people.
Result<> check_name(const std::string& name) {
  const bool plain = is_utf8(name) && std::ranges::none_of(name, ascii::is_ctl);
  if (plain && name.size() <= max_display_name) return {};
  return fail(ErrorKind::invalid, fmt::format("a display name is one line of at most {} octets of UTF-8", max_display_name));
}

/// Rules, settings and name in canonical form.
Result<> canonicalize(store::AccountRow& row) {
  if (auto name = check_name(row.name); !name) return name;
  auto rules = canonical_rules(row.access);
  if (!rules) return std::unexpected(rules.error());
  row.access = std::move(*rules);
  auto settings = canonical_settings(row.settings);
  if (!settings) return std::unexpected(settings.error());
  row.settings = std::move(*settings);
  return {};
}

Result<std::string> canonical_right(const std::string& text) {
  const bool whole_domain = text.starts_with('@');
  const auto address = mail::Address::parse(whole_domain ? "x" + text : text);
  if (!address || address->domain() == nullptr) {
    return fail(ErrorKind::invalid,
                fmt::format("{} is neither an address nor @domain; write info@example.org or @example.org", text));
  }
  return whole_domain ? "@" + address->domain_text() : address->lookup_key();
}

/// A domain may become an alias of another one when neither has been used otherwise.
Result<> check_alias_domain(const Index& index, store::DomainRow& row) {
  auto target = parsed_domain(row.alias_of);
  if (!target) return std::unexpected(target.error());
  row.alias_of = target->ascii();
  if (row.alias_of == row.name) return fail(ErrorKind::limit, "a domain cannot be an alias of itself");
  const auto* const other = index.domain(*target);
  if (other == nullptr) {
    return fail(ErrorKind::not_found, fmt::format("{} is not a domain of this server; add it first", row.alias_of));
  }
  if (!other->alias_of.empty()) {
    return fail(ErrorKind::limit, fmt::format("{} is itself an alias of {}; name that one", row.alias_of, other->alias_of));
  }
  if (!row.catch_all.empty())
    return fail(ErrorKind::conflict, "an alias domain has no catch-all of its own; drop one of the two");
  const auto& table = *index.table();
  const auto aliased = std::ranges::find(table.domains, row.name, &store::DomainRow::alias_of);
  if (aliased != table.domains.end()) {
    return fail(ErrorKind::limit, fmt::format("{} is an alias of {} already; change that one first", aliased->name, row.name));
  }
  const auto tail = "@" + row.name;
  const auto used = std::ranges::find_if(table.addresses, [&](const auto& one) { return one.address.ends_with(tail); });
  const auto group = std::ranges::find_if(table.groups, [&](const auto& one) { return one.address.ends_with(tail); });
  if (used == table.addresses.end() && group == table.groups.end()) return {};
  return fail(ErrorKind::conflict, fmt::format("{} has addresses of its own, such as {}; move or remove them first", row.name,
                                               used != table.addresses.end() ? used->address : group->address));
}

Result<> check_catch_all(const Index& index, store::DomainRow& row, Question question) {
  auto address = local_address(index, row.catch_all);
  if (!address) return std::unexpected(address.error());
  row.catch_all = address->to_string();
  question.catch_all = false;
  if (index.resolve(*address, question)) return {};
  return fail(ErrorKind::not_found, fmt::format("{} does not exist; add it first", row.catch_all));
}

Result<> check_group_name(const std::string& name) {
  const auto good = [](char c) { return ascii::is_alnum(c) || c == '-' || c == '_' || c == '.' || ascii::is_eight_bit(c); };
  if (!name.empty() && name.size() <= max_group_name && is_utf8(name) && std::ranges::all_of(name, good)) return {};
  return fail(ErrorKind::invalid,
              fmt::format("a group's name is 1 to {} letters, digits, dots, hyphens and underscores, for example \"staff\"",
                          max_group_name));
}

Result<> check_group_address(const Index& index, store::GroupRow& row) {
  if (row.address.empty()) return {};
  const auto address = local_address(index, row.address);
  if (!address) return std::unexpected(address.error());
  row.address = address->lookup_key();
  const auto* const other = group_at(index, row.address);
  if (other != nullptr ? other->name == row.name : !index.has_address(row.address)) return {};
  return fail(ErrorKind::exists,
              fmt::format("{} exists already, as {}; remove it first", row.address,
                          other != nullptr ? "the address of the group " + other->name : "an account or an alias"));
}

/// One row of many: its canonical form, against what is there and against the rows before it.
class Admission {
 public:
  Admission(const Index& index, Question question) : index_(index), question_(std::move(question)) {}

  Result<> check(store::NewAccount& one) {
    column_ = "login";
    if (auto own = take_address(one.row.login); !own) return own;
    column_ = "settings";
    if (auto sound = canonicalize(one.row); !sound) return sound;
    if (auto fits = forwards_fit(index_, one.row, question_); !fits) return fits;
    column_ = "aliases";
    for (auto& alias : one.aliases) {
      if (auto taken = take_address(alias); !taken) return taken;
    }
    column_ = "groups";
    for (const auto& group : one.groups) {
      if (index_.group(group) == nullptr) {
        return fail(ErrorKind::not_found, fmt::format("there is no group {}; make it with: postern group add {}", group, group));
      }
    }
    column_ = "send_as";
    for (auto& address : one.send_as) {
      auto right = canonical_right(address);
      if (!right) return std::unexpected(right.error());
      address = std::move(*right);
    }
    return {};
  }
  /// What check() was about when it failed.
  const std::string& column() const { return column_; }

 private:
  Result<> take_address(std::string& text) {
    const auto address = local_address(index_, text);
    if (!address) return std::unexpected(address.error());
    text = address->lookup_key();
    if (index_.has_address(text)) {
      return fail(ErrorKind::exists, text + " exists already, as an account or an alias; remove it first");
    }
    if (!taken_.insert(text).second) return fail(ErrorKind::exists, text + " is given to two accounts");
    return {};
  }
  const Index& index_;
  Question question_;
  std::string column_;
  std::set<std::string> taken_;
};

}  // namespace

async::Task<Result<>> Directory::add_domain(std::string name) {
  const auto domain = parsed_domain(name);
  if (!domain) co_return std::unexpected(domain.error());
  if (auto done = co_await state_->accounts.add_domain({domain->ascii()}); !done) co_return done;
  co_return co_await load();
}

async::Task<Result<>> Directory::set_domain(store::DomainRow row) {
  const auto index = state_->now();
  const auto domain = parsed_domain(row.name);
  if (!domain) co_return std::unexpected(domain.error());
  row.name = domain->ascii();
  if (!row.alias_of.empty()) {
    if (auto fits = check_alias_domain(*index, row); !fits) co_return fits;
  } else if (!row.catch_all.empty()) {
    if (auto fits = check_catch_all(*index, row, state_->question()); !fits) co_return fits;
  }
  if (auto done = co_await state_->accounts.set_domain(std::move(row)); !done) co_return done;
  co_return co_await load();
}

async::Task<Result<>> Directory::remove_domain(std::string name) {
  const auto domain = parsed_domain(name);
  if (!domain) co_return std::unexpected(domain.error());
  if (auto done = co_await state_->accounts.remove_domain(domain->ascii()); !done) co_return done;
  co_return co_await load();
}

async::Task<Result<store::AccountId>> Directory::add_account(std::string login, store::AccountRow settings) {
  settings.login = std::move(login);
  settings.id = 0;
  store::NewAccount one{.row = std::move(settings)};
  if (auto fits = Admission(*state_->now(), state_->question()).check(one); !fits) co_return std::unexpected(fits.error());
  auto id = co_await state_->accounts.add_account(std::move(one.row));
  if (!id) co_return id;
  if (auto loaded = co_await load(); !loaded) co_return std::unexpected(loaded.error());
  co_return id;
}

std::vector<std::optional<RowObjection>> Directory::objections(std::vector<store::NewAccount>& rows) const {
  const auto index = state_->now();
  Admission admission(*index, state_->question());
  std::vector<std::optional<RowObjection>> out;
  for (auto& row : rows) {
    auto fits = admission.check(row);
    out.push_back(fits ? std::nullopt : std::optional(RowObjection{admission.column(), std::move(fits.error().text)}));
  }
  return out;
}

async::Task<Result<std::vector<store::AccountId>>> Directory::add_accounts(std::vector<store::NewAccount> rows) {
  const auto against = objections(rows);
  for (std::size_t i = 0; i < against.size(); ++i) {
    if (against[i]) co_return fail(ErrorKind::invalid, fmt::format("{}: {}", i + 1, against[i]->text));
  }
  auto ids = co_await state_->accounts.add_accounts(std::move(rows));
  if (!ids) co_return ids;
  if (auto loaded = co_await load(); !loaded) co_return std::unexpected(loaded.error());
  co_return ids;
}

async::Task<Result<>> Directory::set_account(store::AccountRow row) {
  const auto known = account(row.id);
  if (!known) co_return fail(ErrorKind::not_found, "there is no such account");
  row.login = known->login;
  if (auto sound = canonicalize(row); !sound) co_return sound;
  if (forwards_of(row) != forwards_of(*known)) {
    if (auto fits = forwards_fit(*state_->now(), row, state_->question()); !fits) co_return fits;
  }
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
  if (auto fits = alias_fits(*index, row->address, target, state_->question()); !fits) co_return fits;
  if (auto done = co_await state_->accounts.add_address(std::move(*row)); !done) co_return done;
  co_return co_await load();
}

async::Task<Result<>> Directory::remove_alias(std::string alias, std::string target) {
  const auto index = state_->now();
  const auto address = parsed(alias);
  if (!address) co_return std::unexpected(address.error());
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

async::Task<Result<>> Directory::set_group(store::GroupRow row, Existing existing) {
  const auto index = state_->now();
  if (auto good = check_group_name(row.name); !good) co_return good;
  const bool known = index->group(row.name) != nullptr;
  if (known && existing == Existing::refuse) {
    co_return fail(ErrorKind::exists,
                   fmt::format("there is a group {} already; change it with: postern group set {}", row.name, row.name));
  }
  if (!known && existing == Existing::replace) {
    co_return fail(ErrorKind::not_found, fmt::format("there is no group {}; `postern group list` shows all", row.name));
  }
  if (auto free = check_group_address(*index, row); !free) co_return free;
  auto rules = canonical_rules(row.access);
  if (!rules) co_return std::unexpected(rules.error());
  row.access = std::move(*rules);
  if (auto done = co_await state_->accounts.set_group(std::move(row)); !done) co_return done;
  co_return co_await load();
}

async::Task<Result<>> Directory::remove_group(std::string name) {
  auto done = co_await state_->accounts.remove_group(name);
  if (!done && done.error().kind == ErrorKind::not_found) {
    co_return fail(ErrorKind::not_found, fmt::format("there is no group {}; `postern group list` shows all", name));
  }
  if (!done) co_return done;
  co_return co_await load();
}

async::Task<Result<std::string>> Directory::add_send_as(store::AccountId account, std::string address) {
  auto right = canonical_right(address);
  if (!right) co_return right;
  if (auto done = co_await state_->accounts.add_send_as({account, *right}); !done) co_return std::unexpected(done.error());
  if (auto loaded = co_await load(); !loaded) co_return std::unexpected(loaded.error());
  co_return right;
}

async::Task<Result<std::string>> Directory::remove_send_as(store::AccountId account, std::string address) {
  auto right = canonical_right(address);
  if (!right) co_return right;
  if (auto done = co_await state_->accounts.remove_send_as({account, *right}); !done) co_return std::unexpected(done.error());
  if (auto loaded = co_await load(); !loaded) co_return std::unexpected(loaded.error());
  co_return right;
}

}  // namespace postern::auth
