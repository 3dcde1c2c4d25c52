// SPDX-License-Identifier: Apache-2.0
#include "policy/srs.h"

#include <fmt/format.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>

#include <array>
#include <span>

#include "base/ascii.h"
#include "base/file.h"
#include "base/random.h"

namespace postern::policy {
namespace {

constexpr std::size_t key_octets = 32;
constexpr std::size_t hash_digits = 8;  ///< 40 bits: a guess needs a connection for each try
constexpr std::size_t day_digits = 2;
constexpr UnixTime day_cycle = 1024;  ///< days until the digits repeat
constexpr UnixTime day = 86400;
constexpr std::string_view alphabet = "abcdefghijklmnopqrstuvwxyz234567";
constexpr std::string_view first = "SRS0";
constexpr std::string_view again = "SRS1";

UnixTime day_of(UnixTime now) { return ((now / day) % day_cycle + day_cycle) % day_cycle; }

std::string day_text(UnixTime number) {
  return {alphabet[static_cast<std::size_t>(number / 32)], alphabet[static_cast<std::size_t>(number % 32)]};
}

std::optional<UnixTime> day_number(std::string_view text) {
  if (text.size() != day_digits) return std::nullopt;
  UnixTime out = 0;
  for (const char c : text) {
    const auto at = alphabet.find(ascii::lower(c));
    if (at == std::string_view::npos) return std::nullopt;
    out = out * 32 + static_cast<UnixTime>(at);
  }
  return out;
}

/// "SRS0=…", "SRS0+…" and "SRS0-…" are all in use; ours have "=".
bool begins(std::string_view local, std::string_view tag) {
  return local.size() > tag.size() && ascii::iequals(local.substr(0, tag.size()), tag) &&
         std::string_view("=+-").contains(local[tag.size()]);
}

/// Cuts the text before the next "=", and that with it. Nothing when there is none.
std::optional<std::string_view> cut(std::string_view& rest) {
  const auto end = rest.find('=');
  if (end == std::string_view::npos) return std::nullopt;
  const auto out = rest.substr(0, end);
  rest.remove_prefix(end + 1);
  return out;
}

std::optional<mail::Address> fitting(std::string local, const mail::Domain& through) {
  if (local.size() > mail::Address::max_local) return std::nullopt;
  mail::Address out(std::move(local), through);
  if (out.to_string().size() > mail::Address::max_path) return std::nullopt;
  return out;
}

Result<ReturnPath> invalid(const char* what) { return fail(ErrorKind::invalid, what); }

}  // namespace

Result<Srs> Srs::open(const std::filesystem::path& key_file) {
  std::error_code ignored;
  if (!std::filesystem::exists(key_file, ignored)) {
    std::string bytes(key_octets, '\0');
    random::fill(std::as_writable_bytes(std::span(bytes)));
    auto key = Secret::take(bytes);
    if (auto written = write_file_durably(key_file, key.reveal(), 0600); !written) return std::unexpected(written.error());
    return Srs(std::move(key));
  }
  if (auto fine = require_private(key_file); !fine) return std::unexpected(fine.error());
  auto bytes = read_file(key_file, key_octets + 1);
  if (!bytes) return std::unexpected(bytes.error());
  auto key = Secret::take(*bytes);
  if (key.size() == key_octets) return Srs(std::move(key));
  return fail(ErrorKind::corrupt,
              fmt::format("{} has not {} octets; restore it from the backup, or remove it: notices about mail "
                          "that was forwarded before are refused then",
                          key_file.string(), key_octets));
}

std::string Srs::hash(std::string_view text) const {
  const auto folded = ascii::lower(text);
  std::array<unsigned char, EVP_MAX_MD_SIZE> digest{};
  unsigned size = 0;
  const auto key = key_.reveal();
  HMAC(EVP_sha256(), key.data(), static_cast<int>(key.size()), reinterpret_cast<const unsigned char*>(folded.data()),
       folded.size(), digest.data(), &size);
  std::string out;
  std::uint64_t bits = 0;
  for (std::size_t i = 0; i < hash_digits * 5 / 8; ++i) bits = bits << 8 | digest[i];
  for (std::size_t i = hash_digits; i-- > 0;) out += alphabet[(bits >> (5 * i)) & 31];
  return out;
}

bool Srs::is_hash(std::string_view given, std::string_view text) const {
  const auto folded = ascii::lower(given);
  const auto right = hash(text);
  return folded.size() == right.size() && CRYPTO_memcmp(folded.data(), right.data(), right.size()) == 0;
}

std::optional<mail::Address> Srs::forward(const mail::Address& sender, const mail::Domain& through, UnixTime now) const {
  if (sender.domain() == nullptr) return std::nullopt;
  const auto& local = sender.local();
  if (begins(local, again)) {
    std::string_view rest = std::string_view(local).substr(again.size() + 1);
    // "SRS1=hash=host=rest": the first host stays, the one in between need not carry notices.
    if (cut(rest)) return fitting(fmt::format("SRS1={}={}", hash(rest), rest), through);
  }
  if (begins(local, first)) {
    const auto rest = fmt::format("{}={}", sender.domain()->ascii(), std::string_view(local).substr(first.size()));
    return fitting(fmt::format("SRS1={}={}", hash(rest), rest), through);
  }
  const auto rest = fmt::format("{}={}={}", day_text(day_of(now)), sender.domain()->ascii(), local);
  return fitting(fmt::format("SRS0={}={}", hash(rest), rest), through);
}

bool Srs::is_rewritten(const mail::Address& address) { return begins(address.local(), first) || begins(address.local(), again); }

Result<ReturnPath> Srs::reverse(const mail::Address& address, UnixTime now, std::chrono::seconds valid) const {
  const auto& local = address.local();
  const bool was_rewritten = begins(local, again);
  if (!was_rewritten && !begins(local, first)) return invalid("not a rewritten sender");
  std::string_view rest = std::string_view(local).substr(first.size() + 1);
  const auto given = cut(rest);
  if (!given) return invalid("not a rewritten sender");
  if (!is_hash(*given, rest)) return fail(ErrorKind::denied, "not an address of ours");
  if (!was_rewritten) {
    const auto number = day_number(cut(rest).value_or(""));
    if (!number) return invalid("not a rewritten sender");
    // A day of tolerance for a clock that was set back.
    const auto age = (day_of(now) - *number + 1 + day_cycle) % day_cycle - 1;
    if (age * day > valid.count()) return fail(ErrorKind::limit, "this address has expired");
  }
  const auto domain = mail::Domain::parse(cut(rest).value_or(""));
  if (!domain || rest.empty()) return invalid("not a rewritten sender");
  return ReturnPath(mail::Address(was_rewritten ? std::string(first) + std::string(rest) : std::string(rest), *domain));
}

}  // namespace postern::policy
