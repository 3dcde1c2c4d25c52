// SPDX-License-Identifier: Apache-2.0
// What an IMAP server may say to us, on any octets: none may fail otherwise than by value.
#include "transfer/imap_answer.h"

extern "C" int LLVMFuzzerTestOneInput(const unsigned char* data, std::size_t size) {
  using namespace postern::transfer::imap_client;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  for (const bool streamed : {false, true}) {
    const Answer answer{std::string(text), {"literal", ""}, streamed};
    (void)parse_list(answer);
    (void)parse_status(answer);
    (void)parse_namespace(answer);
    (void)parse_fetch(answer);
  }
  (void)literal_at_end(text);
  (void)announces_message(text);
  (void)parse_condition(text);
  (void)parse_capabilities(text);
  (void)parse_internal_date(text);
  (void)parse_number_of(text, "EXISTS");
  return 0;
}
