// SPDX-License-Identifier: Apache-2.0
#include "daemon/queue_commands.h"

#include "admin/json.h"
#include "admin/queue.h"
#include "queue/redirect.h"

namespace postern::daemon {
namespace {

namespace json = boost::json;

constexpr std::size_t most_reason = 200;  ///< octets of a reason that goes into notices

json::object told(const queue::Ordered& done) {
  return {{"recipients", done.recipients}, {"untold", done.untold}, {"under_way", done.under_way}, {"more", done.more}};
}

async::Task<admin::Answer> retry(House* house, admin::Arguments arguments) {
  auto filter = admin::chosen_filter(arguments);
  if (!filter) co_return std::unexpected(filter.error());
  const auto id = filter->id;
  co_return co_await admin::order_answer(house->archive().store->queue(), id, co_await house->runner().retry(std::move(*filter)));
}

async::Task<admin::Answer> give_up(House* house, admin::Arguments arguments) {
  auto filter = admin::chosen_filter(arguments);
  if (!filter) co_return std::unexpected(filter.error());
  const auto reason = admin::optional_text(arguments, "reason");
  if (reason.size() > most_reason) co_return fail(ErrorKind::invalid, "reason: at most 200 octets");
  const auto done = co_await house->runner().fail(std::move(*filter), reason);
  if (!done) co_return std::unexpected(done.error());
  co_return told(*done);
}

async::Task<admin::Answer> redirect(House* house, admin::Arguments arguments) {
  auto filter = admin::chosen_filter(arguments);
  if (!filter) co_return std::unexpected(filter.error());
  const auto text = admin::text_argument(arguments, "to");
  if (!text) co_return std::unexpected(text.error());
  auto to = mail::Address::parse(*text);
  if (!to) co_return fail(ErrorKind::invalid, "to: " + to.error().text);
  auto redirector = house->redirector(std::move(*to));
  const auto done = co_await house->runner().move(std::move(*filter), redirector);
  if (!done) co_return std::unexpected(done.error());
  co_return told(*done);
}

}  // namespace

void add_queue_commands(admin::Control& control, House& house) {
  control.add("queue.retry", [&house](admin::Arguments arguments) { return retry(&house, std::move(arguments)); });
  control.add("queue.fail", [&house](admin::Arguments arguments) { return give_up(&house, std::move(arguments)); });
  control.add("queue.redirect", [&house](admin::Arguments arguments) { return redirect(&house, std::move(arguments)); });
}

}  // namespace postern::daemon
