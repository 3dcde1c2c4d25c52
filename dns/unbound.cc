// SPDX-License-Identifier: Apache-2.0
// libunbound behind Resolver. Its settings are one configuration text, handed over through a memory file.
#include "dns/unbound.h"

#include <sys/mman.h>
#include <unbound.h>
#include <unistd.h>

#include <boost/asio/posix/stream_descriptor.hpp>
#include <map>
#include <mutex>
#include <unordered_map>

#include "async/completion.h"
#include "async/deadline.h"
#include "async/executor.h"
#include "base/ascii.h"
#include "base/cursor.h"
#include "base/file.h"
#include "dns/wire.h"

namespace postern::dns {

namespace {

constexpr std::uint16_t dns_port = 53;
constexpr int class_in = 1;

// design.md §8 has the reasons for the zone lines: libunbound
// would otherwise answer test. and the private reverse zones itself.
constexpr std::string_view server_settings = R"(server:
  verbosity: 0
  use-syslog: no
  directory: ""
  chroot: ""
  do-not-query-localhost: no
  unblock-lan-zones: yes
  local-zone: "test." nodefault
  msg-cache-slabs: 1
  rrset-cache-slabs: 1
  infra-cache-slabs: 1
  key-cache-slabs: 1
  infra-cache-numhosts: 1000
  cache-max-ttl: 86400
  edns-buffer-size: 1232
  use-caps-for-id: yes
  harden-glue: yes
  harden-dnssec-stripped: yes
  qname-minimisation: yes
  trust-anchor-signaling: no
  root-key-sentinel: no
  outgoing-range: 256
  num-queries-per-thread: 512
)";

std::string address_text(const net::Endpoint& server) { return fmt::format("{}@{}", server.address.to_string(), server.port); }

/// The shares of the caches: records take half, answers a quarter, keys and proofs of absence an eighth each.
std::string cache_settings(const UnboundOptions& options) {
  constexpr std::size_t smallest = 64 * 1024;
  const std::size_t bytes = std::max(options.cache_bytes, smallest);
  return fmt::format(
      "  rrset-cache-size: {}\n  msg-cache-size: {}\n  key-cache-size: {}\n  neg-cache-size: {}\n  cache-max-negative-ttl: {}\n",
      bytes / 2, bytes / 4, bytes / 8, bytes / 8, options.negative_ttl_max.count());
}

/// One block for each zone, with all of its servers.
std::string stub_settings(const std::vector<StubZone>& stubs) {
  std::map<std::string, std::string> blocks;
  for (const auto& stub : stubs) {
    std::string& block = blocks[stub.zone];
    if (block.empty()) block = fmt::format("stub-zone:\n  name: \"{}\"\n  stub-prime: no\n", stub.zone);
    block += fmt::format("  stub-addr: {}\n", address_text(stub.server));
  }
  std::string text;
  for (const auto& [zone, block] : blocks) text += block;
  return text;
}

std::string configuration(const UnboundOptions& options) {
  std::string text = std::string(server_settings) + cache_settings(options);
  text += options.trust_anchor_file.empty() ? "  module-config: \"iterator\"\n"
                                            : fmt::format("  trust-anchor-file: \"{}\"\n", options.trust_anchor_file);
  text += stub_settings(options.stubs);
  text += "forward-zone:\n  name: \".\"\n";
  for (const auto& server : options.servers) text += fmt::format("  forward-addr: {}\n", address_text(server));
  return text;
}

/// Text from the configuration that goes into libunbound's configuration must not leave its quotes.
bool is_plain(std::string_view text) {
  return std::ranges::all_of(text, [](char c) { return ascii::is_vchar(c) && c != '"' && c != '\\'; });
}

Result<void> configure(ub_ctx* context, const std::string& text) {
  const UniqueFd file(::memfd_create("unbound.conf", MFD_CLOEXEC));
  if (!file) return std::unexpected(errno_error("memory file", errno));
  if (auto written = write_all_at(file.get(), text, 0); !written) return written;
  const int code = ub_ctx_config(context, fmt::format("/proc/self/fd/{}", file.get()).c_str());
  if (code == 0) return {};
  return fail(ErrorKind::invalid, fmt::format("libunbound refuses its settings: {}", ub_strerror(code)));
}

RawAnswer to_answer(const ub_result& result) {
  RawAnswer out;
  out.secure = result.secure != 0;
  out.ttl = std::chrono::seconds(std::max(0, result.ttl));
  if (result.bogus != 0) {
    out.status = Status::bogus;
    out.text = result.why_bogus != nullptr ? result.why_bogus : "DNSSEC validation failed";
    return out;
  }
  if (result.canonname != nullptr) out.canonical = ascii::lower(result.canonname);
  if (out.canonical.ends_with('.')) out.canonical.pop_back();
  if (result.nxdomain != 0) {
    out.status = Status::nxdomain;
  } else if (result.havedata != 0) {
    out.status = Status::ok;
    for (int i = 0; result.data[i] != nullptr; ++i)
      out.records.emplace_back(result.data[i], static_cast<std::size_t>(result.len[i]));
  } else if (result.rcode == 0) {
    out.status = Status::nodata;
  } else {
    out.text = fmt::format("the server answered with code {}", result.rcode);
  }
  return out;
}

RawAnswer refused(Status status, std::string why) {
  RawAnswer out;
  out.status = status;
  out.text = std::move(why);
  return out;
}

}  // namespace

std::vector<net::Endpoint> nameservers_in(std::string_view resolv_conf) {
  constexpr std::size_t most_servers = 3;  // resolv.conf(5): MAXNS
  std::vector<net::Endpoint> servers;
  Cursor in(resolv_conf);
  while (!in.at_end() && servers.size() < most_servers) {
    Cursor line(in.take_until('\n'));
    in.take('\n');
    if (!line.take("nameserver")) continue;
    auto address = IpAddress::parse(ascii::trim(line.rest()));
    if (address) servers.push_back({*address, dns_port});
  }
  return servers;
}

/// One query under way: answered by libunbound or by the deadline, whichever comes first.
struct Pending {
  std::mutex mutex;
  async::Promise<RawAnswer> promise;
  std::uint64_t id = 0;
  void* owner = nullptr;

  void finish(RawAnswer answer) {
    const std::lock_guard lock(mutex);
    if (promise) promise.set(std::move(answer));
  }
};

struct Unbound::State : std::enable_shared_from_this<State> {
  State(UnboundOptions given, const async::Executor& executor) : options(std::move(given)), answers(executor) {}
  ~State() {
    answers.release();
    ub_ctx_delete(context);
  }

  UnboundOptions options;
  ub_ctx* context = nullptr;
  boost::asio::posix::stream_descriptor answers;  ///< libunbound's own descriptor, which it closes itself
  std::mutex mutex;
  std::unordered_map<std::uint64_t, std::shared_ptr<Pending>> pending;
  std::uint64_t next_id = 1;

  /// Lets libunbound call back for the answers that are there, then waits for more.
  void collect() {
    answers.async_wait(boost::asio::posix::stream_descriptor::wait_read,
                       [weak = weak_from_this()](const boost::system::error_code& code) {
                         auto state = weak.lock();
                         if (!state || code) return;
                         ub_process(state->context);
                         state->collect();
                       });
  }

  std::shared_ptr<Pending> begin(async::Promise<RawAnswer> promise) {
    auto query = std::make_shared<Pending>();
    query->promise = std::move(promise);
    query->owner = this;
    const std::lock_guard lock(mutex);
    if (pending.size() >= options.most_queries) return nullptr;
    query->id = next_id++;
    pending[query->id] = query;
    return query;
  }

  std::shared_ptr<Pending> take(std::uint64_t id) {
    const std::lock_guard lock(mutex);
    auto node = pending.extract(id);
    return node ? std::move(node.mapped()) : nullptr;
  }

  /// Answers everybody who still waits. The entries stay: libunbound may hold pointers to them until its context goes.
  void abandon() {
    const std::lock_guard lock(mutex);
    for (const auto& [id, query] : pending) query->finish(refused(Status::servfail, "the resolver has stopped"));
  }

  static void answered(void* argument, int code, ub_result* result) {
    auto* waiting = static_cast<Pending*>(argument);
    const auto query = static_cast<State*>(waiting->owner)->take(waiting->id);
    if (query) query->finish(code == 0 ? to_answer(*result) : refused(Status::servfail, ub_strerror(code)));
    if (result != nullptr) ub_resolve_free(result);
  }
};

Unbound::Unbound(std::shared_ptr<State> state) : state_(std::move(state)) {}

Unbound::~Unbound() {
  boost::system::error_code ignored;
  state_->answers.cancel(ignored);
  state_->abandon();
}

Result<std::unique_ptr<Unbound>> Unbound::create(const UnboundOptions& options, async::Executor executor, Log& log) {
  auto state = std::make_shared<State>(options, executor);
  auto& servers = state->options.servers;
  if (servers.empty()) servers = nameservers_in(read_file(options.resolv_conf).value_or(""));
  if (servers.empty()) servers.push_back({IpAddress::v4({127, 0, 0, 1}), dns_port});
  const bool plain = is_plain(options.trust_anchor_file) && std::ranges::all_of(options.stubs, is_plain, &StubZone::zone);
  if (!plain) return fail(ErrorKind::invalid, "a DNS zone or file name holds a character that is not allowed");
  if (!options.trust_anchor_file.empty()) {
    if (auto anchors = read_file(options.trust_anchor_file); !anchors) return std::unexpected(anchors.error());
  }
  state->context = ub_ctx_create();
  if (state->context == nullptr) return fail(ErrorKind::internal, "libunbound gave no context");
  ub_ctx_debugout(state->context, nullptr);
  if (auto done = configure(state->context, configuration(state->options)); !done) return std::unexpected(done.error());
  ub_ctx_async(state->context, 1);
  // The first question makes libunbound read its files and start its thread, before any sandbox; localhost needs no server.
  ub_result* first = nullptr;
  const int code = ub_resolve(state->context, "localhost", static_cast<int>(Type::a), class_in, &first);
  if (first != nullptr) ub_resolve_free(first);
  if (code != 0) return fail(ErrorKind::invalid, fmt::format("libunbound cannot start: {}", ub_strerror(code)));
  state->answers.assign(ub_fd(state->context));
  state->collect();
  for (const auto& server : servers) log.info("dns", "forwarding", {{"server", net::to_string(server)}});
  return std::unique_ptr<Unbound>(new Unbound(std::move(state)));
}

async::Task<RawAnswer> Unbound::query(std::string name, Type type) {
  auto state = state_;
  // libunbound reads backslashes as escapes, so only plain names may reach it.
  if (!is_plain(name) || !write_name(name)) co_return refused(Status::nxdomain, "not a DNS name");
  auto [promise, future] = async::make_promise<RawAnswer>();
  const auto waiting = state->begin(std::move(promise));
  if (!waiting) co_return refused(Status::servfail, "too many DNS queries are under way");
  async::Deadline deadline(co_await async::this_executor(),
                           [waiting] { waiting->finish(refused(Status::timeout, "no answer in time")); });
  deadline.set(std::chrono::steady_clock::now() + state->options.timeout);
  const int code =
      ub_resolve_async(state->context, name.c_str(), static_cast<int>(type), class_in, waiting.get(), State::answered, nullptr);
  if (code != 0) {
    state->take(waiting->id);
    co_return refused(Status::servfail, ub_strerror(code));
  }
  co_return co_await std::move(future).get();
}

}  // namespace postern::dns
