// SPDX-License-Identifier: Apache-2.0
// BoundedResolver: a Resolver for the work of one message. It asks another one, up to a number of questions and up to a point in
// time; what comes later is answered with a temporary status. So the work that a stranger's records cause has an end.
#pragma once

#include <chrono>
#include <string>

#include "dns/resolver.h"

namespace postern::policy {

class BoundedResolver final : public dns::Resolver {
 public:
  BoundedResolver(dns::Resolver& inner, unsigned queries, std::chrono::steady_clock::time_point until)
      : inner_(inner), left_(queries), until_(until) {}
  async::Task<dns::RawAnswer> query(std::string name, dns::Type type) override;

 private:
  dns::Resolver& inner_;
  unsigned left_;
  std::chrono::steady_clock::time_point until_;
};

}  // namespace postern::policy
