// SPDX-License-Identifier: Apache-2.0
// All calls of libsasl2's server side. The codes it gives are mapped here once: what tells causes apart stays in `reason`.
#include "auth/sasl.h"

#include <sasl/sasl.h>
#include <sasl/saslutil.h>

#include <array>
#include <atomic>
#include <cstring>
#include <mutex>

#include "auth/sasl_messages.h"
#include "auth/sasl_plugin.h"
#include "base/ascii.h"

namespace postern::auth {
namespace {

/// libsasl2 names the service only in tickets of mechanisms that we do not load.
constexpr const char* service_name = "postern";
constexpr const char* mechanism_list = "SCRAM-SHA-256 PLAIN";
/// A pwcheck method that does not exist: our callback alone decides.
constexpr const char* no_pwcheck = "postern-refuses";
constexpr std::string_view channel_binding_type = "tls-exporter";

/// libsasl2 keeps callbacks of all signatures as `int (*)()` and casts them back by their id.
using SaslFunction = int (*)();
template <class F>
SaslFunction generic(F* function) {
  return reinterpret_cast<SaslFunction>(reinterpret_cast<void (*)()>(function));
}

// ---- mutexes: 2.1.28's own do nothing
void* mutex_new() { return new std::mutex; }
int mutex_lock(void* mutex) {
  static_cast<std::mutex*>(mutex)->lock();
  return SASL_OK;
}
int mutex_unlock(void* mutex) {
  static_cast<std::mutex*>(mutex)->unlock();
  return SASL_OK;
}
void mutex_free(void* mutex) { delete static_cast<std::mutex*>(mutex); }

// ---- callbacks of the library
int option(void*, const char*, const char* name, const char** value, unsigned* size) {
  constexpr std::array<std::pair<std::string_view, const char*>, 4> options{{{"auxprop_plugin", sasl_plugin_name},
                                                                             {"mech_list", mechanism_list},
                                                                             {"pwcheck_method", no_pwcheck},
                                                                             {"auto_transition", "no"}}};
  for (const auto& [key, text] : options) {
    if (key != name) continue;
    *value = text;
    if (size != nullptr) *size = static_cast<unsigned>(std::strlen(text));
    return SASL_OK;
  }
  return SASL_FAIL;
}

/// Only the PLAIN and SCRAM plug-ins, and no configuration file (security.md §4.5).
int verify_file(void*, const char* file, sasl_verify_type_t type) {
  if (type != SASL_VRFY_PLUGIN || file == nullptr) return SASL_CONTINUE;
  const std::string_view path(file);
  const auto base = path.substr(path.rfind('/') + 1);
  return base.starts_with("libplain.") || base.starts_with("libscram.") ? SASL_OK : SASL_CONTINUE;
}

int write_log(void* context, int level, const char* message) {
  if (context != nullptr && message != nullptr && level <= SASL_LOG_WARN) {
    static_cast<Log*>(context)->debug("auth", "sasl", {{"message", message}});
  }
  return SASL_OK;
}

// ---- callbacks of one exchange
int check_password(sasl_conn_t*, void* context, const char* user, const char* password, unsigned size, propctx*) {
  if (context == nullptr || user == nullptr || password == nullptr) return SASL_BADPARAM;
  return static_cast<SaslPeer*>(context)->check_password(user, {password, size}) ? SASL_OK : SASL_BADAUTH;
}

/// The name as the client sent it: spelling is the directory's business.
int canonical_user(sasl_conn_t*, void*, const char* in, unsigned size, unsigned, const char*, char* out, unsigned most,
                   unsigned* written) {
  if (size > most) return SASL_BUFOVER;
  std::memmove(out, in, size);
  *written = size;
  return SASL_OK;
}

bool is_library_failure(int code) {
  return code == SASL_FAIL || code == SASL_NOMEM || code == SASL_TRYAGAIN || code == SASL_UNAVAIL;
}

/// The documented exception to "no globals": whether this process has started libsasl2 (it cannot be started twice).
std::atomic<bool> library_started{false};

}  // namespace

struct SaslLibrary::State {
  explicit State(Log& log)
      : callbacks{{{SASL_CB_GETOPT, generic(option), nullptr},
                   {SASL_CB_VERIFYFILE, generic(verify_file), nullptr},
                   {SASL_CB_LOG, generic(write_log), &log},
                   {SASL_CB_LIST_END, nullptr, nullptr}}} {}
  std::array<sasl_callback_t, 4> callbacks;
};

SaslLibrary::SaslLibrary(std::unique_ptr<State> state) : state_(std::move(state)) {}

SaslLibrary::~SaslLibrary() {
  sasl_server_done();
  sasl_client_done();
  library_started = false;
}

Result<std::unique_ptr<SaslLibrary>> SaslLibrary::start(Log& log) {
  if (library_started.exchange(true)) return fail(ErrorKind::exists, "libsasl2 is running in this process already");
  auto library = std::unique_ptr<SaslLibrary>(new SaslLibrary(std::make_unique<State>(log)));
  sasl_set_mutex(mutex_new, mutex_lock, mutex_unlock, mutex_free);
  int code = sasl_server_init(library->state_->callbacks.data(), service_name);
  if (code == SASL_OK) code = add_sasl_plugin();
  if (code == SASL_OK) code = sasl_client_init(library->state_->callbacks.data());
  if (code != SASL_OK) {
    return fail(ErrorKind::unavailable, std::string("libsasl2 does not start: ") + sasl_errstring(code, nullptr, nullptr));
  }
  return library;
}

struct SaslServer::State {
  State(SaslPeer& peer, std::string binding)
      : channel_binding(std::move(binding)),
        callbacks{{{SASL_CB_SERVER_USERDB_CHECKPASS, generic(auth::check_password), &peer},
                   {SASL_CB_CANON_USER, generic(canonical_user), nullptr},
                   {SASL_CB_LIST_END, nullptr, nullptr}}} {}

  std::string channel_binding;
  sasl_channel_binding_t binding_property{};
  std::array<sasl_callback_t, 3> callbacks;
  sasl_conn_t* connection = nullptr;
  unsigned steps = 0;

  bool configure();
  SaslOutcome outcome(int code, const char* data, unsigned size);
};

/// No security layers, no anonymous logins, and the binding of this TLS session.
bool SaslServer::State::configure() {
  sasl_security_properties_t properties{};
  properties.security_flags = SASL_SEC_NOANONYMOUS;
  if (sasl_setprop(connection, SASL_SEC_PROPS, &properties) != SASL_OK) return false;
  if (channel_binding.empty()) return true;
  binding_property.name = channel_binding_type.data();
  binding_property.len = channel_binding.size();
  binding_property.data = reinterpret_cast<const unsigned char*>(channel_binding.data());
  return sasl_setprop(connection, SASL_CHANNEL_BINDING, &binding_property) == SASL_OK;
}

SaslOutcome SaslServer::State::outcome(int code, const char* data, unsigned size) {
  using Kind = SaslOutcome::Kind;
  ++steps;
  if (code == SASL_CONTINUE) return {Kind::challenge, data != nullptr ? std::string(data, size) : std::string(), {}, {}};
  if (code == SASL_OK) {
    const void* user = nullptr;
    if (sasl_getprop(connection, SASL_USERNAME, &user) != SASL_OK || user == nullptr)
      return {Kind::unavailable, {}, {}, "no name"};
    return {Kind::success, {}, static_cast<const char*>(user), {}};
  }
  const char* detail = sasl_errdetail(connection);
  std::string reason = detail != nullptr ? detail : "";
  if (is_library_failure(code)) return {Kind::unavailable, {}, {}, std::move(reason)};
  const bool broken = steps == 1 && (code == SASL_BADPROT || code == SASL_BADPARAM);
  return {broken ? Kind::malformed : Kind::failed, {}, {}, std::move(reason)};
}

SaslServer::SaslServer(SaslLibrary&, SaslPeer& peer, std::string channel_binding)
    : state_(std::make_unique<State>(peer, std::move(channel_binding))) {
  const int code =
      sasl_server_new(service_name, "localhost", nullptr, nullptr, nullptr, state_->callbacks.data(), 0, &state_->connection);
  if (code != SASL_OK || !state_->configure()) sasl_dispose(&state_->connection);
}

SaslServer::~SaslServer() {
  if (state_->connection != nullptr) sasl_dispose(&state_->connection);
}

SaslOutcome SaslServer::start(std::string_view mechanism, std::string_view initial) {
  if (state_->connection == nullptr) return {SaslOutcome::Kind::unavailable, {}, {}, "no connection object"};
  if (auto fits = check_first_message(mechanism, initial); !fits) {
    return {SaslOutcome::Kind::malformed, {}, {}, fits.error().text};
  }
  const char* data = nullptr;
  unsigned size = 0;
  const std::string name(mechanism);
  const int code =
      sasl_server_start(state_->connection, name.c_str(), initial.data(), static_cast<unsigned>(initial.size()), &data, &size);
  return state_->outcome(code, data, size);
}

SaslOutcome SaslServer::step(std::string_view response) {
  if (state_->connection == nullptr || state_->steps == 0) return {SaslOutcome::Kind::unavailable, {}, {}, "not started"};
  const char* data = nullptr;
  unsigned size = 0;
  // An empty response must be a pointer to nothing, not no pointer.
  const char* bytes = response.data() != nullptr ? response.data() : "";
  const int code = sasl_server_step(state_->connection, bytes, static_cast<unsigned>(response.size()), &data, &size);
  return state_->outcome(code, data, size);
}

}  // namespace postern::auth
