// SPDX-License-Identifier: Apache-2.0
// postern dkim list|create|check|rotate|use|retire
#include <boost/json/array.hpp>
#include <iostream>

#include "admin/cli/output.h"
#include "admin/cli/subcommand.h"
#include "admin/cli/time.h"

namespace postern::admin::cli {

namespace json = boost::json;

namespace {

std::string text_of(const json::value& value) { return std::string(value.as_string()); }

std::string kind_of(const json::value& key) {
  const auto algorithm = text_of(key.at("algorithm"));
  return algorithm == "rsa" ? fmt::format("rsa {}", key.at("bits").to_number<int>()) : algorithm;
}

/// The record as a line of a zone file.
void show_record(const json::object& key) {
  std::cout << text_of(key.at("name")) << ". 3600 IN TXT (";
  for (const auto& part : key.at("strings").as_array()) std::cout << "\n    \"" << text_of(part) << "\"";
  std::cout << " )\n";
}

void show_made(const json::object& key) {
  const bool active = key.at("state").as_string() == "active";
  std::cout << fmt::format(
      "Made a key ({}) for {}. {}\n\n", kind_of(key), text_of(key.at("domain")),
      active ? "It signs from now on; publish its record at once:" : "Publish this record; the key signs as soon as it is seen:");
  show_record(key);
  std::cout << fmt::format(
      "\nA web form wants the strings joined into one, without the quotes. The server looks every five minutes; to look now:\n"
      "  postern dkim check {}\n",
      text_of(key.at("domain")));
}

void show_list(const json::object& result) {
  const auto now = result.at("now").to_number<std::int64_t>();
  std::vector<std::vector<std::string>> rows;
  for (const auto& key : result.at("keys").as_array()) {
    const auto state = text_of(key.at("state"));
    const auto* since = state == "active" ? "activated" : state == "retired" ? "retired" : "created";
    rows.push_back({text_of(key.at("domain")), text_of(key.at("selector")), kind_of(key), state,
                    human_time(key.at(since).to_number<std::int64_t>(), now)});
  }
  print_table({"DOMAIN", "SELECTOR", "KEY", "STATE", "SINCE"}, rows, "There are no keys.");
  for (const auto& domain : result.at("unsigned_domains").as_array()) {
    std::cout << fmt::format("Mail of {} is not signed; make a key with: postern dkim create {}\n", text_of(domain),
                             text_of(domain));
  }
  if (!result.at("sign").as_bool()) std::cout << "Nothing is signed: dkim.sign is false.\n";
}

int list(Invocation& run) {
  const bool records = run.has("records");
  return call_and_show(run, "dkim.list", {{"domain", run.text("domain")}}, [records](const json::object& result) {
    if (!records) return show_list(result);
    for (const auto& key : result.at("keys").as_array()) {
      if (key.at("state").as_string() != "retired") show_record(key.as_object());
    }
  });
}

int create(Invocation& run) {
  json::object arguments{
      {"domain", run.text("domain")}, {"selector", run.text("selector")}, {"algorithm", run.text("algorithm")}};
  if (run.has("bits")) arguments["bits"] = std::stoull(run.text("bits"));
  if (run.has("now")) arguments["now"] = true;
  return call_and_show(run, "dkim.create", std::move(arguments), show_made);
}

int rotate(Invocation& run) {
  return call_and_show(
      run, "dkim.rotate", {{"domain", run.text("domain")}, {"algorithm", run.text("algorithm")}}, [](const json::object& result) {
        for (const auto& key : result.at("keys").as_array()) {
          show_made(key.as_object());
          std::cout << fmt::format("Until then {} signs; afterwards it is retired by itself.\n", text_of(key.at("follows")));
        }
      });
}

void show_check(const json::object& result) {
  std::vector<std::vector<std::string>> rows;
  for (const auto& key : result.at("keys").as_array()) {
    auto text = text_of(key.at("text"));
    if (key.at("activated_now").as_bool()) text += "; it signs from now on";
    rows.push_back({text_of(key.at("name")), text_of(key.at("state")), std::move(text)});
  }
  print_table({"RECORD", "KEY", "DNS"}, rows, "There are no keys in use.");
}

int check(Invocation& run) { return call_and_show(run, "dkim.check", {{"domain", run.text("domain")}}, show_check); }

int use(Invocation& run) {
  return call_and_show(run, "dkim.use", {{"domain", run.text("domain")}, {"selector", run.text("selector")}},
                       [](const json::object& key) {
                         std::cout << text_of(key.at("name")) << " signs from now on. Its record must be published:\n\n";
                         show_record(key);
                       });
}

int retire(Invocation& run) {
  return call_and_show(run, "dkim.retire", {{"domain", run.text("domain")}, {"selector", run.text("selector")}},
                       [](const json::object& key) {
                         std::cout << fmt::format(
                             "{} signs nothing more. Keep its record until {} UTC: mail on its way carries "
                             "its signature.\n",
                             text_of(key.at("name")), utc_text(key.at("keep_record_until").to_number<std::int64_t>()));
                         if (key.at("still_signed").as_bool()) return;
                         std::cout << fmt::format("Mail of {} is not signed any more.\n", text_of(key.at("domain")));
                       });
}

const Option one_domain{"domain", "the domain", Option::Kind::text, true};
const Option one_selector{"selector", "of the key, as shown by `postern dkim list`", Option::Kind::text, true};

}  // namespace

std::vector<Subcommand> dkim_commands() {
  return {
      {"dkim list",
       "show the keys that sign our mail, and which domains have none",
       "postern dkim list --records",
       {{"domain", "only this domain's"},
        {"--records", "print the DNS records of keys that are not retired", Option::Kind::flag}},
       list},
      {"dkim create",
       "make a key for a domain and show the DNS record to publish",
       "postern dkim create example.org",
       {one_domain,
        {"--algorithm", "\"rsa\" (understood by all) or \"ed25519\" (short; newer; keep an rsa key beside it)"},
        {"--bits", "of an RSA key: 1024 to 4096; 2048 without it", Option::Kind::number},
        {"--selector", "name of the record; without it made from the day"},
        {"--now", "sign at once, without waiting for the record", Option::Kind::flag}},
       create},
      {"dkim check",
       "look in DNS whether the records are right; a waiting key that is published is taken into use",
       "postern dkim check example.org",
       {{"domain", "only this domain's"}},
       check},
      {"dkim rotate",
       "make a new key to follow the one in use",
       "postern dkim rotate example.org",
       {one_domain, {"--algorithm", "only the key of this algorithm"}},
       rotate},
      {"dkim use",
       "let a key sign although its record was not seen here, and retire the one before",
       "postern dkim use example.org r20270101",
       {one_domain, one_selector},
       use},
      {"dkim retire", "stop signing with a key", "postern dkim retire example.org r20260101", {one_domain, one_selector}, retire},
  };
}

}  // namespace postern::admin::cli
