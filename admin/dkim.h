// SPDX-License-Identifier: Apache-2.0
// How commands tell about a DKIM key.
#pragma once

#include <boost/json/object.hpp>

#include "policy/dkim_book.h"

namespace postern::admin {

/// {"domain", "selector", "name", "algorithm", "bits", "state", "created", "activated", "retired", "record", "strings"}; times
/// are seconds since 1970, 0 for never; "strings" is the record in pieces of at most 255 octets.
boost::json::object describe(const policy::DkimKey& key);

}  // namespace postern::admin
