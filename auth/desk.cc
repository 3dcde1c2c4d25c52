// SPDX-License-Identifier: Apache-2.0
// The two peers that Cyrus SASL asks: one checks a password, the other gives a SCRAM verifier, true or made up.
#include "auth/desk.h"

#include "auth/issuer.h"
#include "auth/passwords.h"
#include "auth/sasl_messages.h"
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
    auto permit = desk_.guard().admit({label_.origin.ip, candidate_.name});
    verdict_ = permit ? check(*permit, password) : Verdict::throttled;
    return verdict_ == Verdict::right;
  }
  /// PLAIN's question for properties needs no verifier.
  std::optional<std::string> scram_verifier(std::string_view) override { return std::nullopt; }

  Verdict verdict() const { return verdict_; }
  const Candidate& candidate() const { return candidate_; }
  const std::string& kind() const { return kind_; }
  const std::string& reason() const { return reason_; }

 private:
  Verdict check(Guard::Permit& permit, std::string_view text) {
    const auto password = opaque_string(text);
    if (!password) return wrong(permit, Secret(text), "not a possible password");
    if (permit.known_wrong(*password)) return wrong(permit, *password, "same wrong password again");
    if (candidate_.account) {
      if (auto kind = desk_.cache().find(candidate_.id(), *password)) return right(permit, std::move(*kind));
    }
    return depth_ == LoginDesk::Depth::hash ? hash(permit, *password) : Verdict::needs_hash;
  }

  Verdict hash(Guard::Permit& permit, const Secret& password) {
    const auto generation = desk_.cache().generation();
    const auto credential = desk_.vault().password_now(candidate_.id());
    if (!credential) return unavailable(credential.error());
    const bool real = candidate_.account && *credential;
    const auto match = real ? matches((*credential)->verifier, password) : matches_nothing(password, desk_.settings().cost);
    if (!match) return unavailable(match.error());
    if (!*match) return wrong(permit, password, candidate_.account ? "wrong password" : "unknown or disabled");
    desk_.cache().put(candidate_.id(), password, (*credential)->kind, generation);
    return right(permit, (*credential)->kind);
  }

  Verdict right(Guard::Permit& permit, std::string kind) {
    permit.succeeded();
    kind_ = std::move(kind);
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
  std::string kind_;
  std::string reason_;
};

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

LoginDesk::LoginDesk(DeskParts parts, Settings settings, Keyring keyring)
    : parts_(parts),
      settings_(std::move(settings)),
      vault_(parts.credentials, std::move(keyring)),
      guard_(settings_.guard, parts.clock),
      cache_(settings_.cache_ttl, settings_.cache_size, parts.clock) {
  const auto count = [&](std::string_view result) {
    return parts_.metrics.counter("postern_logins_total", "Login attempts by their end", {{"result", std::string(result)}});
  };
  successes_ = count("success");
  for (std::size_t i = 0; i < refusals; ++i) refusals_[i] = count(to_string(static_cast<Refusal>(i)));
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
  Step step;
  step.refusal = refusal;
  step.reason = std::move(reason);
  return step;
}

Step LoginDesk::admit(const AttemptLabel& label, const store::AccountRow& account, std::string_view kind) {
  successes_.add();
  parts_.log.info("auth", "login",
                  {{"protocol", to_string(label.origin.protocol)},
                   {"ip", label.origin.ip},
                   {"mechanism", label.mechanism},
                   {"user", account.login},
                   {"account", account.id},
                   {"credential", kind}});
  Step step;
  step.login = Login{IdentityIssuer::identity(account.id, account.login), IdentityIssuer::relay(account.id)};
  return step;
}

Candidate LoginDesk::candidate(std::string_view user) const {
  const auto address = mail::Address::parse(user);
  Candidate out{address ? address->lookup_key() : ascii::lower(user), parts_.directory.account(user)};
  if (out.account && !out.account->enabled) out.account.reset();
  return out;
}

void LoginDesk::forget(const store::AccountRow& account) {
  cache_.drop(account.id);
  guard_.forget(account.login);
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
  if (peer.verdict() == Verdict::throttled) return refuse(label, Refusal::throttled, "too many failures");
  if (peer.verdict() == Verdict::unavailable) return refuse(label, Refusal::unavailable, peer.reason());
  if (outcome.kind == SaslOutcome::Kind::malformed) return refuse(label, Refusal::malformed, outcome.reason);
  if (outcome.kind == SaslOutcome::Kind::unavailable) return refuse(label, Refusal::unavailable, outcome.reason);
  const bool proven = outcome.kind == SaslOutcome::Kind::success && peer.verdict() == Verdict::right;
  if (!proven || !peer.candidate().account) {
    return refuse(label, Refusal::bad_credentials, peer.reason().empty() ? outcome.reason : peer.reason());
  }
  return admit(label, *peer.candidate().account, peer.kind());
}

/// Answers SCRAM: every name has a verifier, and making one up costs the same as reading one.
class ScramLogin::Peer final : public SaslPeer {
 public:
  explicit Peer(LoginDesk& desk) : desk_(desk) {}

  bool check_password(std::string_view, std::string_view) override { return false; }

  std::optional<std::string> scram_verifier(std::string_view user) override {
    candidate_ = desk_.candidate(user);
    const auto made_up = desk_.vault().fake_scram(candidate_.name, desk_.settings().cost.scram_iterations);
    auto credential = desk_.vault().password_now(candidate_.id());
    if (!credential) {
      failure_ = credential.error().text;
      return std::nullopt;
    }
    real_ = candidate_.account && *credential;
    if (!real_) return made_up.auth_password();
    kind_ = (*credential)->kind;
    return (*credential)->verifier.scram.auth_password();
  }

  bool real() const { return real_; }
  const Candidate& candidate() const { return candidate_; }
  const std::string& kind() const { return kind_; }
  const std::optional<std::string>& failure() const { return failure_; }

 private:
  LoginDesk& desk_;
  Candidate candidate_;
  bool real_ = false;
  std::string kind_;
  std::optional<std::string> failure_;
};

ScramLogin::ScramLogin(std::shared_ptr<LoginDesk> desk, Origin origin, std::string mechanism)
    : desk_(std::move(desk)),
      label_{std::move(origin), std::move(mechanism), {}},
      peer_(std::make_unique<Peer>(*desk_)),
      server_(std::make_unique<SaslServer>(desk_->parts().sasl, *peer_, label_.origin.channel_binding)) {}

ScramLogin::~ScramLogin() = default;

Step ScramLogin::start(const std::string& message) {
  desk_->follow_reload();
  label_.user = user_of(label_.mechanism, message);
  auto permit = desk_->guard().admit({label_.origin.ip, desk_->candidate(label_.user).name});
  if (!permit) return desk_->refuse(label_, Refusal::throttled, "too many failures");
  return conclude(server_->start(label_.mechanism, message), std::nullopt);
}

Step ScramLogin::step(const std::string& message) {
  // Admitted anew at each step: exchanges that were begun in parallel and finished together count like any others.
  auto permit = desk_->guard().admit({label_.origin.ip, desk_->candidate(label_.user).name});
  if (!permit) return desk_->refuse(label_, Refusal::throttled, "too many failures");
  return conclude(server_->step(message), std::move(permit));
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
    case Kind::failed: break;
    case Kind::success: {
      // Read again: the account may have been disabled while the exchange went on.
      const auto now = desk_->candidate(label_.user);
      if (peer_->real() && now.account && now.id() == peer_->candidate().id()) {
        if (permit) permit->succeeded();
        return desk_->admit(label_, *now.account, peer_->kind());
      }
      break;
    }
  }
  if (permit) permit->failed();
  return desk_->refuse(label_, Refusal::bad_credentials, outcome.reason);
}

}  // namespace postern::auth
