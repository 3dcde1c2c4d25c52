// SPDX-License-Identifier: Apache-2.0
#include "store/particulars.h"

#include "base/content_hash.h"
#include "base/encoding.h"

namespace postern::store {

// RFC 8474 §4: objectid = 1*255(ALPHA / DIGIT / "_" / "-")
std::string make_object_id(char kind, std::initializer_list<std::string_view> parts) {
  ContentHash hash;
  for (const auto part : parts) {
    hash.add(std::to_string(part.size()) + ":");
    hash.add(part);
  }
  return kind + hex_encode(hash.finish());
}

}  // namespace postern::store
