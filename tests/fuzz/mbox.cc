// SPDX-License-Identifier: Apache-2.0
// An mbox file of any octets: the scanner ends, its messages lie in order inside of the file, and a second pass over a message
// gives what the first one counted.
#include <sys/mman.h>

#include <cstdlib>

#include "transfer/mbox_source.h"

namespace {

using namespace postern;
using transfer::LineReader;

std::uint64_t read_again(int fd, const transfer::MboxSpan& span, transfer::MboxQuoting quoting) {
  std::uint64_t size = 0;
  transfer::MboxText text(quoting, [&](std::string_view piece) -> Result<> {
    size += piece.size();
    return {};
  });
  LineReader lines(fd, span.begin, span.end);
  LineReader::Line line;
  for (auto more = lines.next(line); more && *more; more = lines.next(line)) (void)text.add(line);
  (void)text.finish(span.counted);
  return size;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const unsigned char* data, std::size_t size) {
  const UniqueFd file(::memfd_create("mbox", MFD_CLOEXEC));
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  if (!write_all_at(file.get(), bytes, 0)) return 0;
  for (const auto quoting : {transfer::MboxQuoting::rd, transfer::MboxQuoting::none}) {
    transfer::MboxScanner scanner(file.get(), size, quoting);
    std::uint64_t position = 0;
    for (auto found = scanner.next(); found && *found; found = scanner.next()) {
      const auto& span = **found;
      if (span.begin < position || span.end < span.begin || span.end > size) std::abort();
      if (read_again(file.get(), span, quoting) != span.size) std::abort();
      position = span.end;
    }
  }
  (void)transfer::parse_from_line(bytes);
  transfer::MboxMarks marks;
  (void)transfer::take_mbox_field(bytes, marks);
  return 0;
}
