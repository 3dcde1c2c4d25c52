// SPDX-License-Identifier: Apache-2.0
// Greylist: puts off the first message of an unknown network, sender and recipient, because programs that only spam do not come
// back. It learns: a triple that came back is let in at once from then on, and so is a network of which several have.
#pragma once

#include <cstdint>
#include <map>
#include <mutex>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/ip_address.h"
#include "mail/address.h"
#include "store/grey_book.h"

namespace postern::policy {

struct GreyLimits {
  UnixTime delay = 300;              ///< seconds before a second try counts
  UnixTime window = 2 * 86400;       ///< seconds in which it must come
  UnixTime keep = 60 * 86400;        ///< seconds after which what was learned is forgotten
  std::uint64_t network_passes = 5;  ///< triples that make a network known; 0: never
};

struct GreyTriple {
  IpAddress ip;  ///< its network counts
  const mail::ReversePath& sender;
  const mail::Address& recipient;
};

/// Thread-safe.
class Greylist {
 public:
  /// Most triples and networks in memory; the oldest go.
  static constexpr std::size_t max_rows = 100'000;

  enum class State : std::uint8_t { known, wait };
  /// Reads what the book holds; null: memory only. The book outlives it.
  explicit Greylist(store::GreyBook* book, std::size_t most_rows = max_rows);
  /// What is known of the triple, without a trace.
  State look(const GreyTriple& triple, const GreyLimits& limits, UnixTime now) const;
  /// The same, and remembers that it came.
  State see(const GreyTriple& triple, const GreyLimits& limits, UnixTime now);
  std::size_t size() const;

 private:
  using Rows = std::map<std::string, store::GreyRow>;
  State judge(const std::string& key, const std::string& network, const GreyLimits& limits, UnixTime now) const;
  void remember(store::GreyRow row, std::vector<store::GreyRow>& changed);
  void make_room(UnixTime before);

  store::GreyBook* book_;
  std::size_t most_rows_;
  mutable std::mutex mutex_;
  Rows rows_;
  UnixTime swept_ = 0;
};

}  // namespace postern::policy
