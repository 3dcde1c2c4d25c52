// SPDX-License-Identifier: Apache-2.0
#include "admin/conversation.h"

#include "admin/json.h"
#include "auth/steward.h"
#include "transfer/box_server.h"
#include "transfer/store_box.h"

namespace postern::admin {

Conversation find_conversation(std::string_view name) {
  static const std::map<std::string, Conversation, std::less<>> table{{"mailboxes", conversations::mailboxes}};
  const auto found = table.find(name);
  return found == table.end() ? nullptr : found->second;
}

namespace conversations {

async::Task<> mailboxes(Context context, Arguments arguments, net::Connection& peer) {
  const auto login = text_argument(arguments, "login");
  const auto identity =
      login ? auth::Steward(context.directory).act_for(*login) : Result<mail::Identity>(std::unexpected(login.error()));
  if (!identity) {
    (void)co_await peer.write(answer_line(std::unexpected(identity.error())));
    co_return;
  }
  if (!co_await peer.write(answer_line(Arguments{{"login", identity->login()}}))) co_return;
  transfer::StoreBox box(context.store, *identity);
  co_await transfer::serve_box(box, peer);
}

}  // namespace conversations

}  // namespace postern::admin
