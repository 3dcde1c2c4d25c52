// SPDX-License-Identifier: Apache-2.0
// Secret: bytes that are wiped when they go (security.md D76). It has no operator<<, no formatter and no implicit
// conversion, so that it cannot reach a log by accident.
#pragma once

#include <string>
#include <string_view>

namespace postern {

class Secret {
 public:
  Secret() = default;
  explicit Secret(std::string_view bytes) : bytes_(bytes) {}
  /// Takes the string over and wipes the source.
  static Secret take(std::string& source);
  Secret(const Secret&) = default;
  Secret(Secret&& other) noexcept;
  Secret& operator=(const Secret& other);
  Secret& operator=(Secret&& other) noexcept;
  ~Secret();

  /// The bytes; the caller must not keep copies.
  std::string_view reveal() const { return bytes_; }
  bool empty() const { return bytes_.empty(); }
  std::size_t size() const { return bytes_.size(); }

 private:
  void wipe();
  std::string bytes_;
};

/// Compares in time that depends on the lengths alone (security.md D77).
bool constant_time_equal(std::string_view a, std::string_view b);
/// Overwrites the string's whole buffer and empties it.
void wipe(std::string& bytes);

}  // namespace postern
