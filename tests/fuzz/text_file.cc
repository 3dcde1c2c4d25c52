// SPDX-License-Identifier: Apache-2.0
// Any octets as a text file: opening, reading and writing on must not fail otherwise than by value, and what is appended
// afterwards is there.
#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cstdint>
#include <cstdlib>
#include <filesystem>

#include "store/sqlite/text_file.h"

namespace {

using namespace postern;
using namespace postern::store::sqlite;

/// A file of this process alone, written anew for each input.
const std::filesystem::path& path() {
  static const std::filesystem::path one =
      std::filesystem::temp_directory_path() / ("fuzz_text_file." + std::to_string(::getpid()));
  return one;
}

void fill(std::string_view bytes) {
  const UniqueFd fd(::open(path().c_str(), O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600));
  if (!fd || !write_all_at(fd.get(), bytes, 0)) std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  // With a good header in front half of the time, so that the blocks are reached.
  fill(size % 2 == 0 ? std::string(bytes) : encode(TextFileHeader{1, mime::search_text_version()}) + std::string(bytes));
  auto file = TextFile::open(path(), 1);
  if (!file) std::abort();
  for (const auto& block : (*file)->view()->blocks) (void)(*file)->read(*block);
  const auto before = (*file)->entries();
  TextDocument document;
  document.entry.blob = 7;
  document.texts = {"A", "", "B"};
  std::vector<TextDocument> documents;
  documents.push_back(document);
  if (!(*file)->append(std::move(documents)) || (*file)->entries() != before + 1) std::abort();
  const auto last = (*file)->view()->blocks.back();
  const auto read = (*file)->read(*last);
  if (!read || read->front().texts != document.texts) std::abort();
  (*file)->retire((*file)->view()->blocks);
  if (!(*file)->view()->blocks.empty()) std::abort();
  file->reset();
  ::unlink(path().c_str());
  return 0;
}
