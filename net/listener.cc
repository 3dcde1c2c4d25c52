// SPDX-License-Identifier: Apache-2.0
// Listener: one coroutine for each listening descriptor accepts until the socket has no more, then waits; one coroutine for
// each connection runs the handler and closes.
#include "net/listener.h"

#include <fcntl.h>
#include <sys/resource.h>
#include <sys/socket.h>

#include <cerrno>
#include <mutex>

#include "net/proxy_protocol.h"
#include "net/socket_address.h"

namespace postern::net {

namespace {

/// security.md D104: descriptors left for the store and the log.
constexpr int reserved_descriptors = 5;
constexpr std::chrono::seconds proxy_header_limit{10};
constexpr std::chrono::milliseconds pause_without_descriptors{100};

/// Descriptor numbers this close below the ceiling are looked at before each accept.
constexpr int watched_descriptors = 64;

/// The descriptor number from which on accepting would eat into the reserve.
int descriptor_ceiling() {
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_cur > INT_MAX) return INT_MAX;
  return static_cast<int>(limit.rlim_cur) - reserved_descriptors;
}

bool out_of_descriptors(int code) { return code == EMFILE || code == ENFILE || code == ENOBUFS || code == ENOMEM; }

struct Accepted {
  UniqueFd fd;
  Endpoint peer;
  int error = 0;
};

/// The lowest free descriptor number, which is the one accept4() would use.
bool room_for_one(int listening, int ceiling) {
  const UniqueFd probe(::fcntl(listening, F_DUPFD_CLOEXEC, 0));
  return probe && probe.get() < ceiling;
}

Accepted accept_one(int listening) {
  Accepted out;
  SocketAddress address;
  out.fd.reset(::accept4(listening, address.get(), &address.length, SOCK_NONBLOCK | SOCK_CLOEXEC));
  if (!out.fd) {
    out.error = errno;
  } else {
    out.peer = to_endpoint(address);
  }
  return out;
}

}  // namespace

struct Listener::State : std::enable_shared_from_this<State> {
  State(Parts given_parts, Options given_options, Handler given_handler)
      : parts(given_parts), options(std::move(given_options)), handler(std::move(given_handler)) {}
  Parts parts;
  const Options options;
  const Handler handler;
  std::vector<ListenSocket> bound;  ///< before start()
  std::vector<Endpoint> endpoints;
  std::vector<std::shared_ptr<Stream>> waiting;  ///< touched on executor 0 after start()
  std::atomic<bool> stopped{false};

  void accept_all(Stream& listening);
  void admit(Accepted accepted);
  void join_crowd(const std::shared_ptr<Connection>& connection) const;
  void refuse(const Accepted& accepted, const Rejection& rejection);
  void tell(const Endpoint& peer, const Rejection& rejection) const;
};

namespace {

using State = Listener::State;

async::Task<> accept_loop(std::shared_ptr<State> state, std::shared_ptr<Stream> listening);
async::Task<> serve(std::shared_ptr<State> state, std::shared_ptr<Connection> connection, Admission::Permit permit,
                    async::Runtime::Lease lease);

}  // namespace

void Listener::State::tell(const Endpoint& peer, const Rejection& rejection) const {
  // Who is banned has his line already (times is 0).
  if (!rejection.worth_a_line()) return;
  parts.log.info(
      options.name, "refused",
      {{"peer", to_string(peer)}, {"reason", to_string(rejection.reason)}, {"times", std::to_string(rejection.times)}});
}

void Listener::State::refuse(const Accepted& accepted, const Rejection& rejection) {
  tell(accepted.peer, rejection);
  const std::string reply = options.refusal ? options.refusal(rejection.reason) : std::string();
  if (!reply.empty()) ::send(accepted.fd.get(), reply.data(), reply.size(), MSG_DONTWAIT | MSG_NOSIGNAL);
}

/// Until the connection settles it may have to leave for a newer one.
void Listener::State::join_crowd(const std::shared_ptr<Connection>& connection) const {
  if (parts.crowd == nullptr) return;
  auto leave = [weak = std::weak_ptr(connection), executor = connection->executor()] {
    async::post(executor, [weak] {
      if (auto alive = weak.lock()) alive->cancel();
    });
  };
  auto place = std::make_shared<Crowd::Place>(parts.crowd->join(std::move(leave)));
  connection->on_settled([place] { place->settle(); });
}

void Listener::State::admit(Accepted accepted) {
  auto permit = parts.admission.enter(accepted.peer.address);
  if (!permit) {
    refuse(accepted, permit.error());
    return;
  }
  if (parts.crowd != nullptr && !parts.crowd->make_room()) {
    refuse(accepted, parts.admission.full_house());
    return;
  }
  auto lease = parts.runtime.lease();
  const async::Executor executor = lease.executor();
  ConnectionOptions connection_options;
  connection_options.local = local_endpoint(accepted.fd.get());
  connection_options.peer = accepted.peer;
  connection_options.timeout = options.timeout;
  auto connection = std::make_shared<Connection>(make_socket_stream(executor, std::move(accepted.fd)), connection_options);
  join_crowd(connection);
  auto on_stop = [weak = std::weak_ptr(connection)] {
    if (auto alive = weak.lock()) alive->request_stop();
  };
  parts.tasks.spawn(executor, serve(shared_from_this(), std::move(connection), std::move(*permit), std::move(lease)), on_stop);
}

Listener::Listener(Parts parts, Options options, Handler handler)
    : state_(std::make_shared<State>(parts, std::move(options), std::move(handler))) {}

Listener::~Listener() { stop_accepting(); }

Result<void> Listener::bind(const Endpoint& endpoint) {
  auto socket = listen_on(endpoint);
  if (!socket) return std::unexpected(socket.error());
  adopt(std::move(*socket));
  return {};
}

void Listener::adopt(ListenSocket socket) {
  state_->endpoints.push_back(socket.endpoint);
  state_->bound.push_back(std::move(socket));
}

std::vector<Endpoint> Listener::endpoints() const { return state_->endpoints; }

void Listener::start() {
  const async::Executor executor = state_->parts.runtime.executor(0);
  for (auto& socket : std::exchange(state_->bound, {})) {
    state_->waiting.push_back(make_socket_stream(executor, std::move(socket.fd)));
    state_->parts.log.info(state_->options.name, "listening", {{"address", to_string(socket.endpoint)}});
  }
  const auto all = state_->waiting;  // from the first spawn on, the member belongs to the executor
  for (const auto& listening : all) {
    state_->parts.tasks.spawn(executor, accept_loop(state_, listening), [state = state_, listening] {
      state->stopped = true;
      listening->interrupt();
    });
  }
}

void Listener::stop_accepting() {
  if (state_->stopped.exchange(true)) return;
  state_->bound.clear();
  async::post(state_->parts.runtime.executor(0), [state = state_] {
    for (auto& listening : std::exchange(state->waiting, {})) listening->interrupt();
  });
}

namespace {

/// Accepts what is there. True when descriptors ran out.
bool accept_waiting(State& state, const Stream& listening) {
  const int ceiling = descriptor_ceiling();
  bool near = true;
  while (!state.stopped) {
    if (near && !room_for_one(listening.descriptor(), ceiling)) return true;
    Accepted accepted = accept_one(listening.descriptor());
    if (accepted.fd) {
      near = accepted.fd.get() >= ceiling - watched_descriptors;
      state.admit(std::move(accepted));
      continue;
    }
    if (accepted.error == EAGAIN || accepted.error == EWOULDBLOCK) return false;
    if (out_of_descriptors(accepted.error)) return true;
  }
  return false;
}

async::Task<> accept_loop(std::shared_ptr<State> state, std::shared_ptr<Stream> listening) {
  bool paused = false;
  while (!state->stopped) {
    const bool was_paused = std::exchange(paused, accept_waiting(*state, *listening));
    if (paused && !was_paused)
      state->parts.log.error(state->options.name, "accepting paused", {{"reason", "descriptors ran out"}});
    if (paused) {
      co_await async::sleep(pause_without_descriptors);
    } else if (!state->stopped) {
      co_await listening->wait(IoState::want_read);
    }
  }
  std::erase(state->waiting, listening);
}

/// Behind a trusted proxy the real client is counted as well. False when the connection is over.
async::Task<bool> meet_client(State& state, Connection& connection, Admission::Permit& permit) {
  const Endpoint proxy = connection.peer();
  const bool proxied =
      std::ranges::any_of(state.options.proxies, [&proxy](const auto& net) { return net.contains(proxy.address); });
  if (!proxied) co_return true;
  connection.set_deadline(std::chrono::steady_clock::now() + proxy_header_limit);
  const auto header = co_await read_proxy_header(connection);
  connection.set_deadline(std::nullopt);
  if (!header) {
    state.parts.log.warning(state.options.name, "no PROXY header", {{"peer", to_string(proxy)}, {"reason", header.error().text}});
    co_return false;
  }
  if (connection.peer() == proxy) co_return true;
  auto counted = state.parts.admission.enter(connection.peer().address);
  if (counted) {
    permit = std::move(*counted);
    co_return true;
  }
  state.tell(connection.peer(), counted.error());
  if (state.options.refusal) connection.append(state.options.refusal(counted.error().reason));
  co_await connection.close_gracefully();
  co_return false;
}

async::Task<> serve(std::shared_ptr<State> state, std::shared_ptr<Connection> connection, Admission::Permit permit,
                    async::Runtime::Lease /*lease*/) {
  if (!co_await meet_client(*state, *connection, permit)) co_return;
  if (state->options.implicit_tls) {
    auto secured = co_await connection->start_tls(*state->options.implicit_tls);
    if (!secured) {
      state->parts.log.info(state->options.name, "no TLS",
                            {{"peer", to_string(connection->peer())}, {"reason", secured.error().text}});
      co_return;
    }
  }
  co_await state->handler(*connection);
  co_await connection->close_gracefully();
}

}  // namespace

}  // namespace postern::net
