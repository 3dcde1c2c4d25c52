// SPDX-License-Identifier: Apache-2.0
// The password gate: what a user types through OpaqueString, lists and zxcvbn, and a breach list of any octets through import and
// search. The first octet says which; a password that is accepted must be one that OpaqueString leaves as it is.
#include <sys/mman.h>
#include <unistd.h>

#include "auth/breach_import.h"
#include "auth/common_password.h"
#include "auth/passwords.h"
#include "auth/strength.h"
#include "tests/support/folder.h"

namespace {

using namespace postern;
using namespace postern::auth;

void judge(std::string_view text) {
  static const Gate gate{StrengthRules{.min_length = 1}};
  static const auto words = guessable_words({"alice@example.org", "Alice Liddell", {}}, "mx.example.org");
  const auto middle = text.find('\n');
  Subject subject{.words = words};
  if (middle != std::string_view::npos) subject.old_password = Secret(text.substr(middle + 1));
  const auto typed = text.substr(0, middle);
  const auto result = gate.judge_typed(Secret(typed), subject);
  const auto prepared = opaque_string(typed);
  if (!prepared && !result.objection) std::abort();
  if (!prepared) return;
  const auto again = opaque_string(prepared->reveal());
  if (!again || again->reveal() != prepared->reveal()) std::abort();
}

/// An unnamed file with these octets, open at its beginning.
UniqueFd file_of(std::string_view bytes) {
  UniqueFd fd(::memfd_create("list", MFD_CLOEXEC));
  if (!fd || !write_all_at(fd.get(), bytes, 0)) std::abort();
  return fd;
}

void import(std::string_view text) {
  static const test::Folder folder;
  const auto list = folder / "list";
  const auto source = file_of(text);
  if (!import_breaches(source.get(), {.target = list, .memory = 0}, 1)) return;
  const auto file = BreachFile::open(list);
  if (!file || !file->verify({})) std::abort();
}

void search(std::string_view bytes) {
  const auto fd = file_of(bytes);
  const auto file = BreachFile::open("/proc/self/fd/" + std::to_string(fd.get()));
  if (!file) return;
  for (const BreachKey key : {BreachKey{0}, BreachKey{1} << 63, ~BreachKey{0}, breach_key("a")}) (void)file->contains(key);
  (void)file->verify({});
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const std::string_view text(reinterpret_cast<const char*>(data) + 1, size - 1);
  switch (data[0]) {
    case 'i': import(text); break;
    case 's': search(text); break;
    case 'k': {
      // Keys of the input under a header that fits them: the search itself, not the checksum, meets the disorder.
      const auto keys = text.substr(0, text.size() / breach_key_size * breach_key_size);
      search(breach_header({.keys = keys.size() / breach_key_size, .digest = std::string(breach_digest_size, 'd')}) +
             std::string(keys));
      break;
    }
    default: judge(text); break;
  }
  return 0;
}
