// SPDX-License-Identifier: Apache-2.0
// KeySorter: sorts more keys than fit in memory. Full buffers are sorted and written as runs to unnamed files, which vanish with
// the process; at the end the runs are merged. Keys that come in order already make one single run, whatever their number.
#pragma once

#include <deque>
#include <filesystem>
#include <functional>
#include <vector>

#include "auth/breach_file.h"
#include "base/file.h"
#include "base/result.h"

namespace postern::auth {

class KeySorter {
 public:
  /// Runs go to `folder`. `memory` is what buffers may take, in bytes: at least 8 KiB.
  KeySorter(std::filesystem::path folder, std::size_t memory);

  /// Errors: no_space, io.
  Result<> add(BreachKey key);
  /// Gives all keys, ascending, each once, in blocks. Ends the sorter. Errors: those of `take`, and as add().
  using Take = std::function<Result<>(const std::vector<BreachKey>&)>;
  Result<> finish(const Take& take);

 private:
  struct Run {
    UniqueFd fd;
    std::uint64_t keys = 0;
    BreachKey last = 0;
  };
  class Reader;

  Result<> flush();
  Result<> append(Run& run, const std::vector<BreachKey>& keys);
  Result<Run> new_run() const;
  Result<> merge(const Take& take);

  std::filesystem::path folder_;
  std::size_t room_;  ///< keys in the buffer
  std::vector<BreachKey> buffer_;
  std::deque<Run> runs_;
};

}  // namespace postern::auth
