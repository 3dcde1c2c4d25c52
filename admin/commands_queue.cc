// SPDX-License-Identifier: Apache-2.0
// queue.*: what waits to leave, why, and the admin's orders about it.
#include <boost/json/array.hpp>

#include "admin/commands.h"
#include "admin/json.h"
#include "admin/queue.h"
#include "store/queue_clock.h"

namespace postern::admin {

namespace json = boost::json;

namespace {

constexpr std::size_t max_header_shown = 64 * 1024;

std::string_view state_word(store::QueueRecipient::State state) {
  switch (state) {
    case store::QueueRecipient::State::waiting: return "waiting";
    case store::QueueRecipient::State::held: return "held";
    case store::QueueRecipient::State::done: return "done";
  }
  return "done";
}

json::object describe(const store::QueueEntry& entry) {
  json::array recipients;
  for (const auto& r : entry.recipients) {
    recipients.push_back(json::object{{"address", r.recipient.address.to_string()},
                                      {"domain", r.domain},
                                      {"state", state_word(r.state)},
                                      {"attempts", r.attempts},
                                      {"next_at", r.next_at},
                                      {"last_reply", r.last_reply}});
  }
  return {{"id", entry.id},           {"sender", mail::to_string(entry.sender)}, {"size", entry.size}, {"created", entry.created},
          {"expires", entry.expires}, {"recipients", std::move(recipients)}};
}

std::unexpected<Error> no_entry(std::uint64_t id) {
  return fail(ErrorKind::not_found, fmt::format("no queue entry {}; `postern queue list` shows all", id));
}

async::Task<Answer> order(Context context, Arguments arguments, store::QueueOrder what) {
  auto filter = chosen_filter(arguments);
  if (!filter) co_return std::unexpected(filter.error());
  filter->most = SIZE_MAX;
  const auto id = filter->id;
  co_return co_await order_answer(context.store.queue(), id, co_await context.store.queue().order(std::move(*filter), what));
}

// The header block without the empty line; at most max_header_shown octets.
async::Task<Result<std::string>> read_header(store::BodyReader& body) {
  constexpr std::string_view end = "\r\n\r\n";
  std::string header;
  while (header.size() < max_header_shown && header.find(end) == std::string::npos) {
    const auto part = co_await body.read(header.size(), max_header_shown - header.size());
    if (!part) co_return std::unexpected(part.error());
    if (part->empty()) break;
    header.append(*part);
  }
  co_return header.substr(0, header.find(end));
}

}  // namespace

Result<store::QueueFilter> read_filter(const Arguments& arguments) {
  store::QueueFilter filter;
  const auto id = optional_number(arguments, "id");
  if (!id) return std::unexpected(id.error());
  filter.id = *id;
  filter.domain = optional_text(arguments, "domain");
  filter.sender = optional_text(arguments, "sender");
  filter.recipient = optional_text(arguments, "recipient");
  filter.reply = optional_text(arguments, "error");
  return filter;
}

Result<store::QueueFilter> chosen_filter(const Arguments& arguments) {
  auto filter = read_filter(arguments);
  if (!filter) return filter;
  const auto& by = *filter;
  const bool chosen = by.id || !by.domain.empty() || !by.sender.empty() || !by.recipient.empty() || !by.reply.empty();
  if (chosen || optional_flag(arguments, "all").value_or(false)) return filter;
  return fail(ErrorKind::invalid, "say which: an id, --domain, --sender, --recipient, --error or --all");
}

async::Task<Result<json::object>> order_answer(store::Queue& queue, std::optional<store::QueueId> id,
                                               Result<std::size_t> touched) {
  if (!touched) co_return std::unexpected(touched.error());
  json::object out{{"recipients", *touched}};
  if (*touched > 0 || !id) co_return out;
  store::QueueFilter only;
  only.id = id;
  const auto there = co_await queue.list(std::move(only));
  if (there && there->empty()) co_return no_entry(*id);
  const bool chosen = there && std::ranges::any_of(there->front().recipients, [](const auto& one) {
                        return one.state == store::QueueRecipient::State::waiting && store::chosen_time_since(one);
                      });
  if (chosen)
    out["note"] = fmt::format("It waits for the time that its sender chose; `postern queue release {}` sends it now.", *id);
  co_return out;
}

namespace commands_of {

async::Task<Answer> queue_list(Context context, Arguments arguments) {
  auto filter = read_filter(arguments);
  if (!filter) co_return std::unexpected(filter.error());
  auto entries = co_await context.store.queue().list(std::move(*filter));
  if (!entries) co_return std::unexpected(entries.error());
  json::array list;
  for (const auto& entry : *entries) list.push_back(describe(entry));
  co_return json::object{
      {"now", context.clock.unix_now()}, {"depth", context.store.queue().depth()}, {"entries", std::move(list)}};
}

// One entry with its header block as text.
async::Task<Answer> queue_show(Context context, Arguments arguments) {
  const auto id = optional_number(arguments, "id");
  if (!id) co_return std::unexpected(id.error());
  if (!*id) co_return fail(ErrorKind::invalid, "id is missing");
  store::QueueFilter filter;
  filter.id = *id;
  auto entries = co_await context.store.queue().list(std::move(filter));
  if (!entries) co_return std::unexpected(entries.error());
  if (entries->empty()) co_return no_entry(**id);
  auto body = co_await context.store.queue().body(**id);
  if (!body) co_return std::unexpected(body.error());
  auto header = co_await read_header(**body);
  if (!header) co_return std::unexpected(header.error());
  auto result = describe(entries->front());
  result["now"] = context.clock.unix_now();
  result["header"] = *header;
  co_return result;
}

async::Task<Answer> queue_retry(Context context, Arguments arguments) {
  co_return co_await order(context, std::move(arguments), store::QueueOrder::retry_now);
}
async::Task<Answer> queue_hold(Context context, Arguments arguments) {
  co_return co_await order(context, std::move(arguments), store::QueueOrder::hold);
}
async::Task<Answer> queue_release(Context context, Arguments arguments) {
  co_return co_await order(context, std::move(arguments), store::QueueOrder::release);
}
async::Task<Answer> queue_remove(Context context, Arguments arguments) {
  co_return co_await order(context, std::move(arguments), store::QueueOrder::remove);
}

}  // namespace commands_of

}  // namespace postern::admin
