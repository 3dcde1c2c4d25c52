// SPDX-License-Identifier: Apache-2.0
#include "transfer/box_server.h"

#include "transfer/wire.h"

namespace postern::transfer {

namespace {

using wire::Operation;
using wire::Packer;
using wire::Unpacker;

constexpr std::size_t flush_octets = 256 * 1024;
constexpr std::chrono::hours patience{1};  ///< a remote source may be slow

/// Sends messages as the wire has them.
class WireSink final : public MessageSink {
 public:
  explicit WireSink(net::Connection& stream) : stream_(stream) {}
  Task<Result<>> begin(Head head) override {
    Packer out;
    out.begin();
    out.u8(static_cast<std::uint8_t>(wire::Item::message));
    out.u32(head.uid);
    out.u64(static_cast<std::uint64_t>(head.internal_date));
    out.u64(head.size);
    out.end();
    stream_.append(out.take());
    co_return Result<>();
  }
  Task<Result<>> take(std::string_view bytes) override {
    if (stream_.pending_output() + bytes.size() > flush_octets) co_return co_await stream_.write(bytes);
    stream_.append(bytes);
    co_return Result<>();
  }
  Task<Result<>> end() override { co_return Result<>(); }
  Task<Result<>> lost(store::Uid uid, std::string why) override {
    Packer out;
    out.begin();
    out.u8(static_cast<std::uint8_t>(wire::Item::lost));
    out.u32(uid);
    out.text(why);
    out.end();
    stream_.append(out.take());
    co_return Result<>();
  }

 private:
  net::Connection& stream_;
};

class Server {
 public:
  Server(Box& box, net::Connection& stream) : box_(box), stream_(stream) {}

  Task<> run() {
    for (;;) {
      // A server that stops ends the conversation between two requests.
      const auto wake = co_await stream_.wait_input_until(std::chrono::steady_clock::now() + patience);
      if (!wake || *wake != net::Wake::input) break;
      const auto block = co_await wire::read_block(stream_);
      if (!block) break;
      Unpacker in(*block);
      const auto operation = static_cast<Operation>(in.u8());
      if (auto done = co_await answer(operation, in); !done) break;
      if (auto flushed = co_await stream_.flush(); !flushed) break;
    }
  }

 private:
  /// An error ends the conversation; errors of the box are answered.
  Task<Result<>> answer(Operation operation, Unpacker& in) {
    switch (operation) {
      case Operation::login: co_return reply(co_await box_.login(), [](Packer& out, const auto& v) { out.text(v); });
      case Operation::folders: co_return reply(co_await box_.folders(), &pack_folders);
      case Operation::subscriptions: co_return reply(co_await box_.subscriptions(), &pack_texts);
      case Operation::quota: co_return reply(co_await box_.quota(), [](Packer& out, const auto& v) { wire::pack(out, v); });
      case Operation::make: {
        std::string name(in.text());
        co_return reply(co_await box_.make(std::move(name)), [](Packer& out, const auto& v) { wire::pack(out, v); });
      }
      case Operation::subscribe: co_return reply(co_await box_.subscribe(std::string(in.text())));
      case Operation::known: co_return co_await known(in);
      case Operation::append: co_return co_await append(in);
      case Operation::listing: co_return co_await listing(in.u32());
      case Operation::read: co_return co_await read(in);
    }
    co_return wire::malformed();
  }

  static void pack_folders(Packer& out, const std::vector<BoxFolder>& folders) {
    out.u32(static_cast<std::uint32_t>(folders.size()));
    for (const auto& folder : folders) wire::pack(out, folder);
  }
  static void pack_texts(Packer& out, const std::vector<std::string>& texts) {
    out.u32(static_cast<std::uint32_t>(texts.size()));
    for (const auto& text : texts) out.text(text);
  }

  template <class T, class F>
  Result<> reply(const Result<T>& value, F pack_value) {
    Packer out;
    out.begin();
    if (value) {
      out.u8(0);
      pack_value(out, *value);
    } else {
      wire::pack_error(out, value.error());
    }
    out.end();
    stream_.append(out.take());
    return {};
  }
  Result<> reply(const Result<>& done) {
    if (!done) return reply(Result<int>(std::unexpected(done.error())), [](Packer&, int) {});
    return reply(Result<int>(0), [](Packer&, int) {});
  }

  Task<Result<>> known(Unpacker& in) {
    std::vector<std::string> keys;
    const auto count = in.count(1);
    for (std::size_t i = 0; i < count; ++i) keys.emplace_back(in.text());
    if (!in.done() || count > max_keys) co_return wire::malformed();
    co_return reply(co_await box_.known(std::move(keys)), [](Packer& out, const std::vector<bool>& flags) {
      for (const bool flag : flags) out.u8(flag ? 1 : 0);
    });
  }

  Task<Result<>> append(Unpacker& in) {
    const auto mailbox = in.u32();
    const auto count = in.u32();
    if (!in.done() || count == 0 || count > max_append) co_return wire::malformed();
    std::vector<store::NewMessage> messages;
    for (std::uint32_t i = 0; i < count; ++i) {
      auto message = co_await receive();
      if (!message) co_return std::unexpected(message.error());
      messages.push_back(*std::move(message));
    }
    if (auto taken = co_await box_.append(mailbox, std::move(messages)); !taken) co_return reply(taken);
    co_return reply(co_await box_.outcome(), [](Packer& out, std::uint64_t added) { out.u64(added); });
  }

  Task<Result<store::NewMessage>> receive() {
    const auto block = co_await wire::read_block(stream_);
    if (!block) co_return std::unexpected(block.error());
    store::NewMessage message;
    Unpacker in(*block);
    const auto size = wire::unpack_message(in, message);
    if (!in.done()) co_return wire::malformed();
    const auto spool = box_.spool();
    if (auto read = co_await wire::read_body(stream_, size, *spool); !read) co_return std::unexpected(read.error());
    auto body = spool->finish();
    if (!body) co_return std::unexpected(body.error());
    message.body = *std::move(body);
    co_return message;
  }

  Task<Result<>> listing(store::MailboxId mailbox) {
    const auto listing = co_await box_.listing(mailbox);
    if (auto replied = reply(listing,
                             [](Packer& out, const Listing& v) {
                               pack_texts(out, v.keywords);
                               out.u64(v.rows.size());
                             });
        !listing || !replied)
      co_return replied;
    for (std::size_t next = 0; next < listing->rows.size();) {
      Packer out;
      out.begin();
      for (std::size_t i = 0; i < wire::rows_a_block && next < listing->rows.size(); ++i, ++next) {
        out.u32(listing->rows[next].uid);
        out.u64(listing->rows[next].flags);
      }
      out.end();
      if (auto sent = co_await stream_.write(out.take()); !sent) co_return sent;
    }
    co_return Result<>();
  }

  Task<Result<>> read(Unpacker& in) {
    const auto mailbox = in.u32();
    std::vector<store::Uid> uids;
    const auto count = in.count(4);
    for (std::size_t i = 0; i < count; ++i) uids.push_back(in.u32());
    if (!in.done() || count > max_read_uids) co_return wire::malformed();
    (void)reply(Result<>());
    WireSink sink(stream_);
    const auto done = co_await box_.read(mailbox, std::move(uids), sink);
    // In the middle of a message there is no place for an error: the conversation ends, and the log has it.
    if (!done) co_return done;
    Packer out;
    out.begin();
    out.u8(static_cast<std::uint8_t>(wire::Item::end));
    out.end();
    stream_.append(out.take());
    co_return Result<>();
  }

  Box& box_;
  net::Connection& stream_;
};

}  // namespace

Task<> serve_box(Box& box, net::Connection& stream) {
  Server server(box, stream);
  co_await server.run();
}

}  // namespace postern::transfer
