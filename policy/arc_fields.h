// SPDX-License-Identifier: Apache-2.0
// The three fields of an ARC set (RFC 8617 §4.1) and their numbers, for who checks a chain and who continues it.
#pragma once

#include <cstddef>
#include <string_view>

namespace postern::policy {

inline constexpr std::string_view arc_results_name = "ARC-Authentication-Results";
inline constexpr std::string_view arc_message_name = "ARC-Message-Signature";
inline constexpr std::string_view arc_seal_name = "ARC-Seal";

/// "i=1" of a tag list (a message signature or a seal); 0 when it is none from 1 to 50.
std::size_t arc_instance_of_tags(std::string_view value);
/// The number at the start of ARC-Authentication-Results; 0 as above.
std::size_t arc_instance_of_results(std::string_view value);

}  // namespace postern::policy
