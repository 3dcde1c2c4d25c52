// SPDX-License-Identifier: Apache-2.0
// Stories as JSON: details that may come several times are lists, rules are objects.
#include "daemon/trace_command.h"

#include <algorithm>
#include <array>
#include <boost/json/array.hpp>
#include <charconv>

#include "admin/json.h"

namespace postern::daemon {
namespace {

namespace json = boost::json;

constexpr std::size_t usual_stories = 20;
constexpr std::size_t most_stories = 1000;
constexpr std::array<std::string_view, 5> repeated{"to", "rule", "mailbox", "queue", "at"};

/// "stage|rule|outcome|points|reason", as smtp/tracing.cc writes it.
json::object describe_rule(std::string_view text) {
  std::array<std::string_view, 5> parts;
  for (std::size_t i = 0; i < parts.size(); ++i) {
    const auto end = i + 1 == parts.size() ? text.size() : std::min(text.find('|'), text.size());
    parts[i] = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  double points = 0;
  std::from_chars(parts[3].data(), parts[3].data() + parts[3].size(), points);
  return {{"stage", parts[0]}, {"rule", parts[1]}, {"outcome", parts[2]}, {"points", points}, {"text", parts[4]}};
}

json::object describe(const store::TraceEvent& event) {
  json::object out{{"at_ms", event.at_ms}, {"kind", event.kind}};
  for (const auto& [name, value] : event.details) {
    if (std::ranges::find(repeated, name) == repeated.end()) {
      out[name] = value;
      continue;
    }
    auto& list = out[name];
    if (!list.is_array()) list = json::array();
    list.as_array().push_back(name == "rule" ? json::value(describe_rule(value)) : json::value(value));
  }
  return out;
}

json::array describe(const std::vector<store::TraceStory>& stories) {
  json::array out;
  for (const auto& story : stories) {
    json::array events;
    for (const auto& event : story.events) events.push_back(describe(event));
    out.push_back(json::object{{"message", story.message}, {"events", std::move(events)}});
  }
  return out;
}

async::Task<admin::Answer> trace(store::TraceBook* book, admin::Arguments arguments) {
  if (book == nullptr) {
    co_return fail(ErrorKind::unsupported, "nothing is traced: set trace.enabled = true in postern.toml and restart");
  }
  const auto from = admin::optional_number(arguments, "from");
  if (!from) co_return std::unexpected(from.error());
  const auto until = admin::optional_number(arguments, "until");
  if (!until) co_return std::unexpected(until.error());
  const auto most = admin::optional_number(arguments, "most");
  if (!most) co_return std::unexpected(most.error());
  store::TraceQuery query;
  query.word = admin::optional_text(arguments, "what");
  query.from = static_cast<UnixTime>(from->value_or(0));
  query.until = static_cast<UnixTime>(until->value_or(0));
  query.most = std::clamp<std::size_t>(most->value_or(usual_stories), 1, most_stories);
  const auto stories = co_await book->find(std::move(query));
  if (!stories) co_return std::unexpected(stories.error());
  const auto info = co_await book->info();
  if (!info) co_return std::unexpected(info.error());
  co_return json::object{{"stories", describe(*stories)},
                         {"kept", {{"events", info->events}, {"bytes", info->bytes}, {"oldest_ms", info->oldest_ms}}}};
}

}  // namespace

void add_trace_command(admin::Control& control, store::TraceBook* book) {
  control.add("trace", [book](admin::Arguments arguments) { return trace(book, std::move(arguments)); });
}

}  // namespace postern::daemon
