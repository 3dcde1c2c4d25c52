// SPDX-License-Identifier: Apache-2.0
// Reads the arguments, rehearses, and writes what came of it as JSON.
#include "daemon/explain_command.h"

#include <boost/json/array.hpp>

#include "admin/json.h"
#include "base/encoding.h"
#include "config/gate.h"
#include "policy/judge.h"
#include "smtp/rehearsal.h"
#include "smtp/rules_for.h"

namespace postern::daemon {
namespace {

namespace json = boost::json;

/// "[192.0.2.7]" or "[IPv6:2001:db8::7]" (RFC 5321 §4.1.3): what a client without a name greets with.
std::string literal_of(const IpAddress& ip) { return ip.is_v4() ? '[' + ip.to_string() + ']' : "[IPv6:" + ip.to_string() + ']'; }

/// The address of ours that strangers connect to, as far as the configuration tells.
IpAddress own_address(const config::Config& config) {
  for (const auto& endpoint : config.listen.smtp) {
    if (const auto ip = IpAddress::parse(endpoint.ip)) return *ip;
  }
  return {};
}

/// A name for the command line, which is not sent on: no spaces, no control characters.
Result<std::string> read_helo(const admin::Arguments& arguments, const IpAddress& ip) {
  auto helo = admin::optional_text(arguments, "helo");
  if (helo.empty()) return literal_of(ip);
  const bool plain = std::ranges::all_of(helo, [](char c) { return static_cast<unsigned char>(c) > ' ' && c != '\x7f'; });
  if (!plain) return fail(ErrorKind::invalid, "helo: a greeting is one word, such as mail.example.net");
  return helo;
}

Result<std::string> read_message(const admin::Arguments& arguments) {
  const auto text = admin::optional_text(arguments, "message");
  if (text.empty()) return std::string();
  auto message = base64_decode(text);
  if (!message) return fail(ErrorKind::invalid, "message: " + message.error().text);
  if (message->size() > explained_message_max) {
    return fail(ErrorKind::too_large,
                "the message has more than 8 MiB; the beginning is enough for the rules, its attachments are not");
  }
  return message;
}

Result<smtp::SupposedMail> read_mail(const admin::Arguments& arguments, const config::Config& config) {
  const auto ip_text = admin::text_argument(arguments, "ip");
  const auto to_text = admin::text_argument(arguments, "to");
  if (!ip_text) return std::unexpected(ip_text.error());
  if (!to_text) return std::unexpected(to_text.error());
  const auto ip = IpAddress::parse(*ip_text);
  if (!ip) return fail(ErrorKind::invalid, "ip: " + ip.error().text);
  auto to = mail::Address::parse(*to_text);
  if (!to) return fail(ErrorKind::invalid, "to: " + to.error().text + "; write an address such as alice@example.org");
  auto helo = read_helo(arguments, *ip);
  if (!helo) return std::unexpected(helo.error());
  auto message = read_message(arguments);
  if (!message) return std::unexpected(message.error());
  smtp::SupposedMail out{*ip, own_address(config), std::move(*helo), {}, std::move(*to), std::move(*message)};
  if (const auto from = admin::optional_text(arguments, "from"); !from.empty() && from != "<>") {
    auto sender = mail::Address::parse(from);
    if (!sender) return fail(ErrorKind::invalid, "from: " + sender.error().text + "; write an address such as eve@example.net");
    out.sender = std::move(*sender);
  }
  return out;
}

json::array describe(const std::vector<policy::Reason>& reasons, const policy::Settings& settings) {
  json::array out;
  for (const auto& reason : reasons) {
    out.push_back(json::object{{"stage", policy::to_string(reason.stage)},
                               {"rule", config::to_string(reason.rule)},
                               {"setting", settings.of(reason.rule).to_string()},
                               {"outcome", policy::to_string(reason.outcome)},
                               {"points", reason.points},
                               {"text", reason.text}});
  }
  return out;
}

json::array describe(const std::vector<smtp::RehearsedStep>& steps) {
  json::array out;
  for (const auto& step : steps) out.push_back(json::object{{"command", step.command}, {"reply", step.reply}});
  return out;
}

std::string outcome_of(const smtp::Rehearsed& seen) {
  if (seen.accepted) return "accepted";
  return !seen.steps.empty() && seen.steps.back().reply.starts_with('4') ? "deferred" : "refused";
}

async::Task<admin::Answer> explain(ExplainParts parts, admin::Arguments arguments) {
  const auto config = parts.smtp.config.get();
  auto mail = read_mail(arguments, *config);
  if (!mail) co_return std::unexpected(mail.error());
  const auto* const rules = smtp::find_inward_rules(parts.smtp.directory, *config->gate, mail->sender, mail->recipient);
  const policy::Settings settings(*config->gate, rules);
  const auto ban = parts.bans.explain(mail->ip).in_force;
  const bool whole = !mail->message.empty();
  const auto seen = co_await smtp::rehearse(parts.smtp, parts.gate, std::move(*mail));
  if (!seen) co_return std::unexpected(seen.error());
  json::array destinations;
  for (const auto& one : seen->destinations) destinations.push_back(json::string(one));
  co_return json::object{{"accepted", seen->accepted && !ban},
                         {"outcome", ban ? std::string("banned") : outcome_of(*seen)},
                         {"whole", whole},
                         {"ban", ban ? json::value(ban->row.network) : json::value(nullptr)},
                         {"points", seen->points},
                         {"reject_at", config->gate->reject_at},
                         {"defer_at", config->gate->defer_at},
                         {"steps", describe(seen->steps)},
                         {"rules", describe(seen->reasons, settings)},
                         {"destinations", std::move(destinations)},
                         {"added", seen->added}};
}

}  // namespace

void add_explain_command(admin::Control& control, const ExplainParts& parts) {
  control.add("explain", [parts](admin::Arguments arguments) { return explain(parts, std::move(arguments)); });
}

}  // namespace postern::daemon
