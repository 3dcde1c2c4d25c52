// SPDX-License-Identifier: Apache-2.0
#include "daemon/audit_command.h"

#include "admin/json.h"

namespace postern::daemon {
namespace {

async::Task<admin::Answer> tell(queue::Writing writing, admin::Arguments arguments) {
  const auto to = admin::text_argument(arguments, "to");
  if (!to) co_return std::unexpected(to.error());
  const auto subject = admin::text_argument(arguments, "subject");
  if (!subject) co_return std::unexpected(subject.error());
  const auto sent = co_await queue::send_letter(writing, {*to, *subject, admin::optional_text(arguments, "text")});
  if (!sent) co_return std::unexpected(sent.error());
  co_return boost::json::object{{"to", *to}};
}

}  // namespace

void add_audit_command(admin::Control& control, const queue::Writing& writing) {
  control.add("audit.tell", [writing](admin::Arguments arguments) { return tell(writing, std::move(arguments)); });
}

}  // namespace postern::daemon
