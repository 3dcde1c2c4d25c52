// SPDX-License-Identifier: Apache-2.0
// What a folder of a source is called here: names mended until our rules hold (store/mailbox_name.h), special folders found by
// what the source declares and by the names that mail programs give them.
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "transfer/source.h"

namespace postern::transfer {

/// A name that store::canonical_mailbox accepts: octets that are no UTF-8 are read as ISO 8859-1, control characters and levels
/// that are empty, "." or ".." become "_", levels beyond the tenth are joined with "-", what is too long is cut.
std::string mend_name(std::string_view name);

/// The use that a folder's name suggests ("Sent Items", "Papierkorb"), without regard to case; only for the top level.
store::SpecialUse use_by_name(std::string_view name);

/// Modified UTF-7 of the wire or of Maildir to UTF-8; what is no valid UTF-7 stays as it is, because some servers keep UTF-8.
/// "&AC4-" is a full stop, which Maildir++ cannot hold (transfer/maildir_writer.cc writes it).
std::string decode_folder(std::string_view wire);

/// One folder and where its messages go.
struct Target {
  SourceFolder source;
  std::string mailbox;
  store::SpecialUse use = store::SpecialUse::none;
};

/// Gives each folder its mailbox. Without `into`, a special folder of the source becomes ours of the same use; when several claim
/// a use, a declaration wins over our own name, that over a known name. With `into`, all names lie below it and INBOX is it.
std::vector<Target> plan_targets(std::vector<SourceFolder> folders, std::string_view into);

}  // namespace postern::transfer
