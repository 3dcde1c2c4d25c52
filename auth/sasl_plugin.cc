// SPDX-License-Identifier: Apache-2.0
// The peer of an exchange is the context of its SERVER_USERDB_CHECKPASS callback (auth/sasl.cc), which libsasl2 hands out.
#include "auth/sasl_plugin.h"

#include <sasl/sasl.h>
#include <sasl/saslplug.h>

#include <string_view>

#include "auth/sasl.h"

namespace postern::auth {
namespace {

constexpr std::string_view wanted = "*authPassword";

SaslPeer* peer_of(sasl_server_params_t* params) {
  sasl_callback_ft proc = nullptr;
  void* context = nullptr;
  const int found = params->utils->getcallback(params->utils->conn, SASL_CB_SERVER_USERDB_CHECKPASS, &proc, &context);
  return found == SASL_OK ? static_cast<SaslPeer*>(context) : nullptr;
}

/// Fills in the verifier where the mechanism asked for one. Unknown names get an answer too: the peer makes one up.
int lookup(void*, sasl_server_params_t* params, unsigned flags, const char* user, unsigned size) {
  if ((flags & SASL_AUXPROP_AUTHZID) != 0) return SASL_OK;
  const auto* properties = params->utils->prop_get(params->propctx);
  if (properties == nullptr) return SASL_OK;
  for (const auto* one = properties; one->name != nullptr; ++one) {
    if (one->name != wanted || one->values != nullptr) continue;
    auto* peer = peer_of(params);
    const auto verifier = peer != nullptr ? peer->scram_verifier({user, size}) : std::nullopt;
    if (!verifier) return SASL_UNAVAIL;
    const int set = params->utils->prop_set(params->propctx, one->name, verifier->data(), static_cast<int>(verifier->size()));
    return set;
  }
  return SASL_OK;
}

int plugin_init(const sasl_utils_t*, int max_version, int* version, sasl_auxprop_plug_t** plug, const char*) {
  // libsasl2 keeps the pointer and the name for the life of the process.
  static char name[] = "postern";
  static sasl_auxprop_plug_t plugin = {0, 0, nullptr, nullptr, lookup, name, nullptr};
  if (max_version < SASL_AUXPROP_PLUG_VERSION) return SASL_BADVERS;
  *version = SASL_AUXPROP_PLUG_VERSION;
  *plug = &plugin;
  return SASL_OK;
}

}  // namespace

int add_sasl_plugin() { return sasl_auxprop_add_plugin(sasl_plugin_name, plugin_init); }

}  // namespace postern::auth
