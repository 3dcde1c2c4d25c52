// SPDX-License-Identifier: Apache-2.0
#include "admin/commands.h"

namespace postern::admin {

const std::map<std::string, Command, std::less<>>& commands() {
  static const std::map<std::string, Command, std::less<>> table{
      {"domain.add", commands_of::domain_add},         {"domain.remove", commands_of::domain_remove},
      {"domain.set", commands_of::domain_set},
      {"domain.list", commands_of::domain_list},       {"account.add", commands_of::account_add},
      {"account.set", commands_of::account_set},       {"account.password", commands_of::account_password},
      {"account.remove", commands_of::account_remove}, {"account.list", commands_of::account_list},
      {"alias.add", commands_of::alias_add},           {"alias.remove", commands_of::alias_remove},
      {"alias.list", commands_of::alias_list},         {"queue.list", commands_of::queue_list},
      {"queue.show", commands_of::queue_show},         {"queue.retry", commands_of::queue_retry},
      {"queue.hold", commands_of::queue_hold},         {"queue.release", commands_of::queue_release},
      {"queue.remove", commands_of::queue_remove},
  };
  return table;
}

}  // namespace postern::admin
