// SPDX-License-Identifier: Apache-2.0
// Connection: what a session of any protocol talks through. It owns the Stream, the input and output buffers, the deadlines
// and byte limits. Only fill() touches the socket for input, and it appends what it got after its own wait, so an operation
// that loses a race or is cancelled loses no bytes. An idle connection holds no input buffer.
//
// Errors of all operations: closed (the peer ended the stream, or cancel()), timeout, io (broken stream), and
// unavailable when request_stop() arrived while the operation waited for a new command.
// Used on one executor only, one operation at a time; cancel() and request_stop() come from the same executor.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "async/deadline.h"
#include "async/event.h"
#include "async/task.h"
#include "base/result.h"
#include "net/ip_address.h"
#include "net/stream.h"
#include "net/tls_context.h"

namespace postern::net {

class TlsStream;

/// What was wrong with the line read last.
enum class LineFault : std::uint8_t {
  none,
  too_long,  ///< longer than the limit; the rest has been skipped without being stored (security.md D12)
  bare_lf,   ///< ended by LF without CR (D3)
  bare_cr,   ///< a CR that LF does not follow
  nul        ///< holds a NUL octet
};

/// What ended wait_input_or().
enum class Wake : std::uint8_t {
  input,     ///< octets are buffered
  event,     ///< the event's sequence is beyond `seen`
  deadline,  ///< the time given has come
  stop       ///< request_stop() was called
};

/// Limits for the transfer of a large body.
struct TransferLimits {
  std::size_t minimum_rate = 500;  ///< octets a second, averaged over a window
  std::chrono::seconds window{60};
  std::chrono::seconds total{30 * 60};
};

struct ConnectionOptions {
  Endpoint local;
  Endpoint peer;
  std::chrono::milliseconds timeout{std::chrono::minutes(5)};             ///< of one operation
  std::chrono::milliseconds handshake_timeout{std::chrono::seconds(10)};  ///< security.md D60
};

class Connection {
 public:
  using Duration = std::chrono::milliseconds;
  using Time = std::chrono::steady_clock::time_point;

  Connection(std::unique_ptr<Stream> stream, ConnectionOptions options);
  ~Connection();
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;

  const Endpoint& peer() const { return peer_; }
  const Endpoint& local() const { return local_; }
  /// After a trusted proxy has named the real client.
  void set_peer(const Endpoint& peer) { peer_ = peer; }
  async::Executor executor() const { return stream_->executor(); }

  // ---- input

  /// The next line without its CRLF; the view is good until the next operation that reads. `limit` counts the line with CRLF.
  /// Errors beyond those above: too_large (line_fault() too_long), invalid (bare_lf, bare_cr, nul). The faulty line is
  /// consumed, so the session may answer and go on.
  async::Task<Result<std::string_view>> read_line(std::size_t limit);
  LineFault line_fault() const { return fault_; }
  /// True when read_line() would not have to wait: more is pipelined, do not flush yet.
  bool has_complete_line() const { return buffered().find('\n') != std::string_view::npos; }

  /// Up to `max` octets, at least one, consumed; the view is good until the next operation that reads.
  async::Task<Result<std::string_view>> read_chunk(std::size_t max);
  /// Appends exactly `count` octets to `out`. The caller has checked count against its own limit.
  async::Task<Result<void>> read_exactly(std::size_t count, std::string& out);

  /// Input that has arrived and is not consumed.
  std::string_view buffered() const { return std::string_view(in_).substr(in_position_); }
  void consume(std::size_t count);
  /// Waits for input and appends it to buffered(); gives the number of octets. Views into the buffer become invalid.
  async::Task<Result<std::size_t>> fill();

  /// IDLE: waits for input, for the event to pass `seen`, for the deadline or for request_stop(). Input that is buffered already
  /// counts. The timeout of one operation does not apply.
  async::Task<Result<Wake>> wait_input_or(async::Event& event, std::uint64_t seen, Time deadline);
  /// Waits for input or until `deadline`: for greeting delays, where early talkers show themselves.
  async::Task<Result<Wake>> wait_input_until(Time deadline);

  // ---- output

  /// Adds to the output buffer; nothing is sent before flush().
  void append(std::string_view bytes) { out_.append(bytes); }
  std::size_t pending_output() const { return out_.size(); }
  async::Task<Result<void>> flush();
  /// Sends the output buffer and then `bytes`, without copying large ones. The timeout applies to each progress, not to the sum.
  async::Task<Result<void>> write(std::string_view bytes);

  // ---- TLS

  /// Server side, after the reply to STARTTLS was flushed, or at once for implicit TLS. Error denied when plaintext is already
  /// buffered (D9): close then. Error invalid: the handshake failed.
  async::Task<Result<void>> start_tls(const TlsServer& server);
  /// Client side. Error denied when data came before the handshake (D11); invalid when the handshake fails or the
  /// certificate does not satisfy the policy.
  async::Task<Result<void>> start_tls_client(const TlsClient& client, const TlsClientPolicy& policy);
  bool is_tls() const { return stream_->tls() != nullptr; }
  /// Null without TLS.
  const TlsInfo* tls() const { return stream_->tls(); }

  /// Compresses both directions from here on (RFC 4978): after the reply that says so was flushed. Error denied when input is
  /// buffered already.
  Result<void> start_compression();

  // ---- time and limits

  /// Limit of one operation from now on: a whole line, one fill(), one progress of flush().
  void set_timeout(Duration timeout) { timeout_ = timeout; }
  Duration timeout() const { return timeout_; }
  /// Limit of the whole connection; nullopt: none.
  void set_deadline(std::optional<Time> deadline) { overall_ = deadline; }
  /// What settle() tells; set by who counts connections.
  void on_settled(std::function<void()> told) { on_settled_ = std::move(told); }
  /// The peer has shown who it is, by a login or by a recipient that was accepted: no deadline holds any more, and the connection
  /// is no guest among the others (net/crowd.h).
  void settle();
  /// Until end_transfer(), input must keep a minimum rate (security.md §1.6).
  void begin_transfer(const TransferLimits& limits);
  void end_transfer() { transfer_.reset(); }

  // ---- the end

  /// Flush, close_notify, shutdown(SHUT_WR), drain up to 2 s (after request_stop() 200 ms) and 64 KiB, so that no reset eats our
  /// last reply. Gives no error.
  async::Task<> close_gracefully();
  /// Ends the operation under way and all later ones with Error closed.
  void cancel();
  /// Ends a wait for a new command (read_line with nothing buffered, wait_input_or) with Error unavailable or Wake::stop, now or
  /// the next time; other operations go on.
  void request_stop();
  bool stop_requested() const { return stop_requested_; }
  /// True when the peer has ended its side of the connection or it is broken: nobody waits for the outcome of long work. Looks at
  /// the socket alone, never blocks, reads nothing.
  bool peer_is_gone() const;
  /// False once the peer ended a TLS stream without close_notify: what it sent last may have been cut short.
  bool ended_cleanly() const { return !truncated_; }

  std::uint64_t bytes_read() const { return bytes_read_; }
  std::uint64_t bytes_written() const { return bytes_written_; }

 private:
  struct Transfer {
    TransferLimits limits;
    Time end;
    Time window_end;
    std::size_t window_bytes = 0;
  };
  enum class Patience : std::uint8_t { any, command };  ///< may request_stop() end the wait?

  async::Task<Result<std::size_t>> fill_until(Time limit, Patience patience);
  async::Task<Result<std::string_view>> skip_long_line(Time limit);
  async::Task<Result<void>> wait_ready(IoState want, Time limit, Patience patience);
  async::Task<Result<void>> write_some(std::string_view& bytes);
  async::Task<Result<void>> write_rest(std::string_view bytes);
  async::Task<Result<Wake>> wait_input(Time deadline);
  async::Task<Result<void>> handshake(std::unique_ptr<TlsStream> stream);
  async::Task<> drain();
  std::optional<Error> gone(Patience patience) const;
  std::optional<Wake> woken(Time deadline) const;
  Error end_error(IoState state);
  Result<std::string_view> finish_line(std::size_t newline);
  IoAttempt take_input();
  void count_input(std::size_t bytes);
  bool transfer_goes_on();
  void release_idle_buffers();
  Time operation_limit() const;

  std::unique_ptr<Stream> stream_;
  Endpoint local_;
  Endpoint peer_;
  std::string in_;
  std::size_t in_position_ = 0;
  std::string out_;
  Duration timeout_;
  Duration handshake_timeout_;
  std::optional<Time> overall_;
  std::function<void()> on_settled_;
  std::optional<Transfer> transfer_;
  async::Deadline timer_;
  std::uint64_t bytes_read_ = 0;
  std::uint64_t bytes_written_ = 0;
  LineFault fault_ = LineFault::none;
  bool expired_ = false;
  bool event_fired_ = false;
  bool cancelled_ = false;
  bool stop_requested_ = false;
  bool waiting_command_ = false;
  bool truncated_ = false;
  bool closed_ = false;
};

}  // namespace postern::net
