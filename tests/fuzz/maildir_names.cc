// SPDX-License-Identifier: Apache-2.0
// The small texts of a Maildir, and names of folders: whatever stands there, the name we make of it is one that the store takes.
#include <cstdlib>

#include "store/mailbox_name.h"
#include "transfer/folder_names.h"
#include "transfer/maildir_names.h"
#include "transfer/mbox_writer.h"

extern "C" int LLVMFuzzerTestOneInput(const unsigned char* data, std::size_t size) {
  using namespace postern;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const auto name = transfer::parse_maildir_name(text);
  if (name.base.size() > text.size()) std::abort();
  (void)transfer::parse_dovecot_keywords(text);
  (void)transfer::parse_uidlist_header(text);
  (void)transfer::parse_uidlist_entry(text);
  (void)transfer::parse_courier_subscriptions(text);
  for (const auto& one : transfer::parse_dovecot_subscriptions(text)) (void)transfer::mend_name(one);
  (void)transfer::parse_mbox_state(text);
  for (const auto& folder : {std::string(text), transfer::maildirpp_to_name(text), transfer::fs_to_name(text)}) {
    if (!store::canonical_mailbox(transfer::mend_name(folder))) std::abort();
  }
  return 0;
}
