// SPDX-License-Identifier: Apache-2.0
// The message is read three times: for its tree, for its octets above 127, and to write the copy. Few messages come here.
#include "outbound/seven_bit.h"

#include "mime/header.h"
#include "mime/seven_bit.h"

namespace postern::outbound {

namespace {

constexpr std::size_t block = 64 * 1024;  ///< octets read at once
constexpr std::string_view our_signature = "DKIM-Signature";

/// A prefix and a body that was just made.
class Copy final : public store::BodyReader {
 public:
  Copy(std::string prefix, store::BodyPtr body) : prefix_(std::move(prefix)), body_(std::move(body)) {}

  std::uint64_t size() const override { return prefix_.size() + body_->size(); }

  async::Task<Result<std::string_view>> read(std::uint64_t offset, std::size_t most) override {
    if (offset < prefix_.size()) co_return std::string_view(prefix_).substr(static_cast<std::size_t>(offset), most);
    buffer_.resize(std::min(most, block));
    const auto got = body_->read(offset - prefix_.size(), buffer_);
    if (!got) co_return std::unexpected(got.error());
    co_return std::string_view(buffer_).substr(0, *got);
  }

 private:
  std::string prefix_;
  store::BodyPtr body_;
  std::string buffer_;
};

/// Hands all behind `from` to `use`, piece by piece.
async::Task<Result<>> read_from(store::BodyReader& reader, std::uint64_t from,
                                const std::function<Result<>(std::string_view)>& use) {
  for (std::uint64_t at = from; at < reader.size();) {
    const auto piece = co_await reader.read(at, block);
    if (!piece) co_return std::unexpected(piece.error());
    if (piece->empty()) co_return fail(ErrorKind::io, "the message ended before its size");
    at += piece->size();
    if (auto used = use(*piece); !used) co_return used;
  }
  co_return Result<>();
}

bool has_field(std::string_view header, std::string_view name) {
  std::size_t position = 0;
  while (const auto field = mime::next_field(header, position)) {
    if (field->is(name)) return true;
  }
  return false;
}

/// The prefix without the signatures that the door put on top of it.
std::string without_signatures(std::string_view prefix) {
  std::string out;
  std::size_t position = 0;
  while (const auto field = mime::next_field(prefix, position)) {
    if (!field->is(our_signature)) out += prefix.substr(field->begin, field->end - field->begin);
  }
  return out;
}

/// What is known of a message before it is written anew.
struct Survey {
  mime::PartTree tree;
  std::vector<mime::Recoding> plan;  ///< empty: the message stays
  std::string header;                ///< as accepted, without the prefix
};

async::Task<Result<Survey>> survey(const store::QueueEntry& entry, store::BodyReader& whole) {
  Survey out;
  mime::PartParser parser;
  std::string start;
  const auto parsed = co_await read_from(whole, entry.prefix.size(), [&](std::string_view piece) -> Result<> {
    parser.feed(piece);
    if (start.size() < mime::max_header_block) start += piece;
    return {};
  });
  if (!parsed) co_return std::unexpected(parsed.error());
  out.tree = parser.finish();
  out.header = start.substr(0, mime::find_header_end(start).fields_end);
  mime::HighOctets octets(out.tree);
  const auto counted = co_await read_from(whole, entry.prefix.size(), [&](std::string_view piece) -> Result<> {
    octets.feed(piece);
    return {};
  });
  if (!counted) co_return std::unexpected(counted.error());
  auto plan = octets.any() ? mime::plan_seven_bit(out.tree, octets) : std::nullopt;
  if (plan) out.plan = std::move(*plan);
  co_return out;
}

/// Whether a signature would break that no other of ours makes up for.
bool breaks_a_signature(const store::QueueEntry& entry, std::string_view header, bool ours) {
  const bool sealed = has_field(entry.prefix, "ARC-Seal") || has_field(header, "ARC-Seal");
  return !ours && (sealed || has_field(header, our_signature));
}

async::Task<Result<store::BodyPtr>> write_copy(const SevenBitTools& tools, const store::QueueEntry& entry,
                                               store::BodyReader& whole, const Survey& known) {
  auto spool = tools.spool();
  mime::Recoder recoder(known.tree, known.plan);
  std::string out;
  // RFC 2045 §4: only with it the field for the encoding means anything.
  if (!has_field(known.header, "MIME-Version")) out = "MIME-Version: 1.0\r\n";
  const auto written = co_await read_from(whole, entry.prefix.size(), [&](std::string_view piece) -> Result<> {
    recoder.feed(piece, out);
    auto done = spool->write(out);
    out.clear();
    return done;
  });
  if (!written) co_return std::unexpected(written.error());
  recoder.finish(out);
  if (const auto done = spool->write(out); !done) co_return std::unexpected(done.error());
  co_return spool->finish();
}

}  // namespace

async::Task<Result<std::unique_ptr<store::BodyReader>>> to_seven_bit(const SevenBitTools& tools, const store::QueueEntry& entry,
                                                                     store::BodyReader& whole) {
  const auto known = co_await survey(entry, whole);
  if (!known) co_return std::unexpected(known.error());
  const bool ours = tools.signer != nullptr && has_field(entry.prefix, our_signature);
  if (known->plan.empty() || breaks_a_signature(entry, known->header, ours)) co_return nullptr;
  auto body = co_await write_copy(tools, entry, whole, *known);
  if (!body) co_return std::unexpected(body.error());
  std::string prefix = entry.prefix;
  if (ours) {
    const auto signatures = co_await tools.signer->sign(*body);
    if (!signatures) co_return std::unexpected(signatures.error());
    prefix = *signatures + without_signatures(entry.prefix);
  }
  co_return std::make_unique<Copy>(std::move(prefix), std::move(*body));
}

}  // namespace postern::outbound
