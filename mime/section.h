// SPDX-License-Identifier: Apache-2.0
// Where the sections of RFC 3501 §6.4.5 (BODY[2.1.MIME] and the like) lie in a message. Octet ranges only; who reads the
// message cuts them out.
#pragma once

#include <cstdint>
#include <optional>
#include <span>

#include "mime/part.h"

namespace postern::mime {

/// What of the message or part is meant. HEADER.FIELDS is `header`, then select_fields().
enum class SectionKind : std::uint8_t { whole, header, text, mime };

/// Octets [begin, end) of the message.
struct Range {
  std::uint64_t begin = 0;
  std::uint64_t end = 0;
  std::uint64_t size() const { return end - begin; }
  bool operator==(const Range&) const = default;
};

/// The part that a path of numbers (from 1) names; no_part when there is none. An empty path is the message itself. 1 of a
/// message that is no multipart is its body; numbers below an enclosed message count that message's parts.
PartIndex find_part(const PartTree& tree, std::span<const std::uint32_t> path);

/// The octets of a section; nothing when there is no such part, when HEADER or TEXT is asked of a part that is no message,
/// or MIME of the message itself.
std::optional<Range> find_section(const PartTree& tree, std::span<const std::uint32_t> path, SectionKind kind);

}  // namespace postern::mime
