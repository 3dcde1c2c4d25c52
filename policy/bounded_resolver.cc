// SPDX-License-Identifier: Apache-2.0
// Counts before each question.
#include "policy/bounded_resolver.h"

namespace postern::policy {

async::Task<dns::RawAnswer> BoundedResolver::query(std::string name, dns::Type type) {
  if (left_ == 0) {
    dns::RawAnswer out;
    out.text = "too many questions for this message";
    co_return out;
  }
  --left_;
  co_return co_await inner_.query(std::move(name), type);
}

}  // namespace postern::policy
