// SPDX-License-Identifier: Apache-2.0
#include "outbound/courier.h"

#include "net/dial.h"
#include "outbound/proxy.h"
#include "outbound/recipient_policy.h"
#include "outbound/sign_in.h"
#include "outbound/tls_required.h"

namespace postern::outbound {

using Kind = mail::Outcome::Kind;
using Steady = std::chrono::steady_clock;

namespace {

constexpr std::chrono::seconds longest_pause{
    60};  ///< an unreachable address is left alone for so long, or for half the first backoff
constexpr std::size_t max_pauses = 10'000;
constexpr std::size_t max_recipients = 100;          ///< of one transaction (RFC 5321 §4.5.3.1.8)
constexpr std::size_t first_read = 64 * 1024;        ///< of a message, to look at its header
constexpr std::chrono::minutes connection_life{30};  ///< of one delivery over a connection, shorter than the queue's lease

mail::Outcome local(Kind kind, mail::EnhancedStatus enhanced, std::string text) {
  mail::Outcome outcome;
  outcome.kind = kind;
  outcome.enhanced = enhanced;
  outcome.text = one_line(text);
  return outcome;
}

/// 452 4.5.3: the server wants the remaining recipients in a transaction of their own (RFC 5321 §4.5.3.1.10).
bool wants_another_transaction(const mail::Outcome& outcome) {
  return outcome.code == 452 && (outcome.enhanced == mail::EnhancedStatus{4, 5, 3} || outcome.enhanced.subject == 0);
}

/// A server that was not used because of what its domain publishes, for the report.
policy::TlsSession refused_by(const RecipientPolicy& policy) {
  policy::TlsSession out;
  const bool dane = policy.dane.state == DaneFinding::State::trouble;
  out.failure = dane ? "dnssec-invalid" : "validation-failure";
  out.reason = dane ? policy.dane.why : "the MTA-STS policy does not name this server";
  return out;
}

/// The beginning of a message, which comes in pieces: what is put before it at the door, and what was accepted.
async::Task<std::string> read_start(store::BodyReader& body) {
  std::string out;
  while (out.size() < first_read) {
    const auto piece = co_await body.read(out.size(), first_read - out.size());
    if (!piece || piece->empty()) break;
    out += *piece;
  }
  co_return out;
}

}  // namespace

/// One claim on its way.
struct Courier::Trip {
  const store::Claim& claim;
  std::shared_ptr<const config::Config> config;
  std::unique_ptr<store::BodyReader> body;
  Needs needs;
  std::vector<mail::Outcome> outcomes;           ///< one for each recipient
  std::vector<std::size_t> open;                 ///< recipients that have no outcome of their own yet
  mail::Outcome last;                            ///< why the host tried last did not work out
  bool all_final = true;                         ///< every host so far failed for good
  std::size_t addresses = 0;                     ///< tried
  std::string tls;                               ///< of the connection used last
  std::unique_ptr<store::BodyReader> seven_bit;  ///< for servers without 8BITMIME; null: it goes as it is
  bool seven_bit_known = false;                  ///< whether that was found out
  store::BodyReader* form = nullptr;             ///< what the server at hand gets: body or seven_bit
  std::optional<bool> excused;                   ///< its header says "TLS-Required: No"; not looked at yet

  void settle_all(const mail::Outcome& outcome) {
    for (const std::size_t i : open) outcomes[i] = outcome;
    open.clear();
  }
  /// After a conversation that ended before the message was given: recipients that were refused for good by name keep that
  /// reply, the others (the first of trip.open) are to be tried at another host.
  void keep_refusals(std::vector<mail::Outcome>& tried) {
    std::vector<std::size_t> rest;
    for (std::size_t i = 0; i < open.size(); ++i) {
      if (i < tried.size() && tried[i].kind == Kind::failed) {
        outcomes[open[i]] = std::move(tried[i]);
        continue;
      }
      if (i < tried.size()) note(std::move(tried[i]));
      rest.push_back(open[i]);
    }
    open = std::move(rest);
  }
  void note(mail::Outcome why) {
    all_final = all_final && why.kind == Kind::failed;
    last = std::move(why);
  }
};

/// One address of one host, and what is demanded there.
struct Courier::Stop {
  const Hop& hop;
  net::Endpoint endpoint;
  TlsDemand demand;
  std::string key;  ///< of idle connections that would do
  const RecipientPolicy& policy;
};

Courier::Courier(Parts parts, async::Executor executor)
    : parts_(std::move(parts)),
      group_(parts_.log, "outbound"),
      sessions_(std::move(executor), group_),
      delivered_(parts_.metrics.counter("postern_outbound_recipients_total", "Outcomes of attempts", {{"outcome", "delivered"}})),
      deferred_(parts_.metrics.counter("postern_outbound_recipients_total", "Outcomes of attempts", {{"outcome", "deferred"}})),
      failed_(parts_.metrics.counter("postern_outbound_recipients_total", "Outcomes of attempts", {{"outcome", "failed"}})),
      connections_(parts_.metrics.counter("postern_outbound_connections_total", "Connections made to other servers")) {}

Courier::~Courier() = default;

async::Task<> Courier::stop() {
  sessions_.clear();
  group_.request_stop();
  if (!co_await group_.wait(std::chrono::seconds(5))) group_.cancel();
}

async::Task<std::vector<mail::Outcome>> Courier::deliver(const store::Claim& claim) {
  Trip trip{.claim = claim, .config = parts_.config.get()};
  const std::size_t count = claim.entry.recipients.size();
  trip.last = local(Kind::deferred, {4, 4, 1}, "no host could be tried");
  trip.outcomes.assign(count, trip.last);
  for (std::size_t i = 0; i < count; ++i) trip.open.push_back(i);
  co_await travel(trip);
  tell(trip);
  co_return std::move(trip.outcomes);
}

async::Task<> Courier::travel(Trip& trip) {
  const auto& entry = trip.claim.entry;
  auto body = co_await parts_.queue.body(entry.id);
  if (!body) co_return trip.settle_all(local(Kind::deferred, {4, 3, 0}, "the message cannot be read: " + body.error().text));
  trip.body = std::move(*body);
  if (entry.smtputf8) {
    trip.needs = needs_of(entry, co_await read_start(*trip.body));
  } else {
    trip.needs = needs_of(entry, {});
  }
  config::Journey journey{
      .domain = entry.recipients.front().domain, .sender = entry.sender ? entry.sender->lookup_key() : "<>", .login = {}};
  if (parts_.login_of && entry.account != 0) journey.login = parts_.login_of(entry.account);
  const auto hops = co_await parts_.router.hops(std::move(journey), trip.config);
  if (!hops) co_return trip.settle_all(hops.error());
  for (const auto& hop : *hops) {
    if (co_await visit(trip, hop)) co_return;
  }
  // A failure is final only when no host is left that might do better later.
  if (!trip.all_final) trip.last.kind = Kind::deferred;
  if (!trip.all_final && trip.last.enhanced.klass == 5) trip.last.enhanced.klass = 4;
  trip.settle_all(trip.last);
}

/// Whether the message says that TLS may fail. Its header is read once for all hosts, and only where it matters.
async::Task<bool> Courier::is_excused(Trip& trip) {
  if (!trip.excused) {
    trip.excused = says_tls_not_required(co_await read_start(*trip.body));
  }
  co_return *trip.excused;
}

async::Task<TlsDemand> Courier::demand_of(Trip& trip, const Hop& hop, RecipientPolicy& policy) {
  auto demand = co_await tls_demand(hop, trip.claim.entry.require_tls, trip.config);
  policy = co_await find_policy({parts_.resolver, parts_.sts}, hop, demand, trip.config);
  const bool require = trip.claim.entry.require_tls;
  // RFC 8689 §5: the sender would rather have it arrive; what the recipient's domain demands is not looked at then.
  const bool excused = policy.raises() && !require && co_await is_excused(trip);
  if (!excused) add_policy(policy, hop, demand);
  if (excused) demand.why += "; TLS-Required: No";
  // RFC 8689 §4.2.1: that this is the domain's server must be proven, by DNSSEC or MTA-STS.
  if (require && !demand.mx_proven && demand.trouble.empty()) {
    demand.trouble = "the sender demands REQUIRETLS, and nothing proves that it is the domain's server";
    demand.hopeless = true;
  }
  co_return demand;
}

/// Where a proxy looks the name up there is one place: the proxy itself, under the name that connections through it have.
async::Task<Router::Found<std::vector<net::Endpoint>>> Courier::endpoints_of(const Trip& trip, const Hop& hop) {
  if (!proxy_looks_up(hop)) co_return co_await parts_.router.endpoints(hop, trip.config);
  co_return std::vector<net::Endpoint>{{IpAddress(), hop.port}};
}

/// True when every recipient has its outcome.
async::Task<bool> Courier::visit(Trip& trip, const Hop& hop) {
  const auto endpoints = co_await endpoints_of(trip, hop);
  if (!endpoints) {
    trip.note(endpoints.error());
    co_return false;
  }
  RecipientPolicy policy;
  const TlsDemand demand = co_await demand_of(trip, hop, policy);
  if (!demand.trouble.empty()) {
    if (!demand.hopeless) note_session(trip, {hop, endpoints->front(), demand, {}, policy}, refused_by(policy));
    // RFC 8689 §4.2.1: 5.7.30; RFC 3463 §3.5: 4.4.3 directory server failure.
    const auto why = hop.name + " is not used: " + demand.trouble;
    trip.note(demand.hopeless ? local(Kind::failed, {5, 7, 30}, why) : local(Kind::deferred, {4, 4, 3}, why));
    co_return false;
  }
  for (const auto& endpoint : *endpoints) {
    if (trip.addresses >= max_addresses) co_return false;
    ++trip.addresses;
    if (paused(trip, endpoint)) continue;
    const Stop stop{
        hop, endpoint, demand,
        net::to_string(endpoint) + " " + hop.name + " " + to_string(demand) + (hop.relay ? " " + hop.relay->match : "") +
            (hop.route
                 ? fmt::format(" {} {} {} {} {} {}", hop.fallback ? "" : hop.route->user, hop.route->source.ip, hop.fallback,
                               fmt::join(demand.peer.more_names, " "), hop.route->proxy.to_string(), hop.route->proxy_user)
                 : ""),
        policy};
    if (co_await knock(trip, stop)) co_return true;
  }
  co_return false;
}

bool Courier::paused(Trip& trip, const net::Endpoint& endpoint) {
  const auto at = paused_.find(endpoint);
  if (at == paused_.end()) return false;
  if (Steady::now() >= at->second.until) {
    paused_.erase(at);
    return false;
  }
  trip.note(at->second.why);
  return true;
}

void Courier::pause(const net::Endpoint& endpoint, const mail::Outcome& why) {
  const auto now = Steady::now();
  if (paused_.size() >= max_pauses) std::erase_if(paused_, [now](const auto& one) { return one.second.until <= now; });
  if (paused_.size() < max_pauses)
    paused_[endpoint] = {now + std::min<std::chrono::milliseconds>(longest_pause, parts_.config.get()->queue.backoff.front() / 2),
                         why};
}

async::Task<bool> Courier::knock(Trip& trip, const Stop& stop) {
  const auto permit = co_await sessions_.permit(stop.endpoint.address, trip.config->queue.per_host);
  if (!permit) {
    // RFC 3463 §3.5: 4.4.5 mail system congestion.
    trip.note(local(Kind::deferred, {4, 4, 5}, "all connections to " + stop.hop.name + " were busy for too long"));
    co_return false;
  }
  // While we waited for the permit somebody else may have found the host dead.
  if (paused(trip, stop.endpoint)) co_return false;
  std::unique_ptr<Client> client = sessions_.take(stop.key);
  if (client && co_await hand_over(trip, *client, stop)) {
    sessions_.give(stop.key, std::move(client));
    co_return true;
  }
  // An idle connection that the server has closed meanwhile says nothing about the server: a fresh one decides.
  if (client && client->usable()) {
    sessions_.give(stop.key, std::move(client));
    co_return false;
  }
  auto fresh = co_await connect(trip, stop);
  if (!fresh) {
    // What a proxy could not reach says nothing about the address itself.
    if (proxy_of(stop.hop) == nullptr) pause(stop.endpoint, fresh.error());
    trip.note(fresh.error());
    co_return false;
  }
  const bool settled = co_await hand_over(trip, **fresh, stop);
  sessions_.give(stop.key, std::move(*fresh));
  co_return settled;
}

/// The notes are drafted now: the shorter the time between the reply and its note, the fewer messages a kill sends twice.
std::move_only_function<void(std::size_t)> Courier::note_taken(const Parcel& parcel, bool dsn_passed) {
  if (parts_.taken == nullptr) return {};
  std::vector<queue::Taken::Draft> drafts;
  drafts.reserve(parcel.to.size());
  for (const auto* one : parcel.to) drafts.push_back(parts_.taken->draft(parcel.entry, *one, dsn_passed));
  return [drafts = std::move(drafts)](std::size_t index) mutable { drafts[index].confirm(); };
}

/// The form of the message that this server takes. It is recoded once for all servers, and only when one asks for it.
async::Task<Client::Step> Courier::choose_form(Trip& trip, const Client& client) {
  trip.form = trip.body.get();
  trip.needs.size = trip.claim.entry.size;
  if (client.capabilities().eight_bit_mime || !parts_.seven_bit.spool) co_return Client::Step();
  if (!trip.seven_bit_known) {
    auto copy = co_await to_seven_bit(parts_.seven_bit, trip.claim.entry, *trip.body);
    if (!copy)
      co_return std::unexpected(local(Kind::deferred, {4, 3, 0}, "the message cannot be recoded now: " + copy.error().text));
    trip.seven_bit = std::move(*copy);
    trip.seven_bit_known = true;
  }
  // Where only the recoded form is too large the other one may still arrive.
  const auto limit = client.capabilities().size.value_or(0);
  if (trip.seven_bit == nullptr || (limit > 0 && trip.seven_bit->size() > limit)) co_return Client::Step();
  trip.form = trip.seven_bit.get();
  trip.needs.size = trip.form->size();
  co_return Client::Step();
}

/// Sends in as many transactions as the server wants. True when every recipient has its outcome; false when another
/// connection or host is to be tried for those in trip.open.
async::Task<bool> Courier::hand_over(Trip& trip, Client& client, const Stop&) {
  trip.tls = client.tls_text();
  client.set_deadline(Steady::now() + connection_life);
  if (const auto chosen = co_await choose_form(trip, client); !chosen) {
    trip.settle_all(chosen.error());
    co_return true;
  }
  if (const auto unfit = missing(trip.needs, {client.host(), client.capabilities(), client.tls_verified()})) {
    trip.settle_all(*unfit);
    co_return true;
  }
  const auto most = std::clamp<std::uint64_t>(client.capabilities().rcpt_max.value_or(max_recipients), 1, max_recipients);
  while (!trip.open.empty()) {
    if (!client.usable()) {
      trip.note(local(Kind::deferred, {4, 4, 2}, client.host() + " closed the connection between two transactions"));
      co_return false;
    }
    Parcel parcel{trip.claim.entry, trip.needs, *trip.form};
    const std::size_t count = std::min<std::size_t>(trip.open.size(), most);
    for (std::size_t i = 0; i < count; ++i) parcel.to.push_back(&trip.claim.entry.recipients[trip.open[i]]);
    parcel.taken = note_taken(parcel, client.capabilities().dsn);
    Sent sent = co_await client.send(parcel);
    const bool elsewhere = sent.sender_refused && sent.outcomes.front().kind == Kind::deferred;
    if (sent.reach == Reach::nothing || elsewhere || (sent.reach == Reach::envelope && !client.usable())) {
      trip.keep_refusals(sent.outcomes);
      co_return trip.open.empty();
    }
    const bool progress = std::ranges::any_of(sent.outcomes, [](const auto& one) { return !wants_another_transaction(one); });
    std::vector<std::size_t> again;
    for (std::size_t i = 0; i < count; ++i) {
      trip.outcomes[trip.open[i]] = std::move(sent.outcomes[i]);
      if (progress && wants_another_transaction(trip.outcomes[trip.open[i]])) again.push_back(trip.open[i]);
    }
    trip.open.erase(trip.open.begin(), trip.open.begin() + static_cast<std::ptrdiff_t>(count));
    trip.open.insert(trip.open.begin(), again.begin(), again.end());
  }
  co_return true;
}

async::Task<Courier::Connected> Courier::connect(const Trip& trip, const Stop& stop) {
  auto client = co_await open(trip, stop, stop.demand.level != TlsDemand::Level::off);
  if (client || stop.demand.level != TlsDemand::Level::opportunistic) co_return client;
  // RFC 7435 §3: opportunistic TLS that fails falls back to clear text, over a new connection.
  if (client.error().enhanced != mail::EnhancedStatus{4, 7, 5}) co_return client;
  parts_.log.info("outbound", "tls_failed", {{"host", stop.hop.name}, {"text", client.error().text}});
  co_return co_await open(trip, stop, false);
}

mail::Outcome Courier::no_connection(const Stop& stop, const Error& error) {
  if (proxy_of(stop.hop) != nullptr)
    return local(Kind::deferred, {4, 4, 1}, fmt::format("no connection to {}: {}", stop.hop.name, error.text));
  const bool known = blocked_port_.is_blocked(Steady::now());
  blocked_port_.note_failure(stop.endpoint);
  auto text = fmt::format("no connection to {}: {}", stop.hop.name, error.text);
  if (stop.endpoint.port != BlockedPort::port || !blocked_port_.is_blocked(Steady::now()))
    return local(Kind::deferred, {4, 4, 1}, text);
  if (!known) parts_.log.warning("outbound", "port_25_blocked", {{"text", BlockedPort::advice()}});
  return local(Kind::deferred, {4, 4, 1}, text + "; " + BlockedPort::advice());
}

async::Task<Courier::Connected> Courier::open(const Trip& trip, const Stop& stop, bool with_tls) {
  net::DialOptions options;
  options.connect_timeout = trip.config->outbound.connect_timeout;
  const bool by_proxy = proxy_of(stop.hop) != nullptr;
  if (stop.hop.route && !stop.hop.route->source.ip.empty()) {
    const auto source = IpAddress::parse(stop.hop.route->source.ip);
    if (source && (by_proxy || source->is_v6() == stop.endpoint.address.is_v6())) options.source = *source;
  }
  auto connection = by_proxy ? co_await dial_through_proxy(parts_.router, stop.hop, stop.endpoint, trip.config, options)
                             : co_await net::dial(stop.endpoint, options);
  if (!connection) co_return std::unexpected(no_connection(stop, connection.error()));
  if (!by_proxy) blocked_port_.note_success(stop.endpoint, Steady::now());
  connections_.add();
  const auto where = proxy_looks_up(stop.hop) ? "by proxy" : stop.endpoint.address.to_string();
  const std::string name = fmt::format("{} [{}]", stop.hop.name, where);
  auto client = std::make_unique<Client>(std::move(*connection), name, trip.config);
  if (stop.hop.relay && stop.hop.relay->protocol == config::Relay::Protocol::lmtp) client->speak_lmtp();
  client->set_deadline(Steady::now() + connection_life);
  auto step = co_await client->greet();
  if (step && with_tls) {
    step = co_await secure(*client, stop);
    note_shaken(trip, stop, *client, step);
  }
  const auto& outbound = trip.config->outbound;
  if (step && stop.hop.smart_host)
    step = co_await sign_in(*client, parts_.sasl, {outbound.smart_host_user, outbound.smart_host_password_file});
  const auto& route = stop.hop.route;
  if (step && route && stop.hop.chosen && !stop.hop.fallback)
    step = co_await sign_in(*client, parts_.sasl, {route->user, route->password_file});
  if (step && stop.hop.relay)
    step = co_await sign_in(*client, parts_.sasl, {stop.hop.relay->user, stop.hop.relay->password_file});
  if (step) co_return client;
  const mail::Outcome why = step.error();
  sessions_.dismiss(std::move(client));
  co_return std::unexpected(why);
}

/// Sessions over a route of the admin's choice, and those for notices and reports, are nobody's business.
void Courier::note_session(const Trip& trip, const Stop& stop, policy::TlsSession session) {
  if (parts_.notes == nullptr || !trip.claim.entry.sender || !is_found_by_domain(stop.hop)) return;
  session.mx = stop.hop.name;
  parts_.notes->note(stop.hop.domain, stop.policy, std::move(session));
}

// RFC 8460 §4.3: what the handshake came to, also where mail goes on without it.
void Courier::note_shaken(const Trip& trip, const Stop& stop, const Client& client, const Client::Step& step) {
  const auto& sts = stop.policy.sts;
  policy::TlsSession session;
  session.ip = stop.endpoint.address.to_string();
  session.own_ip = client.own_ip();
  const bool shaken_badly = !step && step.error().enhanced == mail::EnhancedStatus{4, 7, 5};
  if (shaken_badly) session.reason = step.error().text;
  if (shaken_badly) session.failure = failure_of_tls(session.reason);
  if (!shaken_badly && !client.is_tls()) session.failure = "starttls-not-supported";
  if (session.failure.empty() && sts.policy && sts.policy->mode == StsPolicy::Mode::testing) {
    if (!client.tls_verified()) session.failure = failure_of_tls(client.tls_trouble());
    if (!sts.policy->names(stop.hop.name)) session = refused_by(stop.policy);
  }
  if (session.failure.empty() && !sts.policy) session.failure = sts.failure;
  note_session(trip, stop, std::move(session));
}

async::Task<Client::Step> Courier::secure(Client& client, const Stop& stop) {
  const bool required = stop.demand.level == TlsDemand::Level::required;
  if (!client.capabilities().starttls || parts_.tls == nullptr) {
    if (!required) co_return Client::Step();
    co_return std::unexpected(local(Kind::deferred, {4, 7, 4}, client.host() + " offers no TLS, which is required"));
  }
  auto step = co_await client.start_tls(*parts_.tls, stop.demand.peer);
  if (step || required) co_return step;
  // Declined in good order: opportunistic mail goes on in clear text over the same connection.
  if (client.usable() && !client.is_tls()) co_return Client::Step();
  co_return step;
}

void Courier::tell(const Trip& trip) const {
  const auto& entry = trip.claim.entry;
  const auto age = std::max<std::int64_t>(parts_.clock.unix_now() - entry.created, 0);
  for (std::size_t i = 0; i < trip.outcomes.size(); ++i) {
    const auto& outcome = trip.outcomes[i];
    const Counter& counter = outcome.kind == Kind::delivered ? delivered_ : outcome.kind == Kind::failed ? failed_ : deferred_;
    counter.add();
    const std::string_view event = outcome.kind == Kind::delivered ? "delivered"
                                   : outcome.kind == Kind::failed  ? "failed"
                                                                   : "deferred";
    parts_.log.info("outbound", event,
                    {{"entry", entry.id},
                     {"to", entry.recipients[i].recipient.address.to_string()},
                     {"host", outcome.remote_host},
                     {"tls", trip.tls},
                     {"code", outcome.code},
                     {"status", outcome.enhanced.to_string()},
                     {"text", outcome.text},
                     {"attempt", entry.recipients[i].attempts + 1},
                     {"age", age}});
  }
}

}  // namespace postern::outbound
