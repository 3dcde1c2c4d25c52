// SPDX-License-Identifier: Apache-2.0
// What is known of a message beside its content, and how ids are made that outlive names and numbers: when it came into this
// mailbox (RFC 8514), an id that all copies of a message in one account share, and the id of a mailbox (RFC 8474). Ids of other
// accounts cannot be told from these (security.md D91).
#pragma once

#include <initializer_list>
#include <string>
#include <string_view>

#include "base/clock.h"
#include "store/ids.h"

namespace postern::store {

/// As Session::particulars() gives them.
struct Particulars {
  Uid uid = 0;
  UnixTime saved = 0;    ///< when it was put into this mailbox
  std::string email_id;  ///< 1 … 255 letters and digits; the same for every copy in the account
};

/// "M" or "F" and a hash of the parts in hexadecimal.
std::string make_object_id(char kind, std::initializer_list<std::string_view> parts);

}  // namespace postern::store
