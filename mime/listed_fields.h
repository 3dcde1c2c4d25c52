// SPDX-License-Identifier: Apache-2.0
// The header fields that mail programs ask for when they show a list of messages, kept beside the part tree so that such a list
// needs no message to be opened. The fields that Postern itself puts in front of a message are never among them.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace postern::mime {

/// More octets than this are not kept; the message is read then.
inline constexpr std::size_t max_listed_fields = 4 * 1024;

/// True when the name, in any case, is one of the fields that are kept.
bool is_listed_field(std::string_view name);
/// The listed fields of a header block exactly as they stand, in their order, then the empty line when the block has one: what
/// select_fields() gives for all their names. Empty when that is more than max_listed_fields.
std::string listed_fields(std::string_view block);

}  // namespace postern::mime
