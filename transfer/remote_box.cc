// SPDX-License-Identifier: Apache-2.0
#include "transfer/remote_box.h"

#include "store/spool.h"

namespace postern::transfer {

namespace {

using wire::Operation;
using wire::Packer;
using wire::Unpacker;

constexpr std::size_t flush_octets = 256 * 1024;
constexpr std::size_t folder_octets = 4 + 4 + 1 + 4 + 4 + 8 + 8 + 4;
constexpr std::size_t row_octets = 4 + 8;

Packer request(Operation operation) {
  Packer out;
  out.begin();
  out.u8(static_cast<std::uint8_t>(operation));
  return out;
}

std::vector<std::string> unpack_texts(Unpacker& in) {
  std::vector<std::string> out;
  const auto count = in.count(4);
  for (std::size_t i = 0; i < count; ++i) out.emplace_back(in.text());
  return out;
}

Error ended(const Error& error) {
  if (error.kind != ErrorKind::closed) return error;
  return {ErrorKind::closed, "the server ended the exchange; its log says why. Run the same command again to go on"};
}

}  // namespace

Task<Result<std::string>> RemoteBox::answer() {
  auto block = co_await wire::read_block(stream_);
  if (!block) co_return std::unexpected(ended(block.error()));
  Unpacker in(*block);
  if (in.u8() == 0) {
    block->erase(0, 1);
    co_return block;
  }
  co_return std::unexpected(wire::unpack_error(in));
}

Task<Result<std::string>> RemoteBox::ask(Packer request) {
  request.end();
  if (auto sent = co_await stream_.write(request.take()); !sent) co_return std::unexpected(ended(sent.error()));
  co_return co_await answer();
}

Task<Result<std::string>> RemoteBox::login() {
  const auto values = co_await ask(request(Operation::login));
  if (!values) co_return std::unexpected(values.error());
  Unpacker in(*values);
  co_return std::string(in.text());
}

Task<Result<std::vector<BoxFolder>>> RemoteBox::folders() {
  const auto values = co_await ask(request(Operation::folders));
  if (!values) co_return std::unexpected(values.error());
  Unpacker in(*values);
  std::vector<BoxFolder> out;
  const auto count = in.count(folder_octets);
  for (std::size_t i = 0; i < count; ++i) out.push_back(wire::unpack_folder(in));
  if (!in.done()) co_return wire::malformed();
  co_return out;
}

Task<Result<std::vector<std::string>>> RemoteBox::subscriptions() {
  const auto values = co_await ask(request(Operation::subscriptions));
  if (!values) co_return std::unexpected(values.error());
  Unpacker in(*values);
  co_return unpack_texts(in);
}

Task<Result<store::Quota>> RemoteBox::quota() {
  const auto values = co_await ask(request(Operation::quota));
  if (!values) co_return std::unexpected(values.error());
  Unpacker in(*values);
  co_return wire::unpack_quota(in);
}

Task<Result<BoxFolder>> RemoteBox::make(std::string name) {
  auto out = request(Operation::make);
  out.text(name);
  const auto values = co_await ask(std::move(out));
  if (!values) co_return std::unexpected(values.error());
  Unpacker in(*values);
  auto folder = wire::unpack_folder(in);
  if (!in.done()) co_return wire::malformed();
  co_return folder;
}

Task<Result<>> RemoteBox::subscribe(std::string name) {
  auto out = request(Operation::subscribe);
  out.text(name);
  const auto values = co_await ask(std::move(out));
  co_return values ? Result<>() : Result<>(std::unexpected(values.error()));
}

Task<Result<std::vector<bool>>> RemoteBox::known(std::vector<std::string> keys) {
  auto out = request(Operation::known);
  out.u32(static_cast<std::uint32_t>(keys.size()));
  for (const auto& key : keys) out.text(key);
  const auto values = co_await ask(std::move(out));
  if (!values) co_return std::unexpected(values.error());
  if (values->size() != keys.size()) co_return wire::malformed();
  std::vector<bool> known;
  for (const char flag : *values) known.push_back(flag != 0);
  co_return known;
}

std::unique_ptr<store::Spool> RemoteBox::spool() { return store::make_spool(spool_folder_); }

Task<Result<>> RemoteBox::send_body(const store::Body& body, Packer& out) {
  if (body.descriptor() < 0) {
    out.raw(body.memory());
    co_return Result<>();
  }
  std::string piece(flush_octets, '\0');
  for (std::uint64_t at = 0; at < body.size();) {
    const auto n = body.read(at, piece);
    if (!n) co_return std::unexpected(n.error());
    if (*n == 0) co_return fail(ErrorKind::io, "a spooled message is shorter than it was");
    at += *n;
    out.raw(std::string_view(piece).substr(0, *n));
    if (auto sent = co_await stream_.write(out.take()); !sent) co_return sent;
  }
  co_return Result<>();
}

Task<Result<>> RemoteBox::append(store::MailboxId mailbox, std::vector<store::NewMessage> messages) {
  auto out = request(Operation::append);
  out.u32(mailbox);
  out.u32(static_cast<std::uint32_t>(messages.size()));
  out.end();
  for (auto& message : messages) {
    out.begin();
    wire::pack(out, message);
    out.end();
    if (auto sent = co_await send_body(*message.body, out); !sent) co_return std::unexpected(ended(sent.error()));
    message.body.reset();
    if (out.size() < flush_octets) continue;
    if (auto sent = co_await stream_.write(out.take()); !sent) co_return std::unexpected(ended(sent.error()));
  }
  const auto sent = co_await stream_.write(out.take());
  co_return sent ? Result<>() : Result<>(std::unexpected(ended(sent.error())));
}

Task<Result<std::uint64_t>> RemoteBox::outcome() {
  const auto values = co_await answer();
  if (!values) co_return std::unexpected(values.error());
  Unpacker in(*values);
  co_return in.u64();
}

Task<Result<Listing>> RemoteBox::listing(store::MailboxId mailbox) {
  auto out = request(Operation::listing);
  out.u32(mailbox);
  const auto values = co_await ask(std::move(out));
  if (!values) co_return std::unexpected(values.error());
  Unpacker in(*values);
  Listing listing;
  listing.keywords = unpack_texts(in);
  const auto rows = in.u64();
  if (!in.done() || rows > UINT32_MAX) co_return wire::malformed();
  while (listing.rows.size() < rows) {
    const auto block = co_await wire::read_block(stream_);
    if (!block) co_return std::unexpected(ended(block.error()));
    Unpacker part(*block);
    if (block->size() % row_octets != 0) co_return wire::malformed();
    for (std::size_t i = 0; i < block->size() / row_octets; ++i) {
      const auto uid = part.u32();
      listing.rows.push_back({uid, part.u64()});
    }
  }
  co_return listing;
}

Task<Result<>> RemoteBox::take_message(Unpacker& in, MessageSink& sink) {
  MessageSink::Head head;
  head.uid = in.u32();
  head.internal_date = static_cast<UnixTime>(in.u64());
  head.size = in.u64();
  if (!in.done()) co_return wire::malformed();
  if (auto begun = co_await sink.begin(head); !begun) co_return begun;
  for (auto left = head.size; left > 0;) {
    const auto piece = co_await stream_.read_chunk(static_cast<std::size_t>(std::min<std::uint64_t>(left, flush_octets)));
    if (!piece) co_return std::unexpected(ended(piece.error()));
    left -= piece->size();
    if (auto taken = co_await sink.take(*piece); !taken) co_return taken;
  }
  co_return co_await sink.end();
}

Task<Result<>> RemoteBox::read(store::MailboxId mailbox, std::vector<store::Uid> uids, MessageSink& sink) {
  auto out = request(Operation::read);
  out.u32(mailbox);
  out.u32(static_cast<std::uint32_t>(uids.size()));
  for (const auto uid : uids) out.u32(uid);
  if (const auto begun = co_await ask(std::move(out)); !begun) co_return std::unexpected(begun.error());
  for (;;) {
    const auto block = co_await wire::read_block(stream_);
    if (!block) co_return std::unexpected(ended(block.error()));
    Unpacker in(*block);
    Result<> done;
    switch (static_cast<wire::Item>(in.u8())) {
      case wire::Item::message: done = co_await take_message(in, sink); break;
      case wire::Item::lost: {
        const auto uid = in.u32();
        done = co_await sink.lost(uid, std::string(in.text()));
        break;
      }
      case wire::Item::end: co_return Result<>();
      default: done = wire::malformed();
    }
    if (!done) co_return done;
  }
}

}  // namespace postern::transfer
