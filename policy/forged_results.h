// SPDX-License-Identifier: Apache-2.0
// Authentication-Results that claim to be ours (RFC 8601 §5, security.md D41): found and removed before anything of ours
// is written, so that readers may trust every field that carries our name.
#pragma once

#include <string>
#include <string_view>

namespace postern::policy {

/// The authserv-id of an Authentication-Results value (RFC 8601 §2.2), lower case; empty when there is none.
std::string authserv_id(std::string_view value);
/// Whether the block has such a field with our name.
bool has_forged_results(std::string_view header, std::string_view own_hostname);
/// The block without them; all other octets stay as they are.
std::string remove_forged_results(std::string_view header, std::string_view own_hostname);

}  // namespace postern::policy
