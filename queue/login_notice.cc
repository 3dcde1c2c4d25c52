// SPDX-License-Identifier: Apache-2.0
#include "queue/login_notice.h"

#include "auth/account_settings.h"
#include "mime/date.h"

namespace postern::queue {

namespace {

std::string protocol_text(std::string_view door) {
  if (door == "smtp") return "sending mail (SMTP)";
  if (door == "pop3") return "reading mail (POP3)";
  return "reading mail (IMAP)";
}

std::string credential_text(const store::LoginRow& row) {
  return row.label == auth::password_kind ? "the main password" : "the app password \"" + row.label + "\"";
}

}  // namespace

Letter new_network_letter(const auth::NewNetworkLogin& login, const std::string& hostname) {
  const auto& row = login.row;
  Letter out;
  out.to = login.login;
  out.subject = "New login to your mail account from " + row.ip;
  out.text = fmt::format(
      "Somebody logged in to {} from a network that was not seen with this account before.\n"
      "\n"
      "When: {}\n"
      "From: {} (network {})\n"
      "For: {}\n"
      "With: {}\n"
      "\n"
      "If this was you, for example on a journey or with a new provider, there is nothing to do.\n"
      "If it was not, somebody knows that password: ask the postmaster of {} to change or revoke it now.\n",
      login.login, mime::format_date({row.at, 0}), row.ip, row.network, protocol_text(row.protocol), credential_text(row),
      hostname);
  return out;
}

async::Task<Result<>> tell_new_network(Writing writing, auth::NewNetworkLogin login) {
  const auto account = writing.directory.account(login.account);
  if (account && !auth::setting_flag(*account, "login_mail")) co_return Result<>();
  auto letter = new_network_letter(login, writing.config.get()->server.hostname);
  co_return co_await send_letter(writing, std::move(letter));
}

}  // namespace postern::queue
