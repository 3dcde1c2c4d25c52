// SPDX-License-Identifier: Apache-2.0
// The wrapping of reports, DMARC's in XML and TLS's in JSON: gzip out; gzip, zip or nothing in. What comes from a stranger
// unpacks to a bounded size.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace postern::policy {

/// Octets of all files of one archive together, and files of it.
inline constexpr std::size_t unpacked_max = 64 * 1024 * 1024;
inline constexpr std::size_t unpacked_files_max = 10;

/// The files in a gzip or zip archive; the bytes themselves when they are XML or JSON already. Errors: invalid (neither),
/// too_large, limit.
Result<std::vector<std::string>> unpack_reports(std::string_view bytes, std::size_t octets_max = unpacked_max);
/// A text out of a stranger's report on one line: valid UTF-8, no control characters, at most reported_text_max octets and the
/// rest of a character.
std::string reported_text(std::string_view text);
inline constexpr std::size_t reported_text_max = 500;
/// RFC 1952.
Result<std::string> gzip(std::string_view bytes);

}  // namespace postern::policy
