// SPDX-License-Identifier: Apache-2.0
// libarchive over memory: reading takes gzip and zip and no other format.
#include "policy/report_archive.h"

#include <archive.h>
#include <archive_entry.h>

#include <algorithm>
#include <array>
#include <memory>

#include "base/ascii.h"
#include "base/encoding.h"

namespace postern::policy {
namespace {

struct FreeArchive {
  void operator()(archive* handle) const { archive_free(handle); }
};
using Handle = std::unique_ptr<archive, FreeArchive>;

constexpr std::size_t piece = 64 * 1024;

std::unexpected<Error> invalid(archive* handle) {
  const char* const why = archive_error_string(handle);
  return fail(ErrorKind::invalid,
              std::string("neither XML, JSON, gzip nor zip") + (why == nullptr ? "" : std::string(": ") + why));
}

/// One file of the archive; `left` is what all of them may still have.
Result<std::string> read_file(archive* handle, std::size_t& left) {
  std::string out;
  std::array<char, piece> buffer{};
  while (true) {
    const auto size = archive_read_data(handle, buffer.data(), buffer.size());
    if (size < 0) return invalid(handle);
    if (size == 0) return out;
    const auto octets = static_cast<std::size_t>(size);
    if (octets > left) return fail(ErrorKind::too_large, "the archive unpacks to too much");
    left -= octets;
    out.append(buffer.data(), octets);
  }
}

}  // namespace

Result<std::vector<std::string>> unpack_reports(std::string_view bytes, std::size_t octets_max) {
  if (ascii::trim(bytes).starts_with('<') || ascii::trim(bytes).starts_with('{') ||
      ascii::trim(bytes).starts_with("\xEF\xBB\xBF<")) {
    if (bytes.size() > octets_max) return fail(ErrorKind::too_large, "the report is too large");
    return std::vector<std::string>{std::string(bytes)};
  }
  const Handle handle(archive_read_new());
  archive_read_support_filter_gzip(handle.get());
  archive_read_support_format_zip_streamable(handle.get());
  archive_read_support_format_raw(handle.get());
  if (archive_read_open_memory(handle.get(), bytes.data(), bytes.size()) != ARCHIVE_OK) return invalid(handle.get());
  std::vector<std::string> out;
  std::size_t left = octets_max;
  archive_entry* entry = nullptr;
  int state = ARCHIVE_OK;
  while ((state = archive_read_next_header(handle.get(), &entry)) == ARCHIVE_OK) {
    // The raw format takes anything: without a gzip around it, it is no archive of ours.
    const bool raw = archive_format(handle.get()) == ARCHIVE_FORMAT_RAW;
    if (raw && archive_filter_code(handle.get(), 0) != ARCHIVE_FILTER_GZIP) return invalid(handle.get());
    if (out.size() >= unpacked_files_max) return fail(ErrorKind::limit, "more than 10 files in the archive");
    auto file = read_file(handle.get(), left);
    if (!file) return std::unexpected(file.error());
    if (!file->empty()) out.push_back(std::move(*file));
  }
  if (state != ARCHIVE_EOF || out.empty()) return invalid(handle.get());
  return out;
}

Result<std::string> gzip(std::string_view bytes) {
  const Handle handle(archive_write_new());
  archive_write_set_format_raw(handle.get());
  archive_write_add_filter_gzip(handle.get());
  archive_write_set_bytes_in_last_block(handle.get(), 1);
  std::string out(bytes.size() + piece, '\0');  // deflate grows by a few octets in the worst case
  std::size_t used = 0;
  const std::unique_ptr<archive_entry, decltype(&archive_entry_free)> entry(archive_entry_new(), archive_entry_free);
  archive_entry_set_filetype(entry.get(), AE_IFREG);
  const bool done = archive_write_open_memory(handle.get(), out.data(), out.size(), &used) == ARCHIVE_OK &&
                    archive_write_header(handle.get(), entry.get()) == ARCHIVE_OK &&
                    archive_write_data(handle.get(), bytes.data(), bytes.size()) == static_cast<la_ssize_t>(bytes.size()) &&
                    archive_write_close(handle.get()) == ARCHIVE_OK;
  if (!done) return fail(ErrorKind::internal, "gzip failed");
  out.resize(used);
  return out;
}

std::string reported_text(std::string_view text) {
  std::string out;
  for (std::size_t i = 0; i < text.size() && out.size() < reported_text_max;) {
    const auto size = utf8_sequence(text.substr(i));
    const bool good = size > 0 && !ascii::is_ctl(text[i]);
    out += good ? std::string(text.substr(i, size)) : "?";
    i += std::max<std::size_t>(size, 1);
  }
  return out;
}

}  // namespace postern::policy
