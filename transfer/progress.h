// SPDX-License-Identifier: Apache-2.0
// Progress: who watches a long transfer, and may end it. The command line shows a bar; tests count.
#pragma once

#include <cstdint>
#include <string_view>

namespace postern::transfer {

class Progress {
 public:
  virtual ~Progress() = default;
  struct Plan {
    std::uint64_t messages = 0;  ///< 0: not known
    std::uint64_t bytes = 0;     ///< 0: not known
  };
  /// How much there is, before the first message.
  virtual void plan(const Plan& plan) = 0;
  struct Step {
    std::string_view folder;
    std::uint64_t messages = 0;
    std::uint64_t bytes = 0;  ///< of the source
  };
  /// So much was looked at since the last step: taken, known already or not possible.
  virtual void step(const Step& step) = 0;
  /// True when the transfer shall end; asked after each message.
  virtual bool stop() = 0;
};

}  // namespace postern::transfer
