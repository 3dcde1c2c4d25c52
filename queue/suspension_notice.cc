// SPDX-License-Identifier: Apache-2.0
#include "queue/suspension_notice.h"

#include "mime/date.h"

namespace postern::queue {

Letter suspension_letter(const store::SuspensionRow& row, const std::string& login, Reader reader) {
  const bool owner = reader == Reader::owner;
  const auto at = login.rfind('@');
  const std::string domain = at == std::string::npos ? login : login.substr(at + 1);
  const std::string end =
      row.until == 0 ? std::string("until the admin resumes it") : "until " + mime::format_date({row.until, 0});
  Letter out;
  out.to = owner ? login : "postmaster@" + domain;
  out.subject = owner ? "Sending from your account is suspended" : "Sending from " + login + " is suspended";
  out.text = fmt::format(
      "{} wanted to send {}.\n"
      "Its sending is suspended {}. Reading goes on, and nothing was lost: what was refused is still in the mail program.\n"
      "\n"
      "{}\n",
      owner ? std::string("Your account ") + login : login, row.reason, end,
      owner ? "If you sent that much yourself, ask the postmaster of " + domain +
                  " to resume it, or to raise your limit.\n"
                  "If you did not, somebody knows your password: ask for a new one now."
            : "If a new password is needed: postern account password " + login + "\nIf all is well: postern account resume " +
                  login + "\nA higher limit for this account: postern account settings " + login +
                  " (messages_per_hour and others)");
  return out;
}

async::Task<> tell_suspended(Writing writing, store::SuspensionRow row) {
  const auto account = writing.directory.account(row.account);
  if (!account) co_return;
  writing.log.warning("submission", "suspended", {{"login", account->login}, {"reason", row.reason}, {"until", row.until}});
  for (const auto reader : {Reader::owner, Reader::postmaster}) {
    auto letter = suspension_letter(row, account->login, reader);
    const auto sent = co_await send_letter(writing, std::move(letter));
    if (!sent) writing.log.warning("submission", "no_letter", {{"about", account->login}, {"text", sent.error().text}});
  }
}

}  // namespace postern::queue
