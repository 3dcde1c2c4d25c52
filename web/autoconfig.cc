// SPDX-License-Identifier: Apache-2.0
#include "web/autoconfig.h"

#include <pugixml.hpp>

#include <sstream>

#include "base/encoding.h"

namespace postern::web {

namespace {

struct Offer {
  const char* kind;    ///< element: incomingServer or outgoingServer
  const char* type;    ///< imap, pop3, smtp
  const char* socket;  ///< SSL or STARTTLS
  const std::vector<config::Endpoint>* listen;
};

void add_text(pugi::xml_node parent, const char* name, const std::string& text) {
  parent.append_child(name).text().set(text.c_str());
}

void add_server(pugi::xml_node provider, const Offer& offer, const std::string& host) {
  if (offer.listen->empty()) return;
  auto server = provider.append_child(offer.kind);
  server.append_attribute("type").set_value(offer.type);
  add_text(server, "hostname", host);
  add_text(server, "port", std::to_string(offer.listen->front().port));
  add_text(server, "socketType", offer.socket);
  add_text(server, "username", "%EMAILADDRESS%");
  add_text(server, "authentication", "password-cleartext");  // inside TLS
}

}  // namespace

std::string autoconfig_xml(const config::Config& config, std::string_view domain) {
  pugi::xml_document document;
  auto declaration = document.prepend_child(pugi::node_declaration);
  declaration.append_attribute("version").set_value("1.0");
  declaration.append_attribute("encoding").set_value("UTF-8");
  auto root = document.append_child("clientConfig");
  root.append_attribute("version").set_value("1.1");
  auto provider = root.append_child("emailProvider");
  const std::string name(domain);
  provider.append_attribute("id").set_value(name.c_str());
  add_text(provider, "domain", name);
  add_text(provider, "displayName", name);
  const auto& listen = config.listen;
  const Offer offers[] = {{"incomingServer", "imap", "SSL", &listen.imaps},
                          {"incomingServer", "pop3", "SSL", &listen.pop3s},
                          {"outgoingServer", "smtp", "SSL", &listen.submissions},
                          {"outgoingServer", "smtp", "STARTTLS", &listen.submission}};
  for (const auto& offer : offers) add_server(provider, offer, config.server.hostname);
  std::ostringstream out;
  document.save(out, "  ", pugi::format_default, pugi::encoding_utf8);
  return out.str();
}

Result<mail::Domain> autoconfig_domain(const http::Request& request) {
  constexpr std::string_view parameter = "emailaddress=";
  constexpr std::string_view host_prefix = "autoconfig.";
  const auto at = request.query.find(parameter);
  if (at != std::string::npos) {
    const auto value = std::string_view(request.query).substr(at + parameter.size());
    const auto address = percent_decode(value.substr(0, value.find('&')));
    if (!address) return std::unexpected(address.error());
    return mail::Domain::parse(std::string_view(*address).substr(address->rfind('@') + 1));
  }
  if (request.host.starts_with(host_prefix))
    return mail::Domain::parse(std::string_view(request.host).substr(host_prefix.size()));
  return fail(ErrorKind::invalid, "no emailaddress in the query");
}

async::Task<http::Response> autoconfig(const config::Live& config, const auth::Directory& directory,
                                       const http::Request& request) {
  const auto domain = autoconfig_domain(request);
  if (!domain || !directory.is_local(*domain)) co_return http::plain_response(404, "Not Found\n");
  http::Response response;
  response.type = "application/xml; charset=utf-8";
  response.body = autoconfig_xml(*config.get(), domain->ascii());
  co_return response;
}

}  // namespace postern::web
