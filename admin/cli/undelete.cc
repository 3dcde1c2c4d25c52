// SPDX-License-Identifier: Apache-2.0
// postern undelete list|restore
#include <boost/json/array.hpp>
#include <iostream>

#include "admin/cli/output.h"
#include "admin/cli/recovery.h"

namespace postern::admin::cli {

namespace json = boost::json;

namespace {

constexpr std::size_t shown_subject = 50;
constexpr std::int64_t day = 86400;

const Option login{"login", "whose mail", Option::Kind::text, true};
const Option mailbox{"--mailbox", "only of this mailbox, also of one that was deleted"};
const Option since{"--since", "only what was deleted since then: \"2026-11-22 09:30\", 6h, 3d"};

Result<json::object> choice(const Invocation& run) {
  json::object arguments{{"login", run.text("login")}};
  if (run.has("mailbox")) arguments["mailbox"] = run.text("mailbox");
  const auto moment = moment_option(run, "since");
  if (!moment) return std::unexpected(moment.error());
  if (*moment) arguments["since"] = std::max<UnixTime>(0, **moment);
  return arguments;
}

std::string text_of(const json::value& value) { return std::string(value.as_string()); }

/// Cut at a character, not inside one.
std::string shortened(std::string text) {
  if (text.size() <= shown_subject) return text;
  std::size_t end = shown_subject;
  while (end > 0 && (static_cast<unsigned char>(text[end]) & 0xC0) == 0x80) --end;
  return text.substr(0, end) + "…";
}

void show_list(const json::object& result) {
  const auto now = result.at("now").to_number<std::int64_t>();
  std::vector<std::vector<std::string>> rows;
  for (const auto& one : result.at("messages").as_array()) {
    rows.push_back({text_of(one.at("id")), human_time(one.at("deleted_at").to_number<std::int64_t>(), now),
                    text_of(one.at("mailbox")) + (one.at("mailbox_removed").as_bool() ? " (deleted)" : ""),
                    human_size(one.at("size").to_number<std::uint64_t>()),
                    show_moment(one.at("internal_date").to_number<std::int64_t>()), text_of(one.at("from")),
                    shortened(text_of(one.at("subject")))});
  }
  const auto days = result.at("window_seconds").to_number<std::int64_t>() / day;
  print_table({"ID", "DELETED", "MAILBOX", "SIZE", "RECEIVED", "FROM", "SUBJECT"}, rows,
              fmt::format("Nothing was deleted within the last {} days (store.undelete_window).", days));
}

int list(Invocation& run) {
  auto arguments = choice(run);
  if (!arguments) return show_error(run, arguments.error());
  if (run.has("most")) (*arguments)["most"] = std::stoull(run.text("most"));
  return call_and_show(run, "undelete.list", std::move(*arguments), show_list);
}

int restore(Invocation& run) {
  auto arguments = choice(run);
  if (!arguments) return show_error(run, arguments.error());
  if (run.has("id")) {
    json::array ids;
    const std::string given = run.text("id");
    for (std::size_t at = 0; at <= given.size();) {
      const auto end = std::min(given.find(',', at), given.size());
      ids.emplace_back(given.substr(at, end - at));
      at = end + 1;
    }
    (*arguments)["ids"] = std::move(ids);
  }
  if (run.has("into")) (*arguments)["into"] = run.text("into");
  if (run.has("all")) (*arguments)["all"] = true;
  if (run.has("force")) (*arguments)["force"] = true;
  return call_and_show(run, "undelete.restore", std::move(*arguments), [](const json::object& result) {
    const auto count = result.at("messages").to_number<std::uint64_t>();
    std::cout << count << (count == 1 ? " message is" : " messages are") << " back in";
    const char* separator = " ";
    for (const auto& name : result.at("mailboxes").as_array()) {
      std::cout << separator << std::string_view(name.as_string());
      separator = ", ";
    }
    std::cout << ".\n";
  });
}

}  // namespace

std::vector<Subcommand> undelete_commands() {
  return {
      {"undelete list",
       "show deleted mail that can still be brought back, newest first",
       "postern undelete list alice@example.org --since 3d",
       {login, mailbox, since, {"--most", "at most so many", Option::Kind::number}},
       list},
      {"undelete restore",
       "bring deleted mail back, with flags, keywords and date",
       "postern undelete restore alice@example.org --mailbox Projects",
       {login,
        {"--id", "these, by the ids of the list, with commas between them"},
        mailbox,
        since,
        {"--all", "everything that the list shows", Option::Kind::flag},
        {"--into", "to this mailbox instead of where it was"},
        {"--force", "although the quota is full", Option::Kind::flag}},
       restore},
  };
}

}  // namespace postern::admin::cli
