// SPDX-License-Identifier: Apache-2.0
#include "admin/commands.h"
#include "admin/commands_recovery.h"

namespace postern::admin {

const std::map<std::string, Command, std::less<>>& commands() {
  static const std::map<std::string, Command, std::less<>> table{
      {"domain.add", commands_of::domain_add},
      {"domain.remove", commands_of::domain_remove},
      {"domain.set", commands_of::domain_set},
      {"domain.list", commands_of::domain_list},
      {"account.add", commands_of::account_add},
      {"account.set", commands_of::account_set},
      {"account.password", commands_of::account_password},
      {"account.judge", commands_of::account_judge},
      {"account.weak", commands_of::account_weak},
      {"account.remove", commands_of::account_remove},
      {"account.list", commands_of::account_list},
      {"account.mail_login", commands_of::account_mail_login},
      {"account.logins", commands_of::account_logins},
      {"app_password.add", commands_of::app_password_add},
      {"app_password.list", commands_of::app_password_list},
      {"app_password.revoke", commands_of::app_password_revoke},
      {"ban.list", commands_of::ban_list},
      {"ban.add", commands_of::ban_add},
      {"ban.remove", commands_of::ban_remove},
      {"ban.explain", commands_of::ban_explain},
      {"alias.add", commands_of::alias_add},
      {"alias.remove", commands_of::alias_remove},
      {"alias.list", commands_of::alias_list},
      {"account.show", commands_of::account_show},
      {"account.settings", commands_of::account_settings},
      {"group.add", commands_of::group_add},
      {"group.set", commands_of::group_set},
      {"group.remove", commands_of::group_remove},
      {"group.list", commands_of::group_list},
      {"group.member_add", commands_of::group_member_add},
      {"group.member_remove", commands_of::group_member_remove},
      {"send_as.add", commands_of::send_as_add},
      {"send_as.remove", commands_of::send_as_remove},
      {"send_as.list", commands_of::send_as_list},
      {"address.explain", commands_of::address_explain},
      {"account.import", commands_of::account_import},
      {"queue.list", commands_of::queue_list},
      {"queue.show", commands_of::queue_show},
      {"queue.retry", commands_of::queue_retry},
      {"queue.hold", commands_of::queue_hold},
      {"queue.release", commands_of::queue_release},
      {"queue.remove", commands_of::queue_remove},
      {"store.info", commands_of::store_info},
      {"store.start", commands_of::store_start},
      {"store.job", commands_of::store_job},
      {"store.dump", commands_of::store_dump},
      {"undelete.list", commands_of::undelete_list},
      {"undelete.restore", commands_of::undelete_restore},
      {"backup.stage", commands_of::backup_stage},
      {"backup.release", commands_of::backup_release},
      {"restore.begin", commands_of::restore_begin},
      {"restore.step", commands_of::restore_step},
      {"restore.end", commands_of::restore_end},
  };
  return table;
}

}  // namespace postern::admin
