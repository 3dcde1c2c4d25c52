// SPDX-License-Identifier: Apache-2.0
// What undelete, backup and restore commands share.
#pragma once

#include <string>
#include <string_view>

#include "admin/commands.h"
#include "store/recovery_admin.h"

namespace postern::admin {

/// Error unsupported: a store without a disk.
std::unexpected<Error> no_recovery();
/// Errors: not_found, with what to do about an account that was removed.
Result<store::AccountId> account_of(const Context& context, std::string_view login);

/// What people know a message by, out of its IMAP ENVELOPE text; empty where it is NIL or no envelope at all.
struct Brief {
  std::string date;     ///< as the sender wrote it
  std::string subject;  ///< as the message has it, undecoded
  std::string from;     ///< "alice@example.org"
};
Brief brief_of(std::string_view envelope);

namespace commands_of {

async::Task<Answer> undelete_list(Context context, Arguments arguments);
async::Task<Answer> undelete_restore(Context context, Arguments arguments);
async::Task<Answer> backup_stage(Context context, Arguments arguments);
async::Task<Answer> backup_release(Context context, Arguments arguments);
async::Task<Answer> restore_begin(Context context, Arguments arguments);
async::Task<Answer> restore_step(Context context, Arguments arguments);
async::Task<Answer> restore_end(Context context, Arguments arguments);

}  // namespace commands_of

}  // namespace postern::admin
