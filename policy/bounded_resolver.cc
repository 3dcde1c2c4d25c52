// SPDX-License-Identifier: Apache-2.0
// Counts and looks at the clock before each question.
#include "policy/bounded_resolver.h"

namespace postern::policy {

async::Task<dns::RawAnswer> BoundedResolver::query(std::string name, dns::Type type) {
  const bool late = std::chrono::steady_clock::now() >= until_;
  if (left_ == 0 || late) {
    dns::RawAnswer out;
    out.status = late ? dns::Status::timeout : dns::Status::servfail;
    out.text = late ? "no time left for this message" : "too many questions for this message";
    co_return out;
  }
  --left_;
  co_return co_await inner_.query(std::move(name), type);
}

}  // namespace postern::policy
