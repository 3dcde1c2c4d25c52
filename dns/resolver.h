// SPDX-License-Identifier: Apache-2.0
// Resolver: DNS as mail needs it. Names go in as ASCII (A-labels), with or without final dot; host names come out lower-case
// and without final dot. An answer is a value with a status: a name that does not exist is not an error of ours.
// `secure` is true only when DNSSEC validation succeeded (security.md D51, D54). Bogus answers carry no records.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "async/task.h"
#include "base/ip_address.h"

namespace postern::dns {

enum class Type : std::uint16_t { a = 1, cname = 5, ptr = 12, mx = 15, txt = 16, aaaa = 28, tlsa = 52 };

enum class Status : std::uint8_t {
  ok,        ///< at least one record
  nodata,    ///< the name exists, but has no record of this type
  nxdomain,  ///< the name does not exist
  servfail,  ///< temporary: no server gave a usable answer
  bogus,     ///< DNSSEC validation failed; treat as temporary, never as absent
  timeout    ///< temporary: nobody answered in time
};
std::string_view to_string(Status status);
std::string_view to_string(Type type);
/// True when asking again later may help; ok, nodata and nxdomain are final.
constexpr bool is_temporary(Status status) { return status >= Status::servfail; }

template <class Record>
struct Answer {
  Status status = Status::servfail;
  std::vector<Record> records;
  bool secure = false;  ///< also proves the absence for nodata and nxdomain
  std::chrono::seconds ttl{0};
  std::string canonical;  ///< the name at the end of a CNAME chain; empty when there was none
  std::string text;       ///< why: for log and trace

  bool ok() const { return status == Status::ok; }
};

struct Mx {
  std::uint16_t preference = 0;
  std::string host;  ///< empty for a null MX (RFC 7505)
  auto operator<=>(const Mx&) const = default;
};

/// RFC 6698 §2.1.
struct Tlsa {
  std::uint8_t usage = 0;
  std::uint8_t selector = 0;
  std::uint8_t matching = 0;
  std::string data;
  auto operator<=>(const Tlsa&) const = default;
};

/// Record data in wire format with names uncompressed.
using RawAnswer = Answer<std::string>;

/// Thread-safe. Every call may be cancelled by the coroutine's owner.
class Resolver {
 public:
  virtual ~Resolver() = default;
  /// Asks for one type. Malformed records are left out; if none is left the status is servfail.
  virtual async::Task<RawAnswer> query(std::string name, Type type) = 0;

  async::Task<Answer<IpAddress>> a(std::string name);
  async::Task<Answer<IpAddress>> aaaa(std::string name);
  /// Both families, IPv6 first. Temporary only when that leaves no address; secure when both were.
  async::Task<Answer<IpAddress>> addresses(std::string name);
  /// Sorted by preference.
  async::Task<Answer<Mx>> mx(std::string name);
  /// Each record's strings joined without a space (RFC 7208 §3.3).
  async::Task<Answer<std::string>> txt(std::string name);
  async::Task<Answer<std::string>> ptr(IpAddress address);
  async::Task<Answer<std::string>> cname(std::string name);
  /// `name` is the full owner name: "_25._tcp.mx.example.org".
  async::Task<Answer<Tlsa>> tlsa(std::string name);
};

}  // namespace postern::dns
