// SPDX-License-Identifier: Apache-2.0
// BoundedResolver: a Resolver for the work of one message. It asks another one, up to a number of questions; what comes later is
// answered with a temporary status. So the work that a stranger's records cause has an end; policy/timed_resolver.h ends the
// waiting.
#pragma once

#include <string>

#include "dns/resolver.h"

namespace postern::policy {

class BoundedResolver final : public dns::Resolver {
 public:
  BoundedResolver(dns::Resolver& inner, unsigned queries) : inner_(inner), left_(queries) {}
  async::Task<dns::RawAnswer> query(std::string name, dns::Type type) override;

 private:
  dns::Resolver& inner_;
  unsigned left_;
};

}  // namespace postern::policy
