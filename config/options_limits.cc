// SPDX-License-Identifier: Apache-2.0
// Rows of [limits], [smtp], [imap] and [auth]: what protects the server from those it talks to.
#include "config/option.h"

namespace postern::config {
namespace {

constexpr std::uint64_t most_connections = 1'000'000;
constexpr std::uint64_t most_count = 1'000'000;
constexpr std::uint64_t most_allowance = 100'000'000;
constexpr std::uint64_t hour = 3600;
constexpr std::uint64_t day = 24 * hour;
/// RFC 5321 §4.5.3.1.8: at least 100 recipients must be taken.
constexpr std::uint64_t least_recipients = 100;
/// RFC 5321 §4.5.3.1.4: command lines of 512 octets; §4.5.3.1.6: text lines of 1000.
constexpr std::uint64_t least_command_line = 512;
constexpr std::uint64_t least_text_line = 1000;

void connection_rows(Builder<Limits>& rows) {
  rows.number("connections_total", &Limits::connections_total, {10, most_connections},
              "Connections of all services together. Half of them at most are guests: clients without a login or an accepted\n"
              "recipient so far. The oldest guest gives way to the newest.")
      .number("connections_per_address", &Limits::connections_per_address, {1, most_connections},
              "SMTP connections of one IPv4 address or one IPv6 /64.")
      .number("connections_per_network", &Limits::connections_per_network, {1, most_connections},
              "SMTP connections of one IPv4 /24 or one IPv6 /48.")
      .number("connection_rate_per_minute", &Limits::connection_rate_per_minute, {1, most_connections},
              "New connections of one address in a minute, five times that in ten minutes; a network has as many times more as "
              "it may hold.")
      .number("imap_per_address", &Limits::imap_per_address, {1, most_connections}, "IMAP connections of one address.")
      .number("imap_per_user_address", &Limits::imap_per_user_address, {1, most_connections},
              "IMAP connections of one user from one address. Clients with many folders open many.");
}

void message_rows(Builder<Limits>& rows) {
  rows.size("header_bytes", &Limits::header_bytes, {16 * KiB, 16 * MiB}, "All header fields of a message together.")
      .size("message_bytes", &Limits::message_bytes, {64 * KiB, 2 * GiB}, "A whole message by SMTP. Announced to other servers.")
      .size("append_bytes", &Limits::append_bytes, {64 * KiB, 2 * GiB}, "A whole message stored by an IMAP client.")
      .number("recipients_inbound", &Limits::recipients_inbound, {least_recipients, most_count},
              "Recipients of one message from outside.")
      .number("recipients_submission", &Limits::recipients_submission, {least_recipients, most_count},
              "Recipients of one message from our users.")
      .number("messages_per_session", &Limits::messages_per_session, {1, most_count},
              "Messages in one SMTP session; the client may connect again.")
      .number("received_hops", &Limits::received_hops, {20, 1000}, "Received fields in a message before it is taken for a loop.");
}

void line_rows(Builder<Limits>& rows) {
  rows.size("command_line", &Limits::command_line, {least_command_line, 64 * KiB}, "An SMTP or POP3 command with its line end.")
      .size("auth_line", &Limits::auth_line, {1024, 64 * KiB}, "A line of a login exchange.")
      .size("text_line", &Limits::text_line, {least_text_line, MiB}, "A line of a message.")
      .number("errors", &Limits::errors, {3, 1000}, "Refused commands in one session before we hang up.")
      .number("junk_commands", &Limits::junk_commands, {10, most_count},
              "Commands that achieve nothing (NOOP, RSET, VRFY, ...) in one session before we hang up.")
      .number("unknown_recipients", &Limits::unknown_recipients, {1, most_count},
              "Unknown recipients in one session before we hang up.");
}

void time_rows(Builder<Limits>& rows) {
  rows.duration("smtp_timeout", &Limits::smtp_timeout, {10, hour},
                "Wait for the next SMTP command or block of data. RFC 5321 wants 5 minutes.")
      .duration("data_total", &Limits::data_total, {60, day}, "Time for one whole message.")
      .size("data_min_rate", &Limits::data_min_rate, {0, GiB},
            "Octets a second that a message must arrive with, over a minute. 0: any rate.")
      .duration("imap_preauth", &Limits::imap_preauth, {10, hour}, "Time from an IMAP or POP3 connection to its login.")
      .duration("imap_idle", &Limits::imap_idle, {30 * 60, day},
                "Wait for the next IMAP command. RFC 9051 wants at least 30 minutes.")
      .duration("pop3_idle", &Limits::pop3_idle, {10 * 60, day},
                "Wait for the next POP3 command. RFC 1939 wants at least 10 minutes.");
}

Section limits() {
  Builder<Limits> rows(
      "limits", [](Config& c) -> Limits& { return c.limits; },
      "Everything an outsider can make grow. Sizes are bytes or \"64KiB\", \"50MiB\", \"1GiB\";\n"
      "durations are \"30s\", \"5m\", \"4h\", \"2d\".");
  connection_rows(rows);
  message_rows(rows);
  line_rows(rows);
  time_rows(rows);
  return rows.done();
}

Section smtp() {
  return Builder<Smtp>(
             "smtp", [](Config& c) -> Smtp& { return c.smtp; }, "Port 25.")
      .text("banner", &Smtp::banner, "What follows the host name in the greeting. Names no product on purpose.")
      .duration("greeting_delay", &Smtp::greeting_delay, {0, 60},
                "Wait before the greeting. Clients that speak during it are refused: they are not mail servers.")
      .done();
}

Section submission() {
  auto section =
      Builder<Submission>(
          "submission", [](Config& c) -> Submission& { return c.submission; },
          "Mail from our users. An account that sends more than this has to wait, and may go on reading.")
          .number("messages_per_hour", &Submission::messages_per_hour, {1, most_allowance}, "Messages of one account in an hour.")
          .number("recipients_per_hour", &Submission::recipients_per_hour, {1, most_allowance}, "Recipients of these messages.")
          .number("messages_per_day", &Submission::messages_per_day, {1, most_allowance}, "Messages of one account in a day.")
          .number("recipients_per_day", &Submission::recipients_per_day, {1, most_allowance}, "Recipients of these messages.")
          .at_restart()
          .done();
  for (auto& row : submission_more_rows()) section.options.push_back(std::move(row));
  return section;
}

Section imap() {
  return Builder<Imap>(
             "imap", [](Config& c) -> Imap& { return c.imap; }, "IMAP.")
      .list("capabilities_off", &Imap::capabilities_off,
            "Capabilities not to announce, for clients that misbehave with them, for example [\"COMPRESS=DEFLATE\"].")
      .number(
          "message_limit", &Imap::message_limit, {0, 1'000'000},
          "Messages that one FETCH, STORE, SEARCH, MOVE or UID EXPUNGE works on, those with the highest UIDs; COPY, SORT and\n"
          "THREAD of more are refused. Announced as MESSAGELIMIT (RFC 9738). At least 1000; 0: no limit. Programs that do\n"
          "not know it see only the newest messages of larger mailboxes.")
      .done();
}

void password_rows(Builder<Auth>& rows) {
  rows.list("mechanisms", &Auth::mechanisms,
            "Ways to log in, strongest first: \"SCRAM-SHA-256-PLUS\" (bound to the TLS session), \"SCRAM-SHA-256\", \"PLAIN\",\n"
            "\"LOGIN\". All of them need TLS. The first is off because programs built on GNU SASL, such as Debian's NeoMutt,\n"
            "choose it when they see it and then fail.")
      .number("min_password_length", &Auth::min_password_length, {12, 128},
              "Characters of a new password. Below 15 is not advised, below 12 not possible.")
      .decimal("zxcvbn_bits", &Auth::zxcvbn_bits, {20, 128},
               "Estimated strength of a new password in bits. 33.3 is ten thousand million guesses.")
      .number("password_history", &Auth::password_history, {0, 24},
              "Passwords of an account, the present one among them, that a new one may not repeat. Each costs a password\n"
              "check when a password is changed.")
      .size("argon2_memory", &Auth::argon2_memory, {8 * MiB, 4 * GiB},
            "Memory for one password check (Argon2id). More makes stolen hashes harder to crack.")
      .number("argon2_ops", &Auth::argon2_ops, {1, 20}, "Passes over that memory.")
      .number("hash_threads", &Auth::hash_threads, {1, 64}, "Password checks at the same time; each needs argon2_memory.")
      .number("hash_queue", &Auth::hash_queue, {1, 100'000},
              "Logins that may wait for a check; more are told to try again later.")
      .number("scram_iterations", &Auth::scram_iterations, {4096, 10'000'000}, "Work factor of SCRAM-SHA-256 for new passwords.")
      .at_restart();
}

Section auth() {
  Builder<Auth> rows("auth", [](Config& c) -> Auth& { return c.auth; }, "Logins and passwords.");
  password_rows(rows);
  rows.duration("cache_ttl", &Auth::cache_ttl, {0, day},
                "A password that was proven is not checked the slow way again for so long. \"0s\": always.")
      .number("failures_per_minute", &Auth::failures_per_minute, {1, most_count},
              "Failed logins of one address in a minute before it must wait.")
      .number("failures_per_day", &Auth::failures_per_day, {1, most_count},
              "The same in a day. Networks where a user logged in before are never locked out.")
      .number("network_failures_per_day", &Auth::network_failures_per_day, {1, most_count},
              "The same for a network: IPv4 /24, IPv6 /48.")
      .number("account_failures_per_day", &Auth::account_failures_per_day, {1, most_count},
              "Different wrong passwords for one account in a day, from networks where it never logged in.")
      .duration("ban_first", &Auth::ban_first, {0, 30 * day},
                "Who goes on when these are used up may not connect at all for so long. Each further ban is four times as\n"
                "long as the last. \"0s\": nobody is banned but by \"postern ban add\".")
      .duration("ban_longest", &Auth::ban_longest, {60, 365 * day}, "But no ban of this kind is longer.")
      .parsed_list("never_ban", &Auth::never_ban, Network::parse,
                   "Networks that are never banned, besides trusted.networks: your own.")
      .number("session_failures", &Auth::session_failures, {1, 100}, "Failed logins in one connection before it is closed.")
      .duration("login_record", &Auth::login_record, {0, 3650 * day},
                "How long \"postern account logins\" remembers who logged in when and from where; 0 for not at all.")
      .number("login_record_rows", &Auth::login_record_rows, {1, 1'000'000},
              "Most rows of that record for each account: so many successes, and so many failures.")
      .flag("new_network_mail", &Auth::new_network_mail,
            "Tell an account by mail when it is used from a network (/24, or /48 of IPv6) for the first time. Never about\n"
            "private networks, and at most three times a day.");
  return rows.done();
}

}  // namespace

std::vector<Section> limit_sections() { return {limits(), smtp(), submission(), imap(), auth()}; }

}  // namespace postern::config
