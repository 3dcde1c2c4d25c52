// SPDX-License-Identifier: Apache-2.0
#include "pop3/commands.h"

namespace postern::pop3 {

namespace {
constexpr unsigned before = static_cast<unsigned>(State::authorization);
constexpr unsigned after = static_cast<unsigned>(State::transaction);

// RFC 1939 §4–§7, RFC 2449 §5, RFC 5034 §4, RFC 6856 §2 and §3
constexpr CommandRow table[] = {
    {"USER", before, commands::user}, {"PASS", before, commands::pass},
    {"AUTH", before, commands::auth}, {"STAT", after, commands::stat},
    {"LIST", after, commands::list},  {"UIDL", after, commands::uidl},
    {"RETR", after, commands::retr},  {"TOP", after, commands::top},
    {"DELE", after, commands::dele},  {"RSET", after, commands::rset},
    {"NOOP", after, commands::noop},  {"CAPA", before | after, commands::capa},
    {"STLS", before, commands::stls}, {"QUIT", before | after, commands::quit},
    {"UTF8", before, commands::utf8}, {"LANG", before | after, commands::lang},
};
}  // namespace

std::span<const CommandRow> command_table() { return table; }

Reply no_such_message(const Session&) { return Reply::error("no such message"); }

}  // namespace postern::pop3
