// SPDX-License-Identifier: Apache-2.0
// postern queue list|show|retry|hold|release|remove|fail|redirect
#include <boost/json/array.hpp>
#include <iostream>

#include "admin/cli/output.h"
#include "admin/cli/subcommand.h"

namespace postern::admin::cli {

namespace json = boost::json;

namespace {

const std::vector<Option> choice{{"id", "queue id, from `postern queue list`", Option::Kind::number},
                                 {"--domain", "recipients of this domain"},
                                 {"--sender", "messages of this sender"},
                                 {"--recipient", "this recipient"},
                                 {"--error", "recipients whose last reply holds this text"},
                                 {"--all", "everything in the queue", Option::Kind::flag}};

json::object filter(const Invocation& run) {
  json::object arguments;
  if (run.has("id")) arguments["id"] = std::stoull(run.text("id"));
  for (const auto* name : {"domain", "sender", "recipient", "error"}) {
    if (run.has(name)) arguments[name] = run.text(name);
  }
  if (run.has("all")) arguments["all"] = true;
  return arguments;
}

std::string text_of(const json::value& value) { return std::string(value.as_string()); }

std::string when(const json::value& recipient, std::int64_t now) {
  if (recipient.at("state").as_string() == "held") return "held";
  const auto at = recipient.at("next_at").to_number<std::int64_t>();
  return at <= now ? "now" : human_time(at, now);
}

void show_list(const json::object& result) {
  const auto now = result.at("now").to_number<std::int64_t>();
  std::vector<std::vector<std::string>> rows;
  for (const auto& entry : result.at("entries").as_array()) {
    for (const auto& recipient : entry.at("recipients").as_array()) {
      rows.push_back({std::to_string(entry.at("id").to_number<std::uint64_t>()), text_of(entry.at("sender")),
                      text_of(recipient.at("address")), human_size(entry.at("size").to_number<std::uint64_t>()),
                      human_time(entry.at("created").to_number<std::int64_t>(), now),
                      std::to_string(recipient.at("attempts").to_number<std::uint64_t>()), when(recipient, now),
                      text_of(recipient.at("last_reply"))});
    }
  }
  print_table({"ID", "SENDER", "RECIPIENT", "SIZE", "QUEUED", "TRIES", "NEXT", "LAST REPLY"}, rows, "The queue is empty.");
}

int list(Invocation& run) { return call_and_show(run, "queue.list", filter(run), show_list); }

int show(Invocation& run) {
  return call_and_show(run, "queue.show", filter(run), [](const json::object& result) {
    json::object as_list{{"now", result.at("now")}, {"entries", json::array{result}}};
    show_list(as_list);
    std::cout << "\n" << text_of(result.at("header")) << "\n";
  });
}

// The four orders differ in a word only.
std::function<int(Invocation&)> order(const char* command, const char* done) {
  return [command, done](Invocation& run) {
    return call_and_show(run, command, filter(run), [done](const json::object& result) {
      const auto count = result.at("recipients").to_number<std::uint64_t>();
      if (count == 0)
        std::cout << (result.contains("note") ? text_of(result.at("note")) : "Nothing in the queue matches, or it is so already.")
                  << "\n";
      else
        std::cout << count << (count == 1 ? " recipient " : " recipients ") << done << ".\n";
    });
  };
}

std::vector<Option> choice_and(Option more) {
  auto out = choice;
  out.push_back(more);
  return out;
}

/// What both orders of the running server say beside their own sentence.
void show_rest(const json::object& result) {
  if (const auto busy = result.at("under_way").to_number<std::uint64_t>(); busy > 0) {
    std::cout << busy << (busy == 1 ? " recipient is" : " recipients are")
              << " being delivered right now and were left alone; look again in a moment.\n";
  }
  if (result.at("more").as_bool()) std::cout << "There are more; run the command again.\n";
}

int give_up(Invocation& run) {
  auto arguments = filter(run);
  arguments["reason"] = run.text("reason");
  return call_and_show(run, "queue.fail", std::move(arguments), [](const json::object& result) {
    const auto count = result.at("recipients").to_number<std::uint64_t>();
    std::cout << fmt::format("{} given up; {} told.\n",
                             count == 1 ? std::string("1 recipient") : fmt::format("{} recipients", count),
                             count == 1 ? "its sender is" : "their senders are");
    if (const auto untold = result.at("untold").to_number<std::uint64_t>(); untold > 0) {
      std::cout << untold << " of them came from senders who may not be told; they stay as undeliverable for 14 days.\n";
    }
    show_rest(result);
  });
}

int redirect(Invocation& run) {
  auto arguments = filter(run);
  arguments["to"] = run.text("to");
  return call_and_show(run, "queue.redirect", std::move(arguments), [&run](const json::object& result) {
    const auto count = result.at("recipients").to_number<std::uint64_t>();
    std::cout << count << (count == 1 ? " recipient" : " recipients") << " redirected to " << run.text("to") << ".\n";
    show_rest(result);
  });
}

}  // namespace

std::vector<Subcommand> queue_commands() {
  return {
      {"queue list", "show what waits to leave, why, and when it is tried next", "postern queue list --domain example.net",
       choice, list},
      {"queue show",
       "show one entry with its header",
       "postern queue show 17",
       {{"id", "queue id", Option::Kind::number, true}},
       show},
      {"queue retry", "try again now, also hosts that rest after a failure", "postern queue retry --all", choice,
       order("queue.retry", "to be tried now")},
      {"queue hold", "keep back until released", "postern queue hold 17", choice, order("queue.hold", "held")},
      {"queue release", "let held mail go, and mail that waits for the time its sender chose", "postern queue release 17", choice,
       order("queue.release", "released")},
      {"queue remove", "delete from the queue without a bounce", "postern queue remove 17", choice,
       order("queue.remove", "removed")},
      {"queue fail", "give up now and tell the sender, as after the last attempt", "postern queue fail --domain gone.example",
       choice_and({"--reason", "a sentence for the sender"}), give_up},
      {"queue redirect", "send waiting mail to another address instead", "postern queue redirect 17 --to bob@example.org",
       choice_and({"--to", "the address", Option::Kind::text, true}), redirect},
  };
}

}  // namespace postern::admin::cli
