// SPDX-License-Identifier: Apache-2.0
// DMARC reports of strangers, packed or not: unpacking and reading are bounded, and what was read can be written and read again.
#include "policy/dmarc_report.h"

#include <cstdint>
#include <cstdlib>

#include "policy/report_archive.h"

using namespace postern::policy;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  if (const auto files = unpack_reports(text, std::size_t{1} << 20); files && files->size() > unpacked_files_max) std::abort();
  const auto report = read_report(text);
  if (!report) return 0;
  const auto again = read_report(write_report(*report));
  if (!again || *again != *report) std::abort();
  return 0;
}
