// SPDX-License-Identifier: Apache-2.0
// The auxprop plug-in "postern": answers libsasl2's question for *authPassword from the SaslPeer of the exchange, and no other
// question. It never gives a plain password, because auth has none.
#pragma once

namespace postern::auth {

inline constexpr const char* sasl_plugin_name = "postern";

/// Adds the plug-in; between sasl_set_mutex and sasl_server_init. Gives a SASL_* code.
int add_sasl_plugin();

}  // namespace postern::auth
