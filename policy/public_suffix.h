// SPDX-License-Identifier: Apache-2.0
// Organizational domains by the public suffix list that libpsl carries with it (RFC 7489 §3.2); no file is opened.
#pragma once

#include <string>
#include <string_view>

namespace postern::policy {

/// "mail.example.co.uk" → "example.co.uk"; the domain itself when it is a public suffix. Names in canonical ASCII.
std::string organizational_domain(std::string_view domain);
/// "co.uk": a name below which anybody may register.
bool is_public_suffix(std::string_view domain);

}  // namespace postern::policy
