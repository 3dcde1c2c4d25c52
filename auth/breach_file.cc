// SPDX-License-Identifier: Apache-2.0
// Hashes are spread evenly, so interpolation lands within a block or two of the right place; when a file's keys are not, halving
// takes over after a few steps and bounds the reads by the logarithm of their number.
#include "auth/breach_file.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <openssl/sha.h>
#include <sodium.h>
#include <sys/stat.h>

#include <algorithm>
#include <array>
#include <limits>

namespace postern::auth {
namespace {

constexpr std::string_view magic = "PSTNBRCH";
constexpr std::uint32_t version = 1;
constexpr std::size_t keys_at = 16, lines_at = 24, made_at = 32, digest_at = 64, seal_at = 96;
/// Keys read at once while searching, and below how many all that are left are read.
constexpr std::size_t window_keys = 512;
/// Steps by interpolation before halving.
constexpr int guesses = 8;
constexpr std::size_t verify_keys = std::size_t{128} * 1024;

template <class N>
void put(std::string& out, std::size_t at, N number) {
  for (std::size_t i = 0; i < sizeof number; ++i) {
    out[at + i] = static_cast<char>(static_cast<unsigned char>(number >> (8 * (sizeof number - 1 - i))));
  }
}

template <class N>
N get(std::string_view in, std::size_t at) {
  N number = 0;
  for (std::size_t i = 0; i < sizeof number; ++i) number = static_cast<N>(number << 8 | static_cast<unsigned char>(in[at + i]));
  return number;
}

std::string blake2b(std::string_view bytes) {
  std::string out(breach_digest_size, '\0');
  crypto_generichash(reinterpret_cast<unsigned char*>(out.data()), out.size(),
                     reinterpret_cast<const unsigned char*>(bytes.data()), bytes.size(), nullptr, 0);
  return out;
}

std::unexpected<Error> damaged(std::string_view what) {
  return fail(ErrorKind::corrupt, fmt::format("the breach list is damaged ({}); import it again", what));
}

BreachKey key_at(std::string_view keys, std::size_t index) { return get<BreachKey>(keys, index * breach_key_size); }

/// The part of the file in which a key can still be: every key before `low` is below it, every key from `high` on above it.
struct Span {
  std::uint64_t low = 0;
  std::uint64_t high = 0;
  BreachKey least = 0;
  BreachKey most = std::numeric_limits<BreachKey>::max();
  std::uint64_t size() const { return high - low; }
};

/// Where to read next: where the key would be if keys were spread evenly, or in the middle.
std::uint64_t probe(const Span& span, BreachKey key, bool interpolate) {
  const auto room = span.size() - window_keys;
  const auto width = static_cast<long double>(span.most - span.least);
  if (!interpolate || width <= 0) return span.low + room / 2;
  const auto share = static_cast<long double>(key - span.least) / width * static_cast<long double>(span.size());
  const auto offset = static_cast<std::uint64_t>(share);
  const auto back = std::min<std::uint64_t>(offset, window_keys / 2);
  return span.low + std::min(offset - back, room);
}

}  // namespace

BreachKey breach_key(std::string_view password) {
  std::array<unsigned char, SHA_DIGEST_LENGTH> digest{};
  SHA1(reinterpret_cast<const unsigned char*>(password.data()), password.size(), digest.data());
  return get<BreachKey>({reinterpret_cast<const char*>(digest.data()), digest.size()}, 0);
}

std::string breach_header(const BreachInfo& info) {
  std::string out(breach_header_size, '\0');
  out.replace(0, magic.size(), magic);
  put(out, magic.size(), version);
  put(out, magic.size() + sizeof version, static_cast<std::uint32_t>(breach_key_size));
  put(out, keys_at, info.keys);
  put(out, lines_at, info.lines);
  put(out, made_at, static_cast<std::uint64_t>(info.made));
  out.replace(digest_at, info.digest.size(), info.digest);
  out.replace(seal_at, breach_digest_size, blake2b(std::string_view(out).substr(0, seal_at)));
  return out;
}

Result<BreachInfo> parse_breach_header(std::string_view header) {
  if (header.size() < breach_header_size || !header.starts_with(magic)) return damaged("no header");
  if (header.substr(seal_at, breach_digest_size) != blake2b(header.substr(0, seal_at))) return damaged("header checksum");
  if (get<std::uint32_t>(header, magic.size()) != version ||
      get<std::uint32_t>(header, magic.size() + sizeof version) != breach_key_size) {
    return fail(ErrorKind::corrupt, "the breach list is of another version of postern; import it again");
  }
  return BreachInfo{.keys = get<std::uint64_t>(header, keys_at),
                    .lines = get<std::uint64_t>(header, lines_at),
                    .made = static_cast<UnixTime>(get<std::uint64_t>(header, made_at)),
                    .digest = std::string(header.substr(digest_at, breach_digest_size))};
}

Result<BreachFile> BreachFile::open(const std::filesystem::path& path) {
  UniqueFd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
  if (!fd) return std::unexpected(errno_error("open " + path.string(), errno));
  struct stat about{};
  if (::fstat(fd.get(), &about) != 0) return std::unexpected(errno_error("stat " + path.string(), errno));
  if (!S_ISREG(about.st_mode)) return damaged("no plain file");
  const auto size = static_cast<std::uint64_t>(about.st_size);
  if (size < breach_header_size) return damaged("shorter than its header");
  std::string header(breach_header_size, '\0');
  if (auto got = read_all_at(fd.get(), header, 0); !got) return std::unexpected(got.error());
  auto info = parse_breach_header(header);
  if (!info) return std::unexpected(info.error());
  const auto keys = (size - breach_header_size) / breach_key_size;
  if ((size - breach_header_size) % breach_key_size != 0 || keys != info->keys)
    return damaged("its size is not what its header says");
  return BreachFile(std::move(fd), std::move(*info));
}

Result<> BreachFile::read_keys(std::uint64_t first, std::size_t count, std::string& out) const {
  out.resize(count * breach_key_size);
  return read_all_at(fd_.get(), out, breach_header_size + first * breach_key_size);
}

Result<bool> BreachFile::contains(BreachKey key) const {
  Span span{.high = info_.keys};
  std::string keys;
  for (int step = 0; span.size() > 0; ++step) {
    const auto count = static_cast<std::size_t>(std::min<std::uint64_t>(span.size(), window_keys));
    const auto first = span.size() <= window_keys ? span.low : probe(span, key, step < guesses);
    if (auto got = read_keys(first, count, keys); !got) return std::unexpected(got.error());
    const auto front = key_at(keys, 0);
    const auto back = key_at(keys, count - 1);
    if (front < span.least || back > span.most || front > back) return damaged("keys out of order");
    if (key < front) {
      span.high = first;
      span.most = front;
    } else if (key > back) {
      span.low = first + count;
      span.least = back;
    } else {
      std::size_t low = 0;
      std::size_t high = count;
      while (low < high) {
        const auto middle = low + (high - low) / 2;
        if (key_at(keys, middle) < key) {
          low = middle + 1;
        } else {
          high = middle;
        }
      }
      return key_at(keys, low) == key;
    }
  }
  return false;
}

Result<> BreachFile::verify(const std::function<void(std::uint64_t)>& progress) const {
  crypto_generichash_state digest;
  crypto_generichash_init(&digest, nullptr, 0, breach_digest_size);
  std::string keys;
  bool first = true;
  BreachKey last = 0;
  for (std::uint64_t at = 0; at < info_.keys;) {
    const auto count = static_cast<std::size_t>(std::min<std::uint64_t>(info_.keys - at, verify_keys));
    if (auto got = read_keys(at, count, keys); !got) return got;
    for (std::size_t i = 0; i < count; ++i) {
      const auto key = key_at(keys, i);
      if (!first && key <= last) return damaged(fmt::format("key {} is out of order", at + i));
      first = false;
      last = key;
    }
    crypto_generichash_update(&digest, reinterpret_cast<const unsigned char*>(keys.data()), keys.size());
    at += count;
    if (progress) progress(at);
  }
  std::string found(breach_digest_size, '\0');
  crypto_generichash_final(&digest, reinterpret_cast<unsigned char*>(found.data()), found.size());
  if (found != info_.digest) return damaged("checksum of the keys");
  return {};
}

}  // namespace postern::auth
