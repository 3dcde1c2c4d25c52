// SPDX-License-Identifier: Apache-2.0
// mailbox.list, mailbox.share and mailbox.unshare: who may use whose mailboxes. They act for the owner, as the owner's mail
// program could with SETACL; the store checks as ever.
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <boost/json/array.hpp>

#include "admin/accounts.h"
#include "admin/commands.h"
#include "admin/json.h"
#include "auth/steward.h"
#include "store/sharing.h"

namespace postern::admin {

namespace json = boost::json;

namespace {

using store::right::all;

/// Words for the usual sets of rights.
constexpr std::array<std::pair<std::string_view, std::string_view>, 3> sets{{
    {"read", "lrs"},
    {"write", "lrswite"},
    {"all", "lrswipkxtea"},
}};

Result<store::Rights> rights_of(const std::string& text) {
  for (const auto& [word, letters] : sets) {
    if (word == text) return store::parse_rights(letters);
  }
  auto rights = store::parse_rights(text);
  if (rights && *rights != 0) return rights;
  return fail(ErrorKind::invalid,
              fmt::format("rights are \"read\", \"write\", \"all\" or letters of lrswipkxtea, not \"{}\"", text));
}

/// The owner's session, and the mailboxes that a command is about.
struct Estate {
  std::string login;
  std::unique_ptr<store::Session> session;
  std::vector<store::MailboxInfo> mailboxes;
};

async::Task<Result<Estate>> open_estate(Context context, const Arguments& arguments) {
  const auto account = find_account(context, arguments);
  if (!account) co_return std::unexpected(account.error());
  const auto identity = auth::Steward(context.directory).act_for(account->login);
  if (!identity) co_return std::unexpected(identity.error());
  Estate out{account->login, context.store.session(*identity), {}};
  auto mailboxes = co_await out.session->list();
  if (!mailboxes) co_return std::unexpected(mailboxes.error());
  out.mailboxes = *std::move(mailboxes);
  if (optional_text(arguments, "mailbox").empty()) co_return out;
  // A mailbox and, when wanted, all below it.
  const auto name = optional_text(arguments, "mailbox");
  const bool tree = arguments.contains("tree") && arguments.at("tree").as_bool();
  std::erase_if(out.mailboxes, [&](const auto& one) { return one.name != name && !(tree && one.name.starts_with(name + "/")); });
  if (!out.mailboxes.empty()) co_return out;
  co_return fail(ErrorKind::not_found, fmt::format("{} has no mailbox \"{}\"; `postern mailbox list {}` shows all",
                                                   account->login, name, account->login));
}

/// Accounts that an identifier stands for now: a login or the members of a group.
std::vector<store::AccountId> people_of(Context context, const std::string& who) {
  if (const auto account = context.directory.account(who)) return {account->id};
  for (const auto& group : context.directory.table()->groups) {
    if (who == std::string(store::group_prefix) + group.name) return group.members;
  }
  return {};
}

/// Lets them send with the owner's address. A right that is there already is no error.
async::Task<Result<std::size_t>> give_send_as(Context context, std::string who, std::string address) {
  std::size_t given = 0;
  for (const auto id : people_of(context, who)) {
    const auto added = co_await context.directory.add_send_as(id, address);
    if (!added && added.error().kind != ErrorKind::exists) co_return std::unexpected(added.error());
    ++given;
  }
  co_return given;
}

async::Task<Result<json::array>> entries_of(store::Session& session, store::MailboxId mailbox) {
  const auto entries = co_await store::sharing_of(session).acl(mailbox);
  if (!entries) co_return std::unexpected(entries.error());
  json::array out;
  for (auto one = entries->begin() + 1; one != entries->end(); ++one) {  // the first one is the owner
    out.push_back(json::object{{"who", one->who}, {"rights", store::rights_text(one->rights)}});
  }
  co_return out;
}

}  // namespace

namespace commands_of {

async::Task<Answer> mailbox_list(Context context, Arguments arguments) {
  auto estate = co_await open_estate(context, arguments);
  if (!estate) co_return std::unexpected(estate.error());
  auto& sharing = store::sharing_of(*estate->session);
  json::array own, others;
  for (const auto& one : estate->mailboxes) {
    auto shared = co_await entries_of(*estate->session, one.id);
    const auto grant = co_await sharing.grant(one.id);
    if (!shared || !grant) co_return std::unexpected(shared ? grant.error() : shared.error());
    own.push_back(json::object{{"name", one.name},
                               {"messages", one.messages},
                               {"unseen", one.unseen},
                               {"bytes", one.bytes},
                               {"seen", grant->seen_each ? "each" : "common"},
                               {"shared_with", std::move(*shared)}});
  }
  const auto foreign = co_await sharing.shared_with_me();
  if (!foreign) co_return std::unexpected(foreign.error());
  for (const auto& one : *foreign) {
    const auto grant = co_await sharing.grant(one.id);
    if (grant) others.push_back(json::object{{"name", one.name}, {"rights", store::rights_text(grant->rights)}});
  }
  co_return json::object{{"login", estate->login}, {"mailboxes", std::move(own)}, {"of_others", std::move(others)}};
}

async::Task<Answer> mailbox_share(Context context, Arguments arguments) {
  const auto who = text_argument(arguments, "with");
  if (!who) co_return std::unexpected(who.error());
  const auto rights = rights_of(arguments.contains("rights") ? optional_text(arguments, "rights") : "read");
  if (!rights) co_return std::unexpected(rights.error());
  const auto seen = optional_text(arguments, "seen");
  if (!seen.empty() && seen != "each" && seen != "common") {
    co_return fail(ErrorKind::invalid, "what is read is marked for \"each\" alone or in \"common\", not \"" + seen + "\"");
  }
  auto estate = co_await open_estate(context, arguments);
  if (!estate) co_return std::unexpected(estate.error());
  auto& sharing = store::sharing_of(*estate->session);
  json::array names;
  for (const auto& one : estate->mailboxes) {
    auto done = co_await sharing.set_acl(one.id, {store::AclChange::Mode::replace, *who, *rights});
    if (done && !seen.empty()) done = co_await sharing.set_seen_each(one.id, seen == "each");
    if (!done) co_return std::unexpected(done.error());
    names.emplace_back(one.name);
  }
  std::size_t senders = 0;
  if (arguments.contains("send_as") && arguments.at("send_as").as_bool()) {
    const auto given = co_await give_send_as(context, *who, estate->login);
    if (!given) co_return std::unexpected(given.error());
    senders = *given;
  }
  co_return json::object{{"login", estate->login},
                         {"with", *who},
                         {"rights", store::rights_text(*rights)},
                         {"mailboxes", std::move(names)},
                         {"senders", senders}};
}

async::Task<Answer> mailbox_unshare(Context context, Arguments arguments) {
  const auto who = text_argument(arguments, "with");
  if (!who) co_return std::unexpected(who.error());
  auto estate = co_await open_estate(context, arguments);
  if (!estate) co_return std::unexpected(estate.error());
  auto& sharing = store::sharing_of(*estate->session);
  json::array names;
  for (const auto& one : estate->mailboxes) {
    const auto before = co_await sharing.acl(one.id);
    const auto done = co_await sharing.set_acl(one.id, {store::AclChange::Mode::remove, *who, all});
    if (!done) co_return std::unexpected(done.error());
    const auto after = co_await sharing.acl(one.id);
    if (before && after && before->size() != after->size()) names.emplace_back(one.name);
  }
  if (names.empty()) {
    co_return fail(ErrorKind::not_found,
                   fmt::format("nothing was shared with {}; `postern mailbox list {}` shows all", *who, estate->login));
  }
  co_return json::object{{"login", estate->login}, {"with", *who}, {"mailboxes", std::move(names)}};
}

}  // namespace commands_of

}  // namespace postern::admin
