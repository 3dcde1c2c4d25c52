// SPDX-License-Identifier: Apache-2.0
// RETR and TOP: a stored message as a multi-line response, read and sent in pieces.
#include "base/cursor.h"
#include "pop3/commands.h"

namespace postern::pop3 {

namespace {

constexpr std::size_t piece = 64 * 1024;      ///< octets read from the store at a time
constexpr std::size_t flush_at = 128 * 1024;  ///< octets of output kept back at most

/// The message in pieces: its start from the maildrop's memory, the rest from the store.
class Source {
 public:
  Source(Maildrop& maildrop, const Maildrop::Message& message) : maildrop_(maildrop), message_(message) {}
  /// Octets in all; asked first.
  async::Task<Result<std::uint64_t>> open() {
    start_ = co_await maildrop_.start_of(message_);
    if (start_.size() >= message_.size && message_.size > 0) co_return message_.size;
    auto reader = co_await maildrop_.body(message_);
    if (!reader) co_return std::unexpected(reader.error());
    reader_ = *std::move(reader);
    co_return reader_->size();
  }
  async::Task<Result<std::string_view>> read(std::uint64_t at) {
    if (at < start_.size()) co_return start_.substr(static_cast<std::size_t>(at), piece);
    co_return co_await reader_->read(at, piece);
  }

 private:
  Maildrop& maildrop_;
  const Maildrop::Message& message_;
  std::string_view start_;
  std::unique_ptr<store::BodyReader> reader_;
};

// Sends the message up to where the cutter ends it; without cutter the whole.
async::Task<Reply> send_message(Session& session, const Maildrop::Message& message, TopCutter* cutter) {
  Source source(session.maildrop(), message);
  const auto octets = co_await source.open();
  if (!octets) co_return Reply::error("message is not readable now", "SYS/TEMP");
  auto& connection = session.connection();
  DotStuffer stuffer;
  std::string out = fmt::format("+OK {} octets\r\n", message.size);
  for (std::uint64_t at = 0; at < *octets && !(cutter && cutter->done());) {
    auto part = co_await source.read(at);
    if (!part || part->empty()) {
      session.services().log.error("pop3", "message not readable",
                                   {{"uid", message.uid}, {"error", part ? "cut short" : part.error().text}});
      co_return Reply::hang_up();
    }
    at += part->size();
    stuffer.append(cutter ? cutter->take(*part) : *part, out);
    if (out.size() >= flush_at) {
      if (auto sent = co_await connection.write(out); !sent) co_return Reply::hang_up();
      out.clear();
    }
  }
  stuffer.finish(out);
  Reply reply;
  reply.text = std::move(out);
  co_return reply;
}

}  // namespace

namespace commands {

// RFC 1939 §5
async::Task<Reply> retr(Session& session, std::string_view argument) {
  const auto number = parse_number(argument);
  const auto* message = number ? session.maildrop().find(*number) : nullptr;
  if (!message) co_return no_such_message(session);
  co_return co_await send_message(session, *message, nullptr);
}

// RFC 1939 §7: TOP msg n
async::Task<Reply> top(Session& session, std::string_view argument) {
  const auto parameters = split_parameters(argument);
  if (parameters.size() != 2) co_return Reply::error("TOP needs a message and a number of lines");
  Cursor lines_text(parameters[1]);
  const auto lines = lines_text.take_number();
  if (!lines || !lines_text.at_end()) co_return Reply::error("TOP needs a number of lines");
  const auto number = parse_number(parameters[0]);
  const auto* message = number ? session.maildrop().find(*number) : nullptr;
  if (!message) co_return no_such_message(session);
  TopCutter cutter(*lines);
  co_return co_await send_message(session, *message, &cutter);
}

}  // namespace commands

}  // namespace postern::pop3
