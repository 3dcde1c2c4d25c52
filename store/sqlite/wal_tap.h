// SPDX-License-Identifier: Apache-2.0
// WalTap: what the writer tells about the write-ahead log, for whoever copies it away (storage.md §6). The writer thread owns
// all checkpoints, so nothing leaves the log without a call of before_checkpoint().
#pragma once

#include <cstdint>

namespace postern::store::sqlite {

/// Called on the writer's thread; must not throw.
class WalTap {
 public:
  virtual ~WalTap() = default;
  /// A batch is durable; the log has so many frames now.
  virtual void committed(std::uint64_t frames) = 0;
  /// The log may be emptied when this returns.
  virtual void before_checkpoint() = 0;
};

}  // namespace postern::store::sqlite
