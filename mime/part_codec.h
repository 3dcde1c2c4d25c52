// SPDX-License-Identifier: Apache-2.0
// The part tree as a compact value to be stored beside the message, so that FETCH BODY[2.1] needs no parsing.
// A version octet comes first; unknown versions and damage are an Error, and the caller parses the message again.
#pragma once

#include <string>
#include <string_view>

#include "base/result.h"
#include "mime/part.h"

namespace postern::mime {

/// The format written now. Version 1 is read, too; it has no listed fields.
inline constexpr unsigned char part_codec_version = 2;

std::string encode_parts(const PartTree& tree);
/// Checks everything the parser guarantees (is_tree), so a damaged value can never lead out of the message. Errors: corrupt;
/// unsupported (another version).
Result<PartTree> decode_parts(std::string_view bytes);

/// PartTree::listed of an encoded tree, without decoding the rest; empty when it has none. A view into `bytes`.
std::string_view listed_fields_in(std::string_view bytes);

/// True when the links form a tree in the parser's order and offsets are ordered and nested.
bool is_tree(const PartTree& tree);

}  // namespace postern::mime
