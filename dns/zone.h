// SPDX-License-Identifier: Apache-2.0
// Zone: a Resolver over zone text, the fake of the tests. It asks nobody.
//
//   dns::Zone zone(R"(
//     example.org.            MX    10 mail.example.org.
//     mail.example.org.       A     192.0.2.1
//     example.org.            TXT   "v=spf1 mx -all" " second part"
//     1.2.0.192.in-addr.arpa. PTR   mail.example.org.
//     www.example.org.        CNAME mail.example.org.
//     _25._tcp.mail.example.org. TLSA 3 1 1 0a0b0c
//     secure.example.         SECURE            ; this name and all below: answers are marked as validated
//     broken.example.         SERVFAIL          ; also BOGUS, TIMEOUT, NXDOMAIN: this name's status
//   )");
#pragma once

#include <atomic>
#include <map>
#include <memory>
#include <string>
#include <string_view>

#include "dns/resolver.h"

namespace postern::dns {

/// Names are absolute with or without the final dot; `;` begins a comment; every record's TTL is 300 s. A name exists
/// when it or a name below it has a record. "*.example.org" answers for names below that have nothing (RFC 4592, one label deep
/// or more). Throws std::invalid_argument for text it cannot read: a test's own mistake.
class Zone final : public Resolver {
 public:
  explicit Zone(std::string_view text);
  ~Zone() override;
  async::Task<RawAnswer> query(std::string name, Type type) override;
  /// Adds more lines.
  void add(std::string_view text);
  /// Queries answered so far: for tests of caches and limits.
  std::size_t queries() const;

 private:
  struct State;
  std::shared_ptr<State> state_;
};

}  // namespace postern::dns
