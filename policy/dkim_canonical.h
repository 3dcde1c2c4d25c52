// SPDX-License-Identifier: Apache-2.0
// Canonicalization of DKIM (RFC 6376 §3.4): what of a message is hashed. Bodies come in pieces, however they are cut, and
// are not kept; header fields come whole. Line ends are CRLF, as the intake has made sure.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

namespace postern::policy {

enum class Canonical : std::uint8_t { simple, relaxed };
std::string_view to_string(Canonical canonical);

/// One field, "Name: value" with folding and without its last CRLF, as it is hashed, again without CRLF.
void append_canonical_field(std::string& out, std::string_view field, Canonical canonical);

/// Makes the canonical form of a body: feed the pieces, then finish(). The sink gets what is to be hashed next, in pieces of a
/// few KiB, whatever the body is.
class BodyCanonicalizer {
 public:
  using Sink = std::function<void(std::string_view)>;
  BodyCanonicalizer(Canonical canonical, Sink sink) : canonical_(canonical), sink_(std::move(sink)) {}
  void feed(std::string_view bytes);
  void finish();

 private:
  void take_simple(std::string_view bytes);
  void take_relaxed(std::string_view bytes);
  void release_lines();
  void put(std::string_view text);
  void flush();
  Canonical canonical_;
  Sink sink_;
  std::array<char, 4096> gathered_;  ///< not handed to the sink yet
  std::size_t used_ = 0;
  std::uint64_t empty_lines_ = 0;  ///< CRLF pairs that count only when something follows
  bool cr_ = false;                ///< the last octet was a CR that is not out yet
  bool space_ = false;             ///< white space that counts only when something follows in its line
  bool any_ = false;               ///< something is out
};

/// SHA-256 over a canonical body, up to `length` octets of it when given (tag l=).
class BodyHash {
 public:
  BodyHash(Canonical canonical, std::optional<std::uint64_t> length);
  ~BodyHash();
  BodyHash(BodyHash&&) noexcept;
  BodyHash& operator=(BodyHash&&) noexcept;

  void feed(std::string_view bytes);
  /// The 32 octets; once, after the last feed().
  std::string finish();
  /// Octets of the canonical body so far, hashed or not.
  std::uint64_t size() const;
  /// Whether two signatures can share one hash.
  bool is(Canonical canonical, std::optional<std::uint64_t> length) const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

/// SHA-256 of one text, 32 octets.
std::string sha256(std::string_view bytes);

}  // namespace postern::policy
