// SPDX-License-Identifier: Apache-2.0
// The admin commands by name; admin/commands.cc makes the table of them.
#pragma once

#include "admin/control.h"

namespace postern::admin::commands_of {

async::Task<Answer> domain_add(Context context, Arguments arguments);
async::Task<Answer> domain_set(Context context, Arguments arguments);
async::Task<Answer> domain_remove(Context context, Arguments arguments);
async::Task<Answer> domain_list(Context context, Arguments arguments);
async::Task<Answer> account_add(Context context, Arguments arguments);
async::Task<Answer> account_set(Context context, Arguments arguments);
async::Task<Answer> account_password(Context context, Arguments arguments);
async::Task<Answer> account_judge(Context context, Arguments arguments);
async::Task<Answer> account_weak(Context context, Arguments arguments);
async::Task<Answer> account_remove(Context context, Arguments arguments);
async::Task<Answer> account_list(Context context, Arguments arguments);
async::Task<Answer> account_mail_login(Context context, Arguments arguments);
async::Task<Answer> account_logins(Context context, Arguments arguments);
async::Task<Answer> app_password_add(Context context, Arguments arguments);
async::Task<Answer> app_password_list(Context context, Arguments arguments);
async::Task<Answer> app_password_revoke(Context context, Arguments arguments);
async::Task<Answer> ban_list(Context context, Arguments arguments);
async::Task<Answer> ban_add(Context context, Arguments arguments);
async::Task<Answer> ban_remove(Context context, Arguments arguments);
async::Task<Answer> ban_explain(Context context, Arguments arguments);
async::Task<Answer> alias_add(Context context, Arguments arguments);
async::Task<Answer> alias_remove(Context context, Arguments arguments);
async::Task<Answer> alias_list(Context context, Arguments arguments);
async::Task<Answer> account_show(Context context, Arguments arguments);
async::Task<Answer> account_settings(Context context, Arguments arguments);
async::Task<Answer> account_forward_add(Context context, Arguments arguments);
async::Task<Answer> account_forward_remove(Context context, Arguments arguments);
async::Task<Answer> account_forward_list(Context context, Arguments arguments);
async::Task<Answer> group_add(Context context, Arguments arguments);
async::Task<Answer> group_set(Context context, Arguments arguments);
async::Task<Answer> group_remove(Context context, Arguments arguments);
async::Task<Answer> group_list(Context context, Arguments arguments);
async::Task<Answer> group_member_add(Context context, Arguments arguments);
async::Task<Answer> group_member_remove(Context context, Arguments arguments);
async::Task<Answer> send_as_add(Context context, Arguments arguments);
async::Task<Answer> send_as_remove(Context context, Arguments arguments);
async::Task<Answer> send_as_list(Context context, Arguments arguments);
async::Task<Answer> mailbox_list(Context context, Arguments arguments);
async::Task<Answer> mailbox_share(Context context, Arguments arguments);
async::Task<Answer> mailbox_unshare(Context context, Arguments arguments);
async::Task<Answer> address_explain(Context context, Arguments arguments);
async::Task<Answer> account_import(Context context, Arguments arguments);
async::Task<Answer> dkim_list(Context context, Arguments arguments);
async::Task<Answer> dkim_create(Context context, Arguments arguments);
async::Task<Answer> dkim_rotate(Context context, Arguments arguments);
async::Task<Answer> dkim_use(Context context, Arguments arguments);
async::Task<Answer> dkim_retire(Context context, Arguments arguments);
async::Task<Answer> queue_list(Context context, Arguments arguments);
async::Task<Answer> queue_show(Context context, Arguments arguments);
async::Task<Answer> queue_retry(Context context, Arguments arguments);
async::Task<Answer> queue_hold(Context context, Arguments arguments);
async::Task<Answer> queue_release(Context context, Arguments arguments);
async::Task<Answer> queue_remove(Context context, Arguments arguments);
async::Task<Answer> store_info(Context context, Arguments arguments);
async::Task<Answer> store_start(Context context, Arguments arguments);
async::Task<Answer> store_job(Context context, Arguments arguments);
async::Task<Answer> store_dump(Context context, Arguments arguments);

}  // namespace postern::admin::commands_of
