// SPDX-License-Identifier: Apache-2.0
// Authentication-Results: reading ends and is bounded; what is written from it is one well-formed field that reads the same.
#include "policy/authentication_results.h"

#include <cstdint>
#include <cstdlib>

using namespace postern::policy;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto results = read_results({reinterpret_cast<const char*>(data), size});
  if (results.size() > results_max) std::abort();
  const auto field = write_results("mx.example.org", results);
  if (!field.ends_with("\r\n")) std::abort();
  for (std::size_t i = 0; i + 2 < field.size(); ++i) {
    const bool line_end = field[i] == '\r' || field[i] == '\n';
    if (field[i] == '\r' && (field[i + 1] != '\n' || field[i + 2] != '\t')) std::abort();
    if (!line_end && static_cast<unsigned char>(field[i]) < ' ' && field[i] != '\t') std::abort();
  }
  const auto again = read_results(std::string_view(field).substr(field.find(':') + 1));
  for (std::size_t i = 0; i < again.size(); ++i) {
    if (again[i].method != results[i].method || again[i].result != results[i].result) std::abort();
  }
  return 0;
}
