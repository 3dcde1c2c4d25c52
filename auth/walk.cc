// SPDX-License-Identifier: Apache-2.0
#include "auth/walk.h"

#include <fmt/format.h>

#include <algorithm>

#include "auth/account_settings.h"

namespace postern::auth {

using Kind = Writer::Kind;
using Senders = store::GroupRow::Senders;

Result<> Index::Walk::follow(const mail::Address& given, const std::string& detail) {
  if (given.domain() == nullptr || !index_.is_local(*given.domain())) {
    const std::string_view owner = path_.empty() ? std::string_view() : std::string_view(path_.back());
    return add_elsewhere(given, owner.substr(std::min(owner.size(), owner.rfind('@') + 1)));
  }
  const auto address = index_.canonical(given);
  if (!address) return fail(ErrorKind::limit, "alias domains lead in a circle at " + given.domain_text());
  if (*address->domain() != *given.domain()) {
    note(given.to_string(), fmt::format("{} is an alias of {}", given.domain_text(), address->domain_text()));
    if (!index_.is_local(*address->domain())) return {};
  }
  const auto place = index_.find(*address, question_);
  if (!place.detail.empty()) {
    note(address->to_string(), fmt::format("no address of its own: it means {} with the detail \"{}\"", place.key, place.detail));
  }
  const auto& carried = place.detail.empty() ? detail : place.detail;
  switch (place.kind) {
    case Place::Kind::none: note(address->to_string(), "there is no such address"); return {};
    case Place::Kind::role:
      note(address->to_string(), "a role address that nobody has claimed: it goes to the admin");
      for (const auto* one : index_.admins()) {
        if (auto added = add_account(*one, carried); !added) return added;
      }
      return {};
    default: return enter(place, carried);
  }
}

Result<> Index::Walk::enter(const Place& place, const std::string& detail) {
  const auto& key = place.key;
  if (std::ranges::find(path_, key) != path_.end()) {
    // Nobody is lost: who is not found behind a catch-all is not there.
    if (place.kind == Place::Kind::catch_all) return {};
    return fail(ErrorKind::limit, "alias loop at " + key);
  }
  if (path_.size() >= max_chain) return fail(ErrorKind::limit, "alias chain is too long at " + key);
  if (std::ranges::find(done_, key) != done_.end()) return {};
  path_.push_back(key);
  Result<> followed;
  if (place.kind == Place::Kind::rows) {
    followed = follow_rows(*place.rows, detail);
  } else if (place.kind == Place::Kind::group) {
    followed = follow_group(*place.group, detail);
  } else {
    followed = follow_catch_all(place);
  }
  if (!followed) return followed;
  path_.pop_back();
  done_.push_back(key);
  return {};
}

Result<> Index::Walk::follow_rows(const Rows& rows, const std::string& detail) {
  const auto& key = path_.back();
  if (rows.size() > 1 || rows.front()->account == 0 || index_.account(key) == nullptr) {
    note(key, rows.size() == 1 ? "an alias" : fmt::format("{} targets", rows.size()));
  }
  for (const auto* row : rows) {
    Result<> followed;
    if (row->account != 0) {
      const auto* account = index_.account(row->account);
      if (account != nullptr) followed = follow_account(*account, row->address, detail);
    } else if (const auto address = mail::Address::parse(row->forward)) {
      followed = follow(*address, detail);
    }
    if (!followed) return followed;
  }
  return {};
}

Result<> Index::Walk::follow_account(const store::AccountRow& account, const std::string& came_from, const std::string& detail) {
  const auto own = mail::Address::parse(account.login);
  const bool further = own && came_from != account.login && index_.has_address(account.login);
  return further ? follow(*own, detail) : add_account(account, detail);
}

bool Index::Walk::may_write_to(const store::GroupRow& group) {
  const auto& writer = question_.writer;
  if (group.senders == Senders::anyone || writer.kind == Kind::house) return true;
  if (group.senders == Senders::inside) return writer.kind == Kind::inside;
  return writer.kind == Kind::inside && writer.account != 0 &&
         std::ranges::find(group.members, writer.account) != group.members.end();
}

Result<> Index::Walk::follow_group(const store::GroupRow& group, const std::string& detail) {
  if (!question_.groups) return {};
  if (!may_write_to(group)) {
    const bool members = group.senders == Senders::members;
    note(path_.back(),
         fmt::format("group {}: only {} may write to it", group.name, members ? "its members" : "people of this server"));
    refusal_ = Error{ErrorKind::unsupported, members ? "Only its members may write to this address"
                                                     : "Only people of this server may write to this address"};
    return {};
  }
  note(path_.back(), fmt::format("group {} with {} members", group.name, group.members.size()));
  for (const auto member : group.members) {
    const auto* account = index_.account(member);
    if (account == nullptr) continue;
    if (auto followed = follow_account(*account, {}, detail); !followed) return followed;
  }
  return {};
}

Result<> Index::Walk::follow_catch_all(const Place& place) {
  const auto domain = mail::Domain::parse(place.key.substr(1));
  const auto* const row = domain ? index_.domain(*domain) : nullptr;
  const auto address = row != nullptr ? mail::Address::parse(row->catch_all) : fail(ErrorKind::invalid, "");
  if (!address) return {};
  note(place.key, "no such address: the catch-all takes it");
  return follow(*address, {});
}

Result<> Index::Walk::add_account(const store::AccountRow& account, const std::string& detail) {
  std::string state = "an account";
  if (!account.enabled) {
    const bool accepts = account.when_disabled == store::AccountRow::WhenDisabled::accept_mail;
    state += accepts ? ", disabled; its mail is still accepted" : ", disabled; its mail is refused";
  }
  note(account.login, std::move(state));
  if (!known_accounts_.insert(&account).second) return {};
  const auto forwards = question_.forwards && account.enabled ? forwards_of(account) : std::vector<mail::Address>();
  const auto place = targets_.accounts.size();
  const auto sent = forwards.empty() ? Result<bool>(false) : send_on(account, forwards);
  if (!sent) return std::unexpected(sent.error());
  // What nobody else gets stays here, whatever the account wants.
  if (!*sent || setting_flag(account, forward_copy)) {
    targets_.accounts.insert(targets_.accounts.begin() + static_cast<std::ptrdiff_t>(place), {&account, detail});
  }
  return within_limit();
}

Result<bool> Index::Walk::send_on(const store::AccountRow& account, const std::vector<mail::Address>& forwards) {
  const bool copy = setting_flag(account, forward_copy);
  note(account.login, copy ? "it forwards, and keeps a copy" : "it forwards, and keeps nothing");
  const auto owner = std::string_view(account.login).substr(account.login.rfind('@') + 1);
  const auto before = found();
  for (const auto& one : forwards) {
    const bool ours = one.domain() != nullptr && index_.is_local(*one.domain());
    auto followed = ours ? follow(one, {}) : add_elsewhere(one, owner);
    if (!followed) return std::unexpected(followed.error());
  }
  return found() > before;
}

Result<> Index::Walk::add_elsewhere(const mail::Address& address, std::string_view owner) {
  const bool forbidden = std::ranges::any_of(question_.forbid_for, [&](const auto& one) { return one.fits(owner); });
  if (forbidden) {
    note(address.to_string(), fmt::format("an address elsewhere: [forwarding] forbid_for keeps mail of {} here", owner));
    refusal_ = Error{ErrorKind::unsupported, "Mail for this address is not sent on"};
    return {};
  }
  note(address.to_string(), "an address elsewhere: mail is forwarded");
  if (known_elsewhere_.insert(address.to_string()).second) targets_.elsewhere.push_back(address);
  return within_limit();
}

Result<> Index::Walk::within_limit() const {
  if (found() <= max_targets) return {};
  return fail(ErrorKind::limit, "an address has too many targets");
}

void Index::Walk::note(std::string address, std::string text) {
  if (question_.trace != nullptr) question_.trace->push_back({path_.size(), std::move(address), std::move(text)});
}

}  // namespace postern::auth
