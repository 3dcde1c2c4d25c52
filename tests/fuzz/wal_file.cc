// SPDX-License-Identifier: Apache-2.0
// Any octets as a write-ahead log, and as frames with good checksums: reading must end, never give half of a commit, and putting
// a log on top of a database must give what its last whole commit says.
#include "store/sqlite/wal_file.h"

#include <fcntl.h>
#include <unistd.h>

#include <cstdint>
#include <cstdlib>

#include "store/sqlite/manifest.h"

namespace {

using namespace postern;
using namespace postern::store::sqlite;

constexpr std::size_t page_size = 512;
constexpr std::uint8_t most_pages = 64;

std::filesystem::path place(const char* name) {
  return std::filesystem::temp_directory_path() / ("fuzz_wal_file." + std::to_string(::getpid()) + name);
}

void fill(const std::filesystem::path& path, std::string_view bytes) {
  const UniqueFd fd(::open(path.c_str(), O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600));
  if (!fd || !write_all_at(fd.get(), bytes, 0)) std::abort();
}

void put(std::string& out, std::uint32_t value) {
  for (int shift = 24; shift >= 0; shift -= 8) out += static_cast<char>(value >> shift);
}

/// The log's checksum over words in big-endian order.
struct Sums {
  std::uint32_t a = 0, b = 0;
  void add(std::string_view bytes) {
    const auto word = [&](std::size_t at) {
      std::uint32_t value = 0;
      for (std::size_t i = 0; i < 4; ++i) value = value << 8 | static_cast<std::uint8_t>(bytes[at + i]);
      return value;
    };
    for (std::size_t at = 0; at + 8 <= bytes.size(); at += 8) {
      a += word(at) + b;
      b += word(at + 4) + a;
    }
  }
};

/// A log whose frames are right: two octets of the input choose page and commit of each, the third its content.
std::string good_log(std::string_view input, std::uint64_t& commits) {
  std::string out;
  for (const std::uint32_t word : {0x377f0683U, 3007000U, std::uint32_t{page_size}, 0U, 7U, 9U}) put(out, word);
  Sums sums;
  sums.add(out);
  put(out, sums.a);
  put(out, sums.b);
  for (; input.size() >= 3; input.remove_prefix(3)) {
    std::string head;
    put(head, static_cast<std::uint8_t>(input[0]) % most_pages + 1U);
    const std::uint32_t db_pages = input[1] % 2 == 0 ? most_pages + 1U : 0U;
    put(head, db_pages);
    commits += db_pages != 0 ? 1 : 0;
    const std::string page(page_size, input[2]);
    sums.add(head);
    sums.add(page);
    put(head, 7);
    put(head, 9);
    put(head, sums.a);
    put(head, sums.b);
    out += head + page;
  }
  return out;
}

std::uint64_t commits_in(const std::filesystem::path& path) {
  auto wal = WalFile::open(path);
  std::uint64_t out = 0;
  if (!wal) return 0;
  for (auto frame = wal->next(); frame && *frame; frame = wal->next()) out += (*frame)->db_pages != 0 ? 1 : 0;
  return out;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  const auto log = place(".wal");
  const auto database = place(".db");
  (void)parse_manifest(bytes);
  fill(log, bytes);
  if (const auto extent = committed_extent(log); extent && extent->bytes > size) std::abort();
  std::uint64_t commits = 0;
  fill(log, good_log(bytes, commits));
  if (commits_in(log) != commits) std::abort();
  std::string empty(page_size, '\0');
  empty[16] = static_cast<char>(page_size >> 8);
  fill(database, empty);
  const auto extent = committed_extent(log);
  const auto applied = apply_wal(log, database, UINT64_MAX);
  if (!extent || !applied || *applied != extent->frames) std::abort();
  const std::uint64_t wanted = commits == 0 ? page_size : (most_pages + 1U) * page_size;
  if (std::filesystem::file_size(database) != wanted) std::abort();
  ::unlink(log.c_str());
  ::unlink(database.c_str());
  return 0;
}
