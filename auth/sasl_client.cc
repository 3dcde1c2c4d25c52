// SPDX-License-Identifier: Apache-2.0
// libsasl2's client asks for name and password by callbacks whose context is the State of this exchange.
#include "auth/sasl_client.h"

#include <sasl/sasl.h>

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstring>

#include "base/ascii.h"

namespace postern::auth {
namespace {

constexpr std::array<std::string_view, 2> preferred = {"SCRAM-SHA-256", "PLAIN"};

/// libsasl2 keeps callbacks of all signatures as `int (*)()` and casts them back by their id.
using SaslFunction = int (*)();
template <class F>
SaslFunction generic(F* function) {
  return reinterpret_cast<SaslFunction>(reinterpret_cast<void (*)()>(function));
}

}  // namespace

struct SaslClient::State {
  State(std::string name, Secret secret);
  ~State();
  static int give_name(void* context, int id, const char** result, unsigned* size);
  static int give_password(sasl_conn_t* connection, void* context, int id, sasl_secret_t** out);

  std::string user;
  std::vector<std::byte> secret;  ///< a sasl_secret_t with its octets behind it
  std::array<sasl_callback_t, 4> callbacks;
  sasl_conn_t* connection = nullptr;
  bool complete = false;
};

SaslClient::State::State(std::string name, Secret password)
    : user(std::move(name)), secret(sizeof(sasl_secret_t) + password.size() + 1) {
  auto* out = new (secret.data()) sasl_secret_t;
  out->len = password.size();
  std::memcpy(secret.data() + offsetof(sasl_secret_t, data), password.reveal().data(), password.size());
  callbacks = {{{SASL_CB_USER, generic(give_name), this},
                {SASL_CB_AUTHNAME, generic(give_name), this},
                {SASL_CB_PASS, generic(give_password), this},
                {SASL_CB_LIST_END, nullptr, nullptr}}};
}

SaslClient::State::~State() {
  if (connection != nullptr) sasl_dispose(&connection);
  volatile std::byte* at = secret.data();
  for (std::size_t i = 0; i < secret.size(); ++i) at[i] = std::byte{0};
}

/// The authorization name stays empty: we act for ourselves.
int SaslClient::State::give_name(void* context, int id, const char** result, unsigned* size) {
  const auto* self = static_cast<const State*>(context);
  *result = id == SASL_CB_AUTHNAME ? self->user.c_str() : "";
  if (size != nullptr) *size = static_cast<unsigned>(std::strlen(*result));
  return SASL_OK;
}

int SaslClient::State::give_password(sasl_conn_t*, void* context, int, sasl_secret_t** out) {
  *out = reinterpret_cast<sasl_secret_t*>(static_cast<State*>(context)->secret.data());
  return SASL_OK;
}

SaslClient::SaslClient(SaslLibrary&, std::string user, Secret password)
    : state_(std::make_unique<State>(std::move(user), std::move(password))) {
  if (sasl_client_new("smtp", "localhost", nullptr, nullptr, state_->callbacks.data(), 0, &state_->connection) != SASL_OK) return;
  sasl_security_properties_t properties{};
  properties.security_flags = SASL_SEC_NOANONYMOUS;
  if (sasl_setprop(state_->connection, SASL_SEC_PROPS, &properties) != SASL_OK) sasl_dispose(&state_->connection);
}

SaslClient::~SaslClient() = default;

Result<SaslClient::Begin> SaslClient::start(const std::vector<std::string>& offered) {
  if (state_->connection == nullptr) return fail(ErrorKind::unavailable, "libsasl2 gives no client");
  const auto chosen = std::find_if(preferred.begin(), preferred.end(), [&](std::string_view name) {
    return std::any_of(offered.begin(), offered.end(), [name](const std::string& one) { return ascii::iequals(one, name); });
  });
  if (chosen == preferred.end()) return fail(ErrorKind::unsupported, "the server offers neither SCRAM-SHA-256 nor PLAIN");
  const char* data = nullptr;
  unsigned size = 0;
  const char* mechanism = nullptr;
  const std::string wanted(*chosen);
  const int code = sasl_client_start(state_->connection, wanted.c_str(), nullptr, &data, &size, &mechanism);
  if (code != SASL_OK && code != SASL_CONTINUE) return fail(ErrorKind::unavailable, sasl_errdetail(state_->connection));
  state_->complete = code == SASL_OK;
  return Begin{wanted, data != nullptr ? std::string(data, size) : std::string()};
}

Result<std::string> SaslClient::step(std::string_view challenge) {
  if (state_->connection == nullptr || challenge.size() > max_sasl_input)
    return fail(ErrorKind::denied, "no exchange, or too long");
  if (state_->complete) return fail(ErrorKind::denied, "a challenge after the end of the exchange");
  const char* data = nullptr;
  unsigned size = 0;
  const std::string text(challenge);
  const int code = sasl_client_step(state_->connection, text.c_str(), static_cast<unsigned>(text.size()), nullptr, &data, &size);
  if (code != SASL_OK && code != SASL_CONTINUE) return fail(ErrorKind::denied, sasl_errdetail(state_->connection));
  state_->complete = code == SASL_OK;
  return data != nullptr ? std::string(data, size) : std::string();
}

bool SaslClient::complete() const { return state_->complete; }

}  // namespace postern::auth
