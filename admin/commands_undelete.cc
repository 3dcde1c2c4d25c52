// SPDX-License-Identifier: Apache-2.0
// undelete.*: what people deleted and can have back, without a backup.
#include <boost/json/array.hpp>
#include <charconv>

#include "admin/commands_recovery.h"
#include "admin/json.h"
#include "store/recovery_admin.h"

namespace postern::admin {

namespace json = boost::json;

namespace {

constexpr std::size_t max_listed = 100'000;

/// "12.34" names a message by the mailbox and the UID that it had.
Result<store::ExpungedId> parse_id(std::string_view text) {
  store::ExpungedId id;
  const char* const end = text.data() + text.size();
  const auto [dot, bad] = std::from_chars(text.data(), end, id.mailbox);
  if (bad == std::errc() && dot != end && *dot == '.') {
    const auto [rest, worse] = std::from_chars(dot + 1, end, id.uid);
    if (worse == std::errc() && rest == end && id.mailbox != 0 && id.uid != 0) return id;
  }
  return fail(ErrorKind::invalid, std::string(text) + " is no id of a deleted message; `postern undelete list` shows them");
}

Result<std::vector<store::ExpungedId>> parse_ids(const Arguments& arguments) {
  std::vector<store::ExpungedId> out;
  const auto* list = arguments.if_contains("ids");
  if (!list) return out;
  if (!list->is_array()) return fail(ErrorKind::invalid, "ids must be a list");
  for (const auto& item : list->get_array()) {
    if (!item.is_string()) return fail(ErrorKind::invalid, "ids must be texts");
    auto id = parse_id(item.get_string());
    if (!id) return std::unexpected(id.error());
    out.push_back(*id);
  }
  return out;
}

Result<store::ExpungedChoice> parse_choice(Context& context, const Arguments& arguments) {
  const auto login = text_argument(arguments, "login");
  if (!login) return std::unexpected(login.error());
  store::ExpungedChoice choice;
  const auto account = account_of(context, *login);
  if (!account) return std::unexpected(account.error());
  choice.account = *account;
  choice.mailbox = optional_text(arguments, "mailbox");
  const auto since = optional_number(arguments, "since");
  if (!since) return std::unexpected(since.error());
  if (*since) choice.since = static_cast<UnixTime>(**since);
  auto ids = parse_ids(arguments);
  if (!ids) return std::unexpected(ids.error());
  choice.ids = std::move(*ids);
  return choice;
}

json::array flag_words(std::uint64_t flags, const std::vector<std::string>& keywords) {
  json::array out;
  constexpr std::array<std::pair<std::uint64_t, std::string_view>, 5> names{{{store::flag::seen, "\\Seen"},
                                                                             {store::flag::answered, "\\Answered"},
                                                                             {store::flag::flagged, "\\Flagged"},
                                                                             {store::flag::deleted, "\\Deleted"},
                                                                             {store::flag::draft, "\\Draft"}}};
  for (const auto& [bit, name] : names) {
    if ((flags & bit) != 0) out.emplace_back(name);
  }
  for (const auto& keyword : keywords) out.emplace_back(keyword);
  return out;
}

json::object describe(const store::ExpungedMessage& message) {
  const auto brief = brief_of(message.envelope);
  return {{"id", fmt::format("{}.{}", message.id.mailbox, message.id.uid)},
          {"mailbox", message.mailbox},
          {"mailbox_removed", message.mailbox_removed},
          {"deleted_at", message.expunged_at},
          {"internal_date", message.internal_date},
          {"size", message.size},
          {"flags", flag_words(message.flags, message.keywords)},
          {"date", brief.date},
          {"subject", brief.subject},
          {"from", brief.from}};
}

}  // namespace

namespace commands_of {

async::Task<Answer> undelete_list(Context context, Arguments arguments) {
  auto* recovery = context.store.recovery();
  if (!recovery) co_return no_recovery();
  auto choice = parse_choice(context, arguments);
  if (!choice) co_return std::unexpected(choice.error());
  const auto most = optional_number(arguments, "most");
  if (!most) co_return std::unexpected(most.error());
  const auto found = co_await recovery->list_expunged(std::move(*choice), most->value_or(max_listed));
  if (!found) co_return std::unexpected(found.error());
  json::array messages;
  for (const auto& message : *found) messages.push_back(describe(message));
  co_return json::object{{"now", context.clock.unix_now()},
                         {"window_seconds", context.config.get()->store.undelete_window.count()},
                         {"messages", std::move(messages)}};
}

async::Task<Answer> undelete_restore(Context context, Arguments arguments) {
  auto* recovery = context.store.recovery();
  if (!recovery) co_return no_recovery();
  auto choice = parse_choice(context, arguments);
  if (!choice) co_return std::unexpected(choice.error());
  const bool chosen = !choice->ids.empty() || !choice->mailbox.empty() || choice->since;
  if (!chosen && !optional_flag(arguments, "all").value_or(false)) {
    co_return fail(ErrorKind::invalid, "say which: ids, --mailbox, --since or --all");
  }
  store::UndeleteOrder order{std::move(*choice), optional_text(arguments, "into")};
  if (optional_flag(arguments, "force").value_or(false)) order.quota = store::QuotaRule::ignore;
  const auto done = co_await recovery->undelete(std::move(order));
  if (!done && done.error().kind == ErrorKind::over_quota) {
    co_return fail(ErrorKind::over_quota, done.error().text + "; make room, raise the quota, or use --force");
  }
  if (!done && done.error().kind == ErrorKind::not_found) {
    co_return fail(ErrorKind::not_found,
                   done.error().text + "; `postern undelete list` shows what there is, a backup has the rest");
  }
  if (!done) co_return std::unexpected(done.error());
  json::array mailboxes;
  for (const auto& name : done->mailboxes) mailboxes.emplace_back(name);
  co_return json::object{{"messages", done->messages}, {"mailboxes", std::move(mailboxes)}};
}

}  // namespace commands_of

}  // namespace postern::admin
