// SPDX-License-Identifier: Apache-2.0
// The header field by which a sender says that a message shall arrive even where TLS fails (RFC 8689 §5).
#pragma once

#include <string_view>

namespace postern::outbound {

/// Whether the header at the start of a message has "TLS-Required: No". Any other value, and a field that comes twice, says
/// nothing.
bool says_tls_not_required(std::string_view start);

}  // namespace postern::outbound
