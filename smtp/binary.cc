// SPDX-License-Identifier: Apache-2.0
// Binary content becomes base64; see binary.h.
#include "smtp/binary.h"

#include <functional>
#include <vector>

#include "async/executor.h"
#include "mime/part.h"
#include "mime/recoder.h"
#include "smtp/data.h"

namespace postern::smtp {
namespace {

namespace status = mail::status;

/// Octets read at once; others get their turn after each.
constexpr std::size_t piece = 256 * 1024;

using Step = std::function<Result<>(std::string_view)>;

/// Hands the whole body to `step`, piece by piece.
async::Task<Result<>> read_all(const store::Body& body, const Step& step) {
  std::vector<char> buffer(piece);
  for (std::uint64_t offset = 0; offset < body.size();) {
    const auto read = body.read(offset, buffer);
    if (!read) co_return std::unexpected(read.error());
    if (*read == 0) co_return fail(ErrorKind::io, "the message ends too early");
    if (auto done = step({buffer.data(), *read}); !done) co_return done;
    offset += *read;
    co_await async::yield();
  }
  co_return Result<>{};
}

/// What was sent as binary and is not labelled so.
Refusal fault_of(const LineChecker& lines) {
  switch (lines.problem()) {
    case LineProblem::none: return std::nullopt;
    case LineProblem::too_long: return reply(status::text_line_too_long);
    case LineProblem::nul:
    case LineProblem::bare_line_end: break;
  }
  return reply(status::bad_message, "NUL, or CR or LF alone, outside of parts with Content-Transfer-Encoding: binary");
}

}  // namespace

async::Task<std::expected<store::BodyPtr, Reply>> encode_binary(store::BodyPtr body, std::unique_ptr<store::Spool> spool,
                                                                std::size_t max_line) {
  mime::PartParser parser;
  const Step parse = [&parser](std::string_view bytes) {
    parser.feed(bytes);
    return Result<>{};
  };
  if (const auto read = co_await read_all(*body, parse); !read) co_return std::unexpected(reply_for(read.error()));
  const auto tree = parser.finish();
  if (tree.truncated) co_return std::unexpected(reply(status::bad_message, "Too many parts to be sent as binary"));
  mime::Recoder recoder(tree, mime::without_binary(tree));
  LineChecker lines(max_line);
  std::string out;
  const Step write = [&](std::string_view bytes) -> Result<> {
    out.clear();
    recoder.feed(bytes, out);
    lines.feed(out);
    return spool->write(out);
  };
  if (const auto read = co_await read_all(*body, write); !read) co_return std::unexpected(reply_for(read.error()));
  out.clear();
  recoder.finish(out);
  lines.feed(out);
  if (!lines.at_line_start() && lines.problem() == LineProblem::none) {
    out += "\r\n";
    lines.feed("\r\n");
  }
  lines.finish();
  if (auto fault = fault_of(lines)) co_return std::unexpected(std::move(*fault));
  if (const auto written = spool->write(out); !written) co_return std::unexpected(reply_for(written.error()));
  auto done = spool->finish();
  if (!done) co_return std::unexpected(reply_for(done.error()));
  co_return std::move(*done);
}

}  // namespace postern::smtp
