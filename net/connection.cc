// SPDX-License-Identifier: Apache-2.0
// Connection: input, waiting and the end of a connection. Every loop is "attempt, and wait only when that would block";
// wait_ready() is the one place where an operation suspends, and so the one place where time and stops are looked at.
#include "net/connection.h"

#include <poll.h>

#include <limits>

#include "net/deflate_stream.h"
#include "net/tls_stream.h"

namespace postern::net {

namespace {

using Clock = std::chrono::steady_clock;

/// Octets taken from the stream by one attempt: two TLS records.
constexpr std::size_t read_size = 32 * 1024;
/// Output up to this size is joined with what write() is given.
constexpr std::size_t join_limit = 16 * 1024;
/// Consumed input is cut off in front once it is larger than this.
constexpr std::size_t compact_above = 16 * 1024;
constexpr std::chrono::seconds flush_at_close_limit{10};
constexpr std::chrono::seconds drain_limit{2};
constexpr std::chrono::milliseconds drain_limit_at_stop{200};  ///< a restart shall not wait for clients that do not react
constexpr std::size_t drain_bytes = 64 * 1024;

}  // namespace

Connection::Connection(std::unique_ptr<Stream> stream, ConnectionOptions options)
    : stream_(std::move(stream)),
      local_(options.local),
      peer_(options.peer),
      timeout_(options.timeout),
      handshake_timeout_(options.handshake_timeout),
      timer_(stream_->executor(), [this] {
        expired_ = true;
        stream_->interrupt();
      }) {}

Connection::~Connection() = default;

// ---- waiting

Connection::Time Connection::operation_limit() const { return Clock::now() + timeout_; }

/// Why no operation may go on; nothing when it may.
std::optional<Error> Connection::gone(Patience patience) const {
  if (cancelled_ || closed_) return Error{ErrorKind::closed, "the connection is closed"};
  if (patience == Patience::command && stop_requested_) return Error{ErrorKind::unavailable, "the server is stopping"};
  return std::nullopt;
}

Error Connection::end_error(IoState state) {
  if (state == IoState::end) return {ErrorKind::closed, "the peer ended the connection"};
  if (state == IoState::truncated) {
    truncated_ = true;
    return {ErrorKind::closed, "the peer ended the connection without close_notify"};
  }
  truncated_ = truncated_ || is_tls();
  return {ErrorKind::io, stream_->last_error()};
}

async::Task<Result<void>> Connection::wait_ready(IoState want, Time limit, Patience patience) {
  if (auto error = gone(patience)) co_return std::unexpected(*error);
  expired_ = false;
  timer_.set(std::min(limit, overall_.value_or(Time::max())));
  waiting_command_ = patience == Patience::command;
  co_await stream_->wait(want);
  waiting_command_ = false;
  timer_.clear();
  if (auto error = gone(patience)) co_return std::unexpected(*error);
  if (expired_) co_return fail(ErrorKind::timeout, "the time for this operation has passed");
  co_return Result<void>();
}

/// An idle connection holds neither an input buffer nor a large output buffer.
void Connection::release_idle_buffers() {
  if (buffered().empty()) {
    std::string().swap(in_);
    in_position_ = 0;
  }
  if (out_.empty()) std::string().swap(out_);
}

// ---- input

/// One attempt to read; what came is appended to the buffer.
IoAttempt Connection::take_input() {
  [[clang::uninitialized]] char scratch[read_size];
  const IoAttempt attempt = stream_->try_read(scratch);
  if (attempt.state != IoState::done) return attempt;
  if (in_position_ == in_.size() || in_position_ > compact_above) {
    in_.erase(0, in_position_);
    in_position_ = 0;
  }
  in_.append(scratch, attempt.bytes);
  count_input(attempt.bytes);
  return attempt;
}

void Connection::count_input(std::size_t bytes) {
  bytes_read_ += bytes;
  if (transfer_) transfer_->window_bytes += bytes;
}

/// Called when a window or the whole transfer may be over: true when the rate was kept and the transfer may go on.
bool Connection::transfer_goes_on() {
  if (!transfer_) return false;
  const Time now = Clock::now();
  if (now >= transfer_->end) return false;
  if (now < transfer_->window_end) return true;
  const auto& limits = transfer_->limits;
  if (transfer_->window_bytes < limits.minimum_rate * static_cast<std::size_t>(limits.window.count())) return false;
  transfer_->window_end = now + limits.window;
  transfer_->window_bytes = 0;
  return true;
}

void Connection::begin_transfer(const TransferLimits& limits) {
  const Time now = Clock::now();
  transfer_ = Transfer{limits, now + limits.total, now + limits.window};
}

async::Task<Result<std::size_t>> Connection::fill_until(Time limit, Patience patience) {
  if (transfer_ && !transfer_goes_on()) co_return fail(ErrorKind::timeout, "the transfer is too slow");
  for (;;) {
    if (auto error = gone(patience)) co_return std::unexpected(*error);
    const IoAttempt attempt = take_input();
    if (attempt.state == IoState::done) co_return attempt.bytes;
    if (attempt.state != IoState::want_read && attempt.state != IoState::want_write)
      co_return std::unexpected(end_error(attempt.state));
    release_idle_buffers();
    const Time until = transfer_ ? std::min({limit, transfer_->window_end, transfer_->end}) : limit;
    auto ready = co_await wait_ready(attempt.state, until, patience);
    if (ready) continue;
    const bool next_window = ready.error().kind == ErrorKind::timeout && Clock::now() < limit && transfer_goes_on();
    if (!next_window) co_return std::unexpected(ready.error());
  }
}

async::Task<Result<std::size_t>> Connection::fill() { return fill_until(operation_limit(), Patience::any); }

void Connection::consume(std::size_t count) { in_position_ += std::min(count, in_.size() - in_position_); }

/// Cuts the line that ends at buffered()[newline], and says what is wrong with it.
Result<std::string_view> Connection::finish_line(std::size_t newline) {
  std::string_view line = buffered().substr(0, newline);
  consume(newline + 1);
  if (!line.ends_with('\r')) fault_ = LineFault::bare_lf;
  if (line.ends_with('\r')) line.remove_suffix(1);
  if (line.find('\r') != std::string_view::npos) fault_ = LineFault::bare_cr;
  if (line.find('\0') != std::string_view::npos) fault_ = LineFault::nul;
  switch (fault_) {
    case LineFault::bare_lf: return fail(ErrorKind::invalid, "the line ends with LF alone");
    case LineFault::bare_cr: return fail(ErrorKind::invalid, "the line holds a CR that is not part of CRLF");
    case LineFault::nul: return fail(ErrorKind::invalid, "the line holds a NUL octet");
    default: return line;
  }
}

async::Task<Result<std::string_view>> Connection::skip_long_line(Time limit) {
  fault_ = LineFault::too_long;
  for (;;) {
    const std::size_t newline = buffered().find('\n');
    consume(newline == std::string_view::npos ? buffered().size() : newline + 1);
    if (newline != std::string_view::npos) co_return fail(ErrorKind::too_large, "the line is too long");
    auto filled = co_await fill_until(limit, Patience::any);
    if (!filled) co_return std::unexpected(filled.error());
  }
}

async::Task<Result<std::string_view>> Connection::read_line(std::size_t limit) {
  const Time until = operation_limit();
  fault_ = LineFault::none;
  std::size_t scanned = 0;
  for (;;) {
    const std::size_t newline = buffered().find('\n', scanned);
    if (newline < limit) co_return finish_line(newline);
    if (newline != std::string_view::npos || buffered().size() >= limit) co_return co_await skip_long_line(until);
    scanned = buffered().size();
    auto filled = co_await fill_until(until, scanned == 0 ? Patience::command : Patience::any);
    if (!filled) co_return std::unexpected(filled.error());
  }
}

async::Task<Result<std::string_view>> Connection::read_chunk(std::size_t max) {
  if (buffered().empty()) {
    auto filled = co_await fill();
    if (!filled) co_return std::unexpected(filled.error());
  }
  const auto chunk = buffered().substr(0, max);
  consume(chunk.size());
  co_return chunk;
}

async::Task<Result<void>> Connection::read_exactly(std::size_t count, std::string& out) {
  while (count > 0) {
    auto chunk = co_await read_chunk(count);
    if (!chunk) co_return std::unexpected(chunk.error());
    out.append(*chunk);
    count -= chunk->size();
  }
  co_return Result<void>();
}

// ---- waiting for one of several things

/// What wait_input() may report without waiting further.
std::optional<Wake> Connection::woken(Time deadline) const {
  if (!buffered().empty()) return Wake::input;
  if (stop_requested_) return Wake::stop;
  if (event_fired_) return Wake::event;
  if (Clock::now() >= deadline) return Wake::deadline;
  return std::nullopt;
}

async::Task<Result<Wake>> Connection::wait_input(Time deadline) {
  for (;;) {
    if (auto wake = woken(deadline)) co_return *wake;
    if (auto error = gone(Patience::any)) co_return std::unexpected(*error);
    const IoAttempt attempt = take_input();
    if (attempt.state == IoState::done) continue;
    if (attempt.state != IoState::want_read && attempt.state != IoState::want_write)
      co_return std::unexpected(end_error(attempt.state));
    release_idle_buffers();
    auto ready = co_await wait_ready(attempt.state, deadline, Patience::command);
    if (ready || woken(deadline)) continue;
    co_return std::unexpected(ready.error());
  }
}

async::Task<Result<Wake>> Connection::wait_input_or(async::Event& event, std::uint64_t seen, Time deadline) {
  event_fired_ = false;
  const auto subscription = event.subscribe(seen, executor(), [this] {
    event_fired_ = true;
    stream_->interrupt();
  });
  co_return co_await wait_input(deadline);
}

async::Task<Result<Wake>> Connection::wait_input_until(Time deadline) {
  event_fired_ = false;
  co_return co_await wait_input(deadline);
}

// ---- output

/// Sends what the socket takes now, waiting first when it takes nothing; cuts it off the front of `bytes`.
async::Task<Result<void>> Connection::write_some(std::string_view& bytes) {
  const Time limit = operation_limit();
  for (;;) {
    if (auto error = gone(Patience::any)) co_return std::unexpected(*error);
    const IoAttempt attempt = stream_->try_write(bytes);
    if (attempt.state == IoState::done) {
      bytes_written_ += attempt.bytes;
      bytes.remove_prefix(attempt.bytes);
      co_return Result<void>();
    }
    if (attempt.state != IoState::want_read && attempt.state != IoState::want_write)
      co_return std::unexpected(end_error(attempt.state));
    auto ready = co_await wait_ready(attempt.state, limit, Patience::any);
    if (!ready) co_return ready;
  }
}

async::Task<Result<void>> Connection::write_rest(std::string_view bytes) {
  while (!bytes.empty()) {
    auto sent = co_await write_some(bytes);
    if (!sent) co_return sent;
  }
  co_return Result<void>();
}

async::Task<Result<void>> Connection::flush() {
  auto sent = co_await write_rest(out_);
  out_.clear();
  co_return sent;
}

async::Task<Result<void>> Connection::write(std::string_view bytes) {
  if (out_.size() + bytes.size() <= join_limit) {
    out_.append(bytes);
    co_return co_await flush();
  }
  auto sent = co_await flush();
  if (!sent) co_return sent;
  co_return co_await write_rest(bytes);
}

// ---- TLS

async::Task<Result<void>> Connection::handshake(std::unique_ptr<TlsStream> stream) {
  TlsStream& tls = *stream;
  stream_ = std::move(stream);
  const Time limit = Clock::now() + handshake_timeout_;
  for (;;) {
    const IoAttempt attempt = tls.try_handshake();
    if (attempt.state == IoState::done) co_return Result<void>();
    if (attempt.state != IoState::want_read && attempt.state != IoState::want_write) {
      truncated_ = true;
      co_return fail(ErrorKind::invalid, "TLS handshake failed: " + tls.last_error());
    }
    auto ready = co_await wait_ready(attempt.state, limit, Patience::any);
    if (!ready) co_return ready;
  }
}

// RFC 3207 §4.2: what was received in plain text before the handshake must not count afterwards.
async::Task<Result<void>> Connection::start_tls(const TlsServer& server) {
  if (is_tls()) co_return fail(ErrorKind::conflict, "TLS is on already");
  if (!buffered().empty()) co_return fail(ErrorKind::denied, "plain text arrived before the TLS handshake");
  co_return co_await handshake(make_tls_server_stream(std::move(stream_), server));
}

async::Task<Result<void>> Connection::start_tls_client(const TlsClient& client, const TlsClientPolicy& policy) {
  if (is_tls()) co_return fail(ErrorKind::conflict, "TLS is on already");
  if (!buffered().empty()) co_return fail(ErrorKind::denied, "plain text arrived before the TLS handshake");
  auto stream = make_tls_client_stream(stream_, client, policy);
  if (!stream) co_return std::unexpected(stream.error());
  co_return co_await handshake(std::move(*stream));
}

Result<void> Connection::start_compression() {
  if (!buffered().empty()) return fail(ErrorKind::denied, "input arrived before the compression began");
  stream_ = make_deflate_stream(std::move(stream_));
  return {};
}

// ---- the end

void Connection::settle() {
  overall_.reset();
  if (on_settled_) on_settled_();
}

void Connection::cancel() {
  cancelled_ = true;
  stream_->interrupt();
}

bool Connection::peer_is_gone() const {
  pollfd state{stream_->descriptor(), POLLRDHUP, 0};
  return ::poll(&state, 1, 0) > 0 && (state.revents & (POLLRDHUP | POLLHUP | POLLERR)) != 0;
}

void Connection::request_stop() {
  stop_requested_ = true;
  if (waiting_command_) stream_->interrupt();
}

/// Reads and drops what still comes, so that closing sends no reset that would overtake our last reply.
async::Task<> Connection::drain() {
  const Time limit = Clock::now() + (stop_requested_ ? Duration(drain_limit_at_stop) : Duration(drain_limit));
  std::size_t dropped = 0;
  while (dropped < drain_bytes && Clock::now() < limit) {
    const IoAttempt attempt = take_input();
    consume(buffered().size());
    dropped += attempt.bytes;
    if (attempt.state == IoState::done) continue;
    if (attempt.state != IoState::want_read && attempt.state != IoState::want_write) co_return;
    if (!co_await wait_ready(attempt.state, limit, Patience::any)) co_return;
  }
}

async::Task<> Connection::close_gracefully() {
  if (cancelled_ || closed_) co_return;
  transfer_.reset();
  timeout_ = std::min<Duration>(timeout_, flush_at_close_limit);
  overall_.reset();
  const auto flushed = co_await flush();
  stream_->end_output();
  if (flushed) co_await drain();
  std::string().swap(in_);
  in_position_ = 0;
  closed_ = true;
}

}  // namespace postern::net
