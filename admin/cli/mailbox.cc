// SPDX-License-Identifier: Apache-2.0
// postern mailbox list|share|unshare
#include <boost/json/array.hpp>
#include <iostream>

#include "admin/cli/output.h"
#include "admin/cli/subcommand.h"

namespace postern::admin::cli {

namespace json = boost::json;

namespace {

const Option login_option{"login", "the account that owns the mailboxes", Option::Kind::text, true};
const Option mailbox_option{"--mailbox", "one mailbox, for example Projects; without it all of the account"};
const Option tree_option{"--tree", "with all mailboxes below it", Option::Kind::flag};
const Option with_option{"--with", "a login, group:NAME, or anyone (every account of this server)", Option::Kind::text, true};

std::string text_of(const json::value& value) { return std::string(value.as_string()); }

json::object arguments_of(const Invocation& run) {
  json::object out{{"login", run.text("login")}};
  for (const char* name : {"mailbox", "with", "rights", "seen"}) {
    if (run.has(name)) out[name] = run.text(name);
  }
  if (run.has("tree")) out["tree"] = true;
  if (run.has("send-as")) out["send_as"] = true;
  return out;
}

std::string names_of(const json::object& result) {
  std::string out;
  for (const auto& name : result.at("mailboxes").as_array()) out += (out.empty() ? "" : ", ") + text_of(name);
  return out;
}

int list(Invocation& run) {
  return call_and_show(run, "mailbox.list", arguments_of(run), [](const json::object& result) {
    std::vector<std::vector<std::string>> rows;
    for (const auto& one : result.at("mailboxes").as_array()) {
      std::string shared;
      for (const auto& entry : one.at("shared_with").as_array()) {
        shared += (shared.empty() ? "" : ", ") + text_of(entry.at("who")) + " " + text_of(entry.at("rights"));
      }
      rows.push_back({text_of(one.at("name")), std::to_string(one.at("messages").to_number<std::uint64_t>()),
                      std::to_string(one.at("unseen").to_number<std::uint64_t>()),
                      human_size(one.at("bytes").to_number<std::uint64_t>()), text_of(one.at("seen")), shared});
    }
    print_table({"MAILBOX", "MESSAGES", "UNSEEN", "SIZE", "SEEN", "SHARED WITH"}, rows, "No mailboxes.");
    rows.clear();
    for (const auto& one : result.at("of_others").as_array())
      rows.push_back({text_of(one.at("name")), text_of(one.at("rights"))});
    if (!rows.empty()) print_table({"OF OTHERS", "RIGHTS"}, rows, "");
  });
}

int share(Invocation& run) {
  return call_and_show(run, "mailbox.share", arguments_of(run), [](const json::object& result) {
    std::cout << text_of(result.at("with")) << " may use (" << text_of(result.at("rights")) << "): " << names_of(result) << ".\n";
    if (result.at("senders").to_number<std::uint64_t>() != 0) {
      std::cout << text_of(result.at("with")) << " may also send as " << text_of(result.at("login")) << ".\n";
    }
  });
}

int unshare(Invocation& run) {
  return call_and_show(run, "mailbox.unshare", arguments_of(run), [](const json::object& result) {
    std::cout << text_of(result.at("with")) << " may no longer use: " << names_of(result)
              << ". Rights to send stay; see: postern account send-as\n";
  });
}

}  // namespace

std::vector<Subcommand> mailbox_commands() {
  return {
      {"mailbox list",
       "show an account's mailboxes, with whom they are shared, and what others share with it",
       "postern mailbox list alice@example.org",
       {login_option, mailbox_option, tree_option},
       list},
      {"mailbox share",
       "let others use mailboxes; a team (account setting team=on) is shared below Shared/",
       "postern mailbox share info@example.org --with group:sales --rights write --send-as",
       {login_option,
        with_option,
        mailbox_option,
        tree_option,
        {"--rights", "read (the default), write, all, or letters of RFC 4314: lrswipkxtea"},
        {"--seen", "common (the default), or each: everybody has their own marks of what is read"},
        {"--send-as", "they may also send with the account's address", Option::Kind::flag}},
       share},
      {"mailbox unshare",
       "take the rights away again; sessions that have the mailboxes open end",
       "postern mailbox unshare alice@example.org --mailbox Projects --with bob@example.org",
       {login_option, with_option, mailbox_option, tree_option},
       unshare},
  };
}

}  // namespace postern::admin::cli
