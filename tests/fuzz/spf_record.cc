// SPDX-License-Identifier: Apache-2.0
// SPF: a record and an explanation of an outsider against a client and a sender; every check ends with a bounded number of
// questions, and explanations are printable. The first line is the record of example.com, the second that of other names.
#include <cstdint>
#include <cstdlib>

#include "async/executor.h"
#include "policy/spf.h"

using namespace postern;

namespace {

/// Answers every question with the fuzzer's text, in the shape that was asked for.
class Echo final : public dns::Resolver {
 public:
  explicit Echo(std::string_view text) : text_(text) {}
  async::Task<dns::RawAnswer> query(std::string name, dns::Type type) override {
    ++queries;
    dns::RawAnswer out;
    out.status = dns::Status::ok;
    const auto line = text_.find('\n');
    const bool first = name == "example.com" || line == std::string_view::npos;
    const auto record = first ? text_.substr(0, line) : text_.substr(line + 1);
    if (type == dns::Type::txt) {
      out.records.push_back(text_data(record));
    } else if (type == dns::Type::a || type == dns::Type::aaaa) {
      out.records.push_back(std::string(type == dns::Type::a ? 4 : 16, '\1'));
    } else {
      out.records.emplace_back("\0\1\1a\7example\0", 12);
    }
    co_return out;
  }
  std::size_t queries = 0;

 private:
  static std::string text_data(std::string_view text) {
    std::string out;
    for (; !text.empty(); text.remove_prefix(std::min<std::size_t>(255, text.size()))) {
      const auto part = text.substr(0, 255);
      out += static_cast<char>(part.size());
      out += part;
    }
    return out;
  }
  std::string_view text_;
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  Echo echo({reinterpret_cast<const char*>(data), size});
  policy::SpfQuery query;
  query.ip = IpAddress::v4({192, 0, 2, 1});
  query.domain = "example.com";
  query.local = "a.b-c";
  query.helo = "h.example.org";
  query.receiver = "mx.example.net";
  const auto result = async::run_alone(policy::check_spf(echo, query));
  // 10 terms, each of at most 11 questions, the first record, the client's names, an explanation.
  if (echo.queries > 130) std::abort();
  for (const char c : result.explanation) {
    if (c < ' ' || c > '~') std::abort();
  }
  return 0;
}
