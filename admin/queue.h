// SPDX-License-Identifier: Apache-2.0
// How orders about the queue say which entries they mean, and how they are answered.
#pragma once

#include <boost/json/object.hpp>

#include "async/task.h"
#include "base/result.h"
#include "store/store.h"

namespace postern::admin {

/// From "id", "domain", "sender", "recipient", "error". Error invalid.
Result<store::QueueFilter> read_filter(const boost::json::object& arguments);
/// The same; error invalid when nothing was chosen and "all" is not true, so that nobody empties the queue by a slip.
Result<store::QueueFilter> chosen_filter(const boost::json::object& arguments);

/// The answer to an order: {"recipients": how many it touched}, and a "note" where the one entry that was named stays for a
/// reason. `touched` as the queue gave it. Error not_found when it named an entry that is not there.
async::Task<Result<boost::json::object>> order_answer(store::Queue& queue, std::optional<store::QueueId> id,
                                                      Result<std::size_t> touched);

}  // namespace postern::admin
