// SPDX-License-Identifier: Apache-2.0
// The two peers that Cyrus SASL asks: one checks a password, the other gives a SCRAM verifier, true or made up.
#include "auth/desk.h"

#include <algorithm>
#include <utility>

#include "auth/access.h"
#include "auth/issuer.h"
#include "auth/passwords.h"
#include "auth/sasl_messages.h"
#include "auth/scram_proof.h"
#include "base/ascii.h"

namespace postern::auth {
namespace {

/// How a password check ended.
enum class Verdict : unsigned char { wrong, right, needs_hash, throttled, unavailable };

/// Answers PLAIN. One check for each peer.
class PlainPeer final : public SaslPeer {
 public:
  PlainPeer(LoginDesk& desk, const AttemptLabel& label, LoginDesk::Depth depth) : desk_(desk), label_(label), depth_(depth) {}

  bool check_password(std::string_view user, std::string_view password) override {
    candidate_ = desk_.candidate(user);
    auto permit = desk_.ask(label_, candidate_);
    if (!permit) stop_ = permit.error();
    verdict_ = permit ? check(*permit, password) : Verdict::throttled;
    return verdict_ == Verdict::right;
  }
  /// PLAIN's question for properties needs no verifier.
  std::optional<std::string> scram_verifier(std::string_view) override { return std::nullopt; }

  Verdict verdict() const { return verdict_; }
  Stop stop() const { return stop_; }
  const Candidate& candidate() const { return candidate_; }
  const store::CredentialRow& credential() const { return credential_; }
  std::uint64_t revision() const { return revision_; }
  const std::string& reason() const { return reason_; }

 private:
  Verdict check(Guard::Permit& permit, std::string_view text) {
    const auto password = opaque_string(text);
    if (!password) return wrong(permit, Secret(text), "not a possible password");
    if (permit.known_wrong(*password)) return wrong(permit, *password, "same wrong password again");
    revision_ = desk_.sessions().revision(candidate_.id());
    if (candidate_.account) rules_ = desk_.access_refusal(candidate_.id(), label_.origin);
    if (candidate_.account && !rules_) {
      auto known = desk_.cache().find(candidate_.id(), *password);
      if (known && !objection_to(*known)) return right(permit, std::move(*known));
    }
    return depth_ == LoginDesk::Depth::hash ? hash(permit, *password) : Verdict::needs_hash;
  }

  /// One Argon2id for every failure, whatever there was to compare with.
  Verdict hash(Guard::Permit& permit, const Secret& password) {
    const auto generation = desk_.cache().generation();
    const auto wallet = desk_.vault().wallet_now(candidate_.id());
    if (!wallet) return unavailable(wallet.error());
    const auto* app = candidate_.account ? find_app(*wallet, password) : nullptr;
    if (app != nullptr && objection_to(app->row)) return not_here(app->row, password);
    if (app != nullptr && rules_) return not_now(password);
    if (app != nullptr) return remember(permit, password, *app, generation);
    const auto* main = candidate_.account && !wallet->policy.app_passwords_only ? wallet->password() : nullptr;
    const auto match = main != nullptr ? compare(*main, password) : matches_nothing(password, desk_.settings().cost);
    if (!match) return unavailable(match.error());
    if (!*match) return wrong(permit, password, why_wrong(*wallet));
    if (rules_) return by_rules();
    desk_.renew_later(*candidate_.account, *wallet, password);
    desk_.weak_finder().look(candidate_.id(), main->row.id, password);
    return remember(permit, password, *main, generation);
  }

  Verdict remember(Guard::Permit& permit, const Secret& password, const Credential& credential, std::uint64_t generation) {
    desk_.cache().put(candidate_.id(), password, credential.row, generation);
    return right(permit, credential.row);
  }

  /// An imported hash may be quicker than ours: a failure costs ours as well.
  Result<bool> compare(const Credential& main, const Secret& password) const {
    auto match = matches(main.verifier, password);
    if (match && !*match && main.verifier.scram.empty()) return matches_nothing(password, desk_.settings().cost);
    return match;
  }

  static const Credential* find_app(const Wallet& wallet, const Secret& password) {
    const auto compact = compact_app_password(password.reveal());
    if (!compact) return nullptr;
    for (const auto& one : wallet.credentials) {
      if (one.is_app() && matches(one.verifier, *compact).value_or(false)) return &one;
    }
    return nullptr;
  }

  std::string why_wrong(const Wallet& wallet) const {
    if (!candidate_.account) return "unknown or disabled";
    return wallet.policy.app_passwords_only ? "wrong; only app passwords work for this account" : "wrong password";
  }

  std::optional<std::string> objection_to(const store::CredentialRow& credential) const {
    return objection(credential, label_.origin, desk_.parts().clock.unix_now());
  }

  /// The right password at the wrong door is refused like a wrong one, in the same time. It is no guess, so it is not counted.
  Verdict not_here(const store::CredentialRow& credential, const Secret& password) {
    const auto match = matches_nothing(password, desk_.settings().cost);
    if (!match) return unavailable(match.error());
    reason_ = "app password " + credential.label + ": " + objection_to(credential).value_or("");
    return Verdict::wrong;
  }

  /// The same for the access rules (auth/access.h), with an app password, which is compared quickly.
  Verdict not_now(const Secret& password) {
    const auto match = matches_nothing(password, desk_.settings().cost);
    return match ? by_rules() : unavailable(match.error());
  }
  Verdict by_rules() {
    reason_ = *rules_;
    return Verdict::wrong;
  }

  Verdict right(Guard::Permit& permit, store::CredentialRow credential) {
    permit.succeeded();
    credential_ = std::move(credential);
    return Verdict::right;
  }
  Verdict wrong(Guard::Permit& permit, const Secret& password, std::string reason) {
    permit.failed(password);
    reason_ = std::move(reason);
    return Verdict::wrong;
  }
  Verdict unavailable(const Error& error) {
    reason_ = error.text;
    return Verdict::unavailable;
  }

  LoginDesk& desk_;
  const AttemptLabel& label_;
  LoginDesk::Depth depth_;
  Candidate candidate_;
  Verdict verdict_ = Verdict::wrong;
  Stop stop_ = Stop::busy;  ///< of a throttled one
  store::CredentialRow credential_;
  std::uint64_t revision_ = 0;
  std::optional<std::string> rules_;  ///< why the access rules refuse, whatever the password
  std::string reason_;
};

/// Refusals that somebody's password may have been guessed with.
bool is_recorded(Refusal refusal) { return refusal == Refusal::bad_credentials || refusal == Refusal::throttled; }

}  // namespace

std::string_view to_string(Protocol protocol) {
  switch (protocol) {
    case Protocol::submission: return "submission";
    case Protocol::imap: return "imap";
    case Protocol::pop3: return "pop3";
  }
  return "";
}

std::string_view to_string(Refusal refusal) {
  switch (refusal) {
    case Refusal::bad_credentials: return "bad_credentials";
    case Refusal::malformed: return "malformed";
    case Refusal::aborted: return "aborted";
    case Refusal::bad_mechanism: return "bad_mechanism";
    case Refusal::no_tls: return "no_tls";
    case Refusal::throttled: return "throttled";
    case Refusal::unavailable: return "unavailable";
  }
  return "";
}

std::string name_key(std::string_view user) {
  const auto address = mail::Address::parse(user);
  return address ? address->lookup_key() : ascii::lower(user);
}

LoginDesk::LoginDesk(DeskParts parts, Settings settings, Keyring keyring)
    : parts_(parts),
      settings_(std::move(settings)),
      vault_(parts.credentials, std::move(keyring)),
      guard_(settings_.guard, parts.clock),
      cache_(settings_.cache_ttl, settings_.cache_size, parts.clock),
      gate_(settings_.strength, std::make_shared<BreachList>(settings_.breach_file, parts.log)),
      weak_finder_({parts.credentials, parts.directory, gate_, parts.clock, parts.log, parts.metrics}, settings_.hostname),
      backroom_({parts.credentials, parts.clock, parts.log, parts.metrics, [this] { return record_rules(); },
                 [this] {
                   sessions_.end_expired(parts_.clock.unix_now());
                   end_after_hours();
                 }}) {
  const auto count = [&](std::string_view result) {
    return parts_.metrics.counter("postern_logins_total", "Login attempts by their end", {{"result", std::string(result)}});
  };
  successes_ = count("success");
  for (std::size_t i = 0; i < refusals; ++i) refusals_[i] = count(to_string(static_cast<Refusal>(i)));
  for (std::size_t i = 0; i < stops; ++i) {
    stops_[i] = parts_.metrics.counter("postern_logins_stopped_total", "Login attempts that the guard did not let through",
                                       {{"budget", std::string(to_string(static_cast<Stop>(i)))}});
  }
  bans_made_ = parts_.metrics.counter("postern_bans_total", "Bans that the guard has made");
  guard_.on_ban([this](const store::BanRow& ban) {
    bans_made_.add();
    const auto& seen = ban.evidence;
    parts_.log.warning("auth", "banned",
                       {{"network", ban.network},
                        {"until", ban.until},
                        {"times", ban.times},
                        {"reason", ban.reason},
                        {"refused", seen.refused},
                        {"names", seen.names.size()}});
  });
}

Step LoginDesk::refuse(const AttemptLabel& label, Refusal refusal, std::string reason) {
  refusals_[static_cast<std::size_t>(refusal)].add();
  parts_.log.info("auth", "refused",
                  {{"protocol", to_string(label.origin.protocol)},
                   {"ip", label.origin.ip},
                   {"mechanism", label.mechanism},
                   {"user", label.user},
                   {"result", to_string(refusal)},
                   {"reason", reason}});
  if (is_recorded(refusal)) {
    record(label, refusal, reason);
    keep_later();
  }
  Step step;
  step.refusal = refusal;
  step.reason = std::move(reason);
  return step;
}

Step LoginDesk::refuse(const AttemptLabel& label, Stop stop) {
  stops_[static_cast<std::size_t>(stop)].add();
  return refuse(label, Refusal::throttled, std::string(describe(stop)));
}

std::expected<Guard::Permit, Stop> LoginDesk::ask(const AttemptLabel& label, const Candidate& candidate) {
  return guard_.admit({label.origin.ip, candidate.name, label.origin.protocol, candidate.ours});
}

async::Task<> LoginDesk::remember() {
  const auto networks = co_await parts_.credentials.known_networks(std::nullopt);
  if (!networks) parts_.log.error("auth", "known networks cannot be read", {{"error", networks.error().text}});
  for (const auto& one : networks.value_or(std::vector<store::KnownNetwork>())) {
    if (const auto account = parts_.directory.account(one.account)) guard_.learn(account->login, one);
  }
  if (parts_.guard_book == nullptr) co_return;
  const auto kept = parts_.guard_book->recall();
  if (kept) guard_.load(*kept);
  if (!kept) parts_.log.error("auth", "bans and counters cannot be read", {{"error", kept.error().text}});
}

void LoginDesk::keep() {
  if (parts_.guard_book != nullptr) parts_.guard_book->note(guard_.collect());
}

void LoginDesk::keep_later() {
  if (parts_.guard_book != nullptr) backroom_.run("guard", [this] { keep(); });
}

/// People type passwords where a name belongs, so a name that could not be one of ours is not written down.
void LoginDesk::record(const AttemptLabel& label, Refusal refusal, const std::string& reason) {
  const auto account = parts_.directory.account(label.user);
  const auto address = mail::Address::parse(label.user);
  store::LoginRow row;
  row.account = account ? account->id : 0;
  row.at = parts_.clock.unix_now();
  if (account) {
    row.name = account->login;
  } else if (address && address->domain() != nullptr && parts_.directory.is_local(*address->domain())) {
    row.name = address->lookup_key();
  }
  row.protocol = door_name(label.origin.protocol);
  row.ip = label.origin.ip;
  row.mechanism = label.mechanism;
  row.outcome = to_string(refusal);
  row.reason = account && !account->enabled ? "disabled" : reason;
  backroom_.record(std::move(row));
}

RecordRules LoginDesk::record_rules() const {
  return settings_.live != nullptr ? settings_from(*settings_.live->get()).record : settings_.record;
}

Step LoginDesk::admit(const AttemptLabel& label, const store::AccountRow& account, const store::CredentialRow& credential,
                      std::uint64_t revision) {
  // First the ticket, then the look: an account that is disabled now is either seen here, or its end finds the ticket.
  auto ticket = sessions_.open(account.id, credential, revision);
  const auto present = parts_.directory.account(account.id);
  if (!present || !present->enabled) return refuse(label, Refusal::bad_credentials, "disabled meanwhile");
  successes_.add();
  const auto& name = credential.kind == app_kind ? credential.label : credential.kind;
  parts_.log.info("auth", "login",
                  {{"protocol", to_string(label.origin.protocol)},
                   {"ip", label.origin.ip},
                   {"mechanism", label.mechanism},
                   {"user", account.login},
                   {"account", account.id},
                   {"credential", name}});
  store::LoginRow row;
  row.account = account.id;
  row.at = parts_.clock.unix_now();
  row.name = account.login;
  row.protocol = door_name(label.origin.protocol);
  row.ip = label.origin.ip;
  row.credential = credential.id;
  row.label = name;
  row.mechanism = label.mechanism;
  row.outcome = "success";
  row.network = network_text(label.origin.ip);
  backroom_.record(std::move(row));
  Step step;
  step.login = Login{IdentityIssuer::identity(account.id, account.login), IdentityIssuer::relay(account.id), std::move(ticket)};
  return step;
}

Candidate LoginDesk::candidate(std::string_view user) const {
  Candidate out{name_key(user), false, parts_.directory.account(user)};
  const auto address = mail::Address::parse(user);
  out.ours = out.account || (address && address->domain() != nullptr && parts_.directory.is_local(*address->domain()));
  if (out.account) out.name = out.account->login;
  if (out.account && !out.account->enabled) out.account.reset();
  return out;
}

std::size_t LoginDesk::forget(const store::AccountRow& account, std::optional<store::CredentialId> credential) {
  cache_.drop(account.id);
  guard_.forget(account.login);
  const auto ended = sessions_.end(account.id, credential);
  if (ended > 0) parts_.log.info("auth", "sessions_ended", {{"user", account.login}, {"sessions", ended}});
  return ended;
}

std::optional<std::string> LoginDesk::access_refusal(store::AccountId account, const Origin& origin) const {
  return access_objection(parts_.directory.access_rules(account), origin, wall_time(parts_.clock.unix_now()));
}

void LoginDesk::end_after_hours() {
  const auto now = wall_time(parts_.clock.unix_now());
  for (const auto id : sessions_.accounts()) {
    if (within_hours(parts_.directory.access_rules(id), now)) continue;
    const auto ended = sessions_.end(id, std::nullopt);
    if (ended > 0)
      parts_.log.info("auth", "sessions_ended", {{"account", id}, {"sessions", ended}, {"reason", "access rules: hours"}});
  }
}

void LoginDesk::renew_later(const store::AccountRow& account, const Wallet& wallet, const Secret& password) {
  const auto& credential = *wallet.password();
  auto challenge = vault_.challenge_for_password(wallet, name_key(account.login), settings_.cost.scram_iterations);
  const bool same_challenge = !credential.verifier.scram.empty() && challenge_of(credential.verifier) == challenge;
  if (same_challenge && !needs_rehash(credential.verifier, settings_.cost)) return;
  auto job = [this, row = credential.row, imported = credential.verifier.scram.empty(), password, challenge,
              login = account.login] {
    const auto verifier = make_verifier(password, settings_.cost, challenge);
    if (!verifier) return;
    const auto replaced = vault_.replace_now(row, *verifier);
    if (!replaced) return;  // changed meanwhile, or the store is away: the next login tries again
    parts_.log.info("auth", "password_hashed_anew", {{"user", login}, {"imported", imported}});
  };
  backroom_.run("renew " + std::to_string(credential.row.id), std::move(job));
}

void LoginDesk::follow_reload() {
  if (settings_.live == nullptr) return;
  auto current = settings_.live->get();
  const std::lock_guard lock(reload_mutex_);
  if (current == seen_) return;
  const auto fresh = settings_from(*current);
  guard_.set_limits(fresh.guard);
  cache_.set_ttl(fresh.cache_ttl);
  seen_ = std::move(current);
}

std::optional<Step> LoginDesk::plain(const AttemptLabel& label, const Secret& message, Depth depth) {
  follow_reload();
  PlainPeer peer(*this, label, depth);
  SaslServer server(parts_.sasl, peer, {});
  const auto outcome = server.start("PLAIN", message.reveal());
  if (peer.verdict() == Verdict::needs_hash) return std::nullopt;
  if (peer.verdict() == Verdict::throttled) return refuse(label, peer.stop());
  if (peer.verdict() == Verdict::unavailable) return refuse(label, Refusal::unavailable, peer.reason());
  if (outcome.kind == SaslOutcome::Kind::malformed) return refuse(label, Refusal::malformed, outcome.reason);
  if (outcome.kind == SaslOutcome::Kind::unavailable) return refuse(label, Refusal::unavailable, outcome.reason);
  const bool proven = outcome.kind == SaslOutcome::Kind::success && peer.verdict() == Verdict::right;
  if (!proven || !peer.candidate().account) {
    return refuse(label, Refusal::bad_credentials, peer.reason().empty() ? outcome.reason : peer.reason());
  }
  return admit(label, *peer.candidate().account, peer.credential(), peer.revision());
}

/// Answers SCRAM: every name has a verifier, and making one up costs the same as reading one.
class ScramLogin::Peer final : public SaslPeer {
 public:
  Peer(LoginDesk& desk, const AttemptLabel& label) : desk_(desk), label_(label) {}

  bool check_password(std::string_view, std::string_view) override { return false; }

  std::optional<std::string> scram_verifier(std::string_view user) override {
    candidate_ = desk_.candidate(user);
    revision_ = desk_.sessions().revision(candidate_.id());
    const auto made_up = desk_.vault().fake_scram(candidate_.name, desk_.settings().cost.scram_iterations);
    auto wallet = desk_.vault().wallet_now(candidate_.id());
    if (!wallet) {
      failure_ = wallet.error().text;
      return std::nullopt;
    }
    if (candidate_.account) gather(*wallet);
    if (choices_.empty()) gather_in_vain(*wallet);
    if (candidate_.account) rules_ = desk_.access_refusal(candidate_.id(), label_.origin);
    if (rules_) return shut(made_up);
    return keys_.empty() ? made_up.auth_password() : keys_.front().auth_password();
  }

  /// The credentials that this attempt may prove, the one that libsasl2 knows first, each with its keys.
  struct Choice {
    store::CredentialRow credential;
    std::vector<ScramKeys> keys;
  };
  const std::vector<Choice>& choices() const { return choices_; }
  /// What could have been proven if the access rules allowed it, and why they do not.
  const std::vector<Choice>& shut_out() const { return shut_out_; }
  const std::optional<std::string>& rules() const { return rules_; }
  const Candidate& candidate() const { return candidate_; }
  std::uint64_t revision() const { return revision_; }
  const std::optional<std::string>& failure() const { return failure_; }

 private:
  void gather(Wallet& wallet) {
    const auto* main = wallet.policy.app_passwords_only ? nullptr : wallet.password();
    if (main != nullptr) offer(*main);
    const auto now = desk_.parts().clock.unix_now();
    for (const auto& one : wallet.credentials) {
      if (one.is_app() && !objection(one.row, label_.origin, now)) offer(one);
    }
  }

  /// The same work for who has nothing to prove.
  void gather_in_vain(const Wallet& wallet) {
    for (const auto& one : wallet.decoys) offer(one);
    keys_.clear();
    choices_.clear();
  }

  /// Keys that no password fits, under the true salt: nothing can be proven, and the client sees a wrong password.
  std::string shut(ScramKeys decoy) {
    if (!keys_.empty()) {
      decoy.salt = keys_.front().salt;
      decoy.iterations = keys_.front().iterations;
    }
    keys_.clear();
    shut_out_ = std::exchange(choices_, {});
    return decoy.auth_password();
  }

  /// Only keys of one salt and count can be proven in one exchange.
  void offer(const Credential& credential) {
    Choice choice{credential.row, {}};
    choice.credential.sealed.clear();
    for (const auto& keys : credential.verifier.scram) {
      if (!keys_.empty() && (keys.salt != keys_.front().salt || keys.iterations != keys_.front().iterations)) continue;
      if (keys_.empty()) keys_.push_back(keys);
      choice.keys.push_back(keys);
    }
    if (!choice.keys.empty()) choices_.push_back(std::move(choice));
  }

  LoginDesk& desk_;
  const AttemptLabel& label_;
  Candidate candidate_;
  std::vector<ScramKeys> keys_;  ///< what libsasl2 is given, when there is one
  std::vector<Choice> choices_;
  std::vector<Choice> shut_out_;
  std::optional<std::string> rules_;
  std::uint64_t revision_ = 0;
  std::optional<std::string> failure_;
};

ScramLogin::ScramLogin(std::shared_ptr<LoginDesk> desk, Origin origin, std::string mechanism)
    : desk_(std::move(desk)),
      label_{std::move(origin), std::move(mechanism), {}},
      peer_(std::make_unique<Peer>(*desk_, label_)),
      server_(std::make_unique<SaslServer>(desk_->parts().sasl, *peer_, label_.origin.channel_binding)) {}

ScramLogin::~ScramLogin() = default;

Step ScramLogin::start(const std::string& message) {
  desk_->follow_reload();
  label_.user = user_of(label_.mechanism, message);
  const auto permit = desk_->ask(label_, desk_->candidate(label_.user));
  if (!permit) return desk_->refuse(label_, permit.error());
  first_ = message;
  const auto outcome = server_->start(label_.mechanism, message);
  challenge_ = outcome.data;
  return conclude(outcome, std::nullopt);
}

Step ScramLogin::step(const std::string& message) {
  // Admitted anew at each step: exchanges that were begun in parallel and finished together count like any others.
  auto asked = desk_->ask(label_, desk_->candidate(label_.user));
  if (!asked) return desk_->refuse(label_, asked.error());
  std::optional<Guard::Permit> permit(std::move(*asked));
  if (other_) return finish_other(message, std::move(permit));
  const auto outcome = server_->step(message);
  if (outcome.kind == SaslOutcome::Kind::failed) {
    if (auto other = try_others(message)) return std::move(*other);
    if (auto refused = refuse_by_rules(message)) return std::move(*refused);
  }
  return conclude(outcome, std::move(permit));
}

std::optional<Step> ScramLogin::try_others(const std::string& message) {
  const auto proof = ScramTranscript(first_, challenge_, label_.origin.channel_binding).read(message);
  if (!proof) return std::nullopt;
  for (const auto& choice : peer_->choices()) {
    for (const auto& keys : choice.keys) {
      // What libsasl2 refused with the keys that it has stays refused.
      if (keys == peer_->choices().front().keys.front() || !proof->fits(keys)) continue;
      other_ = choice.credential;
      Step step;
      step.challenge = proof->server_final(keys);
      return step;
    }
  }
  return std::nullopt;
}

std::optional<Step> ScramLogin::refuse_by_rules(const std::string& message) {
  if (!peer_->rules()) return std::nullopt;
  const auto proof = ScramTranscript(first_, challenge_, label_.origin.channel_binding).read(message);
  if (!proof) return std::nullopt;
  for (const auto& choice : peer_->shut_out()) {
    const bool right = std::ranges::any_of(choice.keys, [&](const ScramKeys& keys) { return proof->fits(keys); });
    if (right) return desk_->refuse(label_, Refusal::bad_credentials, *peer_->rules());
  }
  return std::nullopt;
}

Step ScramLogin::finish_other(const std::string& message, std::optional<Guard::Permit> permit) {
  if (!message.empty()) return desk_->refuse(label_, Refusal::bad_credentials, "an empty answer was expected");
  return admit(*other_, permit);
}

Step ScramLogin::admit(const store::CredentialRow& credential, std::optional<Guard::Permit>& permit) {
  const auto& account = *peer_->candidate().account;
  if (desk_->sessions().revision(account.id) != peer_->revision()) {
    return desk_->refuse(label_, Refusal::unavailable, "the credentials changed meanwhile");
  }
  if (permit) permit->succeeded();
  return desk_->admit(label_, account, credential, peer_->revision());
}

Step ScramLogin::conclude(const SaslOutcome& outcome, std::optional<Guard::Permit> permit) {
  using Kind = SaslOutcome::Kind;
  if (peer_->failure()) return desk_->refuse(label_, Refusal::unavailable, *peer_->failure());
  switch (outcome.kind) {
    case Kind::challenge: {
      Step step;
      step.challenge = outcome.data;
      return step;
    }
    case Kind::malformed: return desk_->refuse(label_, Refusal::malformed, outcome.reason);
    case Kind::unavailable: return desk_->refuse(label_, Refusal::unavailable, outcome.reason);
    case Kind::success:
      if (!peer_->choices().empty()) return admit(peer_->choices().front().credential, permit);
      break;
    case Kind::failed: break;
  }
  if (permit) permit->failed();
  return desk_->refuse(label_, Refusal::bad_credentials, outcome.reason);
}

}  // namespace postern::auth
