// SPDX-License-Identifier: Apache-2.0
// Record data as values. Input is hostile: every reader takes exactly the whole data or gives nothing (security.md D53).
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "dns/resolver.h"

namespace postern::dns {

/// Lower-case ASCII without final dot; dots and backslashes inside labels and octets outside 0x21–0x7E become \DDD.
std::optional<std::string> read_name(std::string_view data);
/// RFC 1035 §3.4.1 and RFC 3596 §2.2.
std::optional<IpAddress> read_address(std::string_view data);
/// RFC 1035 §3.3.9; host is empty for a null MX.
std::optional<Mx> read_mx(std::string_view data);
/// RFC 1035 §3.3.14, strings joined.
std::optional<std::string> read_txt(std::string_view data);
/// RFC 6698 §2.1.
std::optional<Tlsa> read_tlsa(std::string_view data);

/// The wire form of a host name, uncompressed. Error invalid: empty label, label above 63 or name above 255 octets.
Result<std::string> write_name(std::string_view name);

}  // namespace postern::dns
