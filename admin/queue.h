// SPDX-License-Identifier: Apache-2.0
// How orders about the queue say which entries they mean.
#pragma once

#include <boost/json/object.hpp>

#include "base/result.h"
#include "store/store.h"

namespace postern::admin {

/// From "id", "domain", "sender", "recipient", "error". Error invalid.
Result<store::QueueFilter> read_filter(const boost::json::object& arguments);
/// The same; error invalid when nothing was chosen and "all" is not true, so that nobody empties the queue by a slip.
Result<store::QueueFilter> chosen_filter(const boost::json::object& arguments);

}  // namespace postern::admin
