// SPDX-License-Identifier: Apache-2.0
// Bodies on their way into the store (Spool, Body) and out of it (BodyReader).
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "async/task.h"
#include "base/result.h"

namespace postern::store {

/// Message bytes that were received whole: in memory when small, otherwise in an unnamed file (O_TMPFILE) beside the
/// segments. Immutable, shared, cheap to pass. Reading is plain synchronous and safe from any thread.
class Body {
 public:
  virtual ~Body() = default;
  virtual std::uint64_t size() const = 0;
  /// All bytes when they are in memory; empty when they are in a file (then descriptor() >= 0).
  virtual std::string_view memory() const = 0;
  virtual int descriptor() const = 0;
  /// Reads up to out.size() bytes at the offset; 0 at the end.
  virtual Result<std::size_t> read(std::uint64_t offset, std::span<char> out) const = 0;
};
using BodyPtr = std::shared_ptr<const Body>;

/// Collects a body while it arrives. Bodies over memory_limit move to an unnamed file, which vanishes when not accepted
/// (state S2 of the crash table in design.md §3).
class Spool {
 public:
  static constexpr std::size_t memory_limit = 256 * 1024;
  virtual ~Spool() = default;
  /// Errors: no_space, io. After an error the spool is of no use.
  virtual Result<void> write(std::string_view bytes) = 0;
  virtual std::uint64_t size() const = 0;
  /// Ends writing; call once.
  virtual Result<BodyPtr> finish() = 0;
};

/// A body in memory, for messages that we make ourselves and for tests.
BodyPtr body_of(std::string bytes);

/// Reads one stored message (prefix + body as one sequence of bytes). Not for concurrent use.
class BodyReader {
 public:
  virtual ~BodyReader() = default;
  /// Octets of prefix + body: RFC822.SIZE.
  virtual std::uint64_t size() const = 0;
  /// Up to `most` bytes at the offset, valid until the next call or the end of the reader; empty at the end.
  /// Errors: io, corrupt (checksum).
  virtual async::Task<Result<std::string_view>> read(std::uint64_t offset, std::size_t most) = 0;
};

}  // namespace postern::store
