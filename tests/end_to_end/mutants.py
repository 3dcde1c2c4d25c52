#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Holes to be put into the program on purpose, and the family of `postern audit` that must see each.

  mutants.py --check            every place where a hole goes is there exactly once
  mutants.py --apply FOLDER     puts all of them into a copy of the tree, each behind POSTERN_MUTANT=<name>

One build of the copy has all holes; none is open unless the environment names it, so the same program is the sound one too.
Never apply this to a tree that is meant to serve anybody."""
import sys
from dataclasses import dataclass
from pathlib import Path

TREE = Path(__file__).resolve().parents[2]

# What the mutated files include; `mutant(name)` is true where the environment names that hole.
HEADER = """#pragma once
#include <cstdlib>
#include <string_view>
namespace postern {
inline bool mutant(std::string_view name) {
  const char* const open = std::getenv("POSTERN_MUTANT");
  return open != nullptr && name == open;
}
}  // namespace postern
"""


@dataclass(frozen=True)
class Mutant:
    name: str
    family: str  # the only one that may fail, and must
    edits: tuple  # (file, exact old text, new text)
    least: int = 1  # failures, at least


MUTANTS = [
    Mutant("open_relay", "relay", ((
        "smtp/handler.cc", "  if (!resolved) return std::unexpected(refusal_for(resolved.error()));\n",
        '  if (!resolved && resolved.error().kind == ErrorKind::denied && mutant("open_relay")) return Route{};\n'
        "  if (!resolved) return std::unexpected(refusal_for(resolved.error()));\n"),), least=30),
    Mutant("percent_hack", "relay", ((
        "smtp/handler.cc", "  const auto resolved = talk.parts.directory.resolve(recipient.address, writer);\n",
        '  if (recipient.address.local().contains(\'%\') && mutant("percent_hack")) return Route{};\n'
        "  const auto resolved = talk.parts.directory.resolve(recipient.address, writer);\n"),), least=3),
    Mutant("no_login", "relay", (
        ("submission/handler.cc", "  if (!login_) return reply(status::auth_required);\n  // RFC 8098",
         '  if (!login_ && mutant("no_login")) return std::nullopt;\n'
         "  if (!login_) return reply(status::auth_required);\n  // RFC 8098"),
        ("submission/handler.cc", "  if (!login_) return std::unexpected(reply(status::auth_required));\n",
         '  if (!login_ && mutant("no_login")) return smtp::Route{};\n'
         "  if (!login_) return std::unexpected(reply(status::auth_required));\n"))),
    Mutant("everybody_listed", "relay", ((
        "submission/trusted.cc", "  if (!inside) return std::nullopt;\n",
        '  if (!inside && !mutant("everybody_listed")) return std::nullopt;\n'),), least=3),
    Mutant("lf_ends", "smuggling", (
        ("smtp/data.cc", "    if (state_ == State::text) {\n", '    if (state_ == State::text && !mutant("lf_ends")) {\n'),
        ("smtp/data.cc", "    case State::dot: return c == '\\r' ? State::dot_cr : State::text;\n",
         '    case State::dot:\n      if (c == \'\\n\' && mutant("lf_ends")) return State::done;\n'
         "      return c == '\\r' ? State::dot_cr : State::text;\n"),
        ("smtp/data.cc", "    default: return c == '\\r' ? State::cr : State::text;\n",
         '    default:\n      if (c == \'\\n\' && mutant("lf_ends")) return State::line_start;\n'
         "      return c == '\\r' ? State::cr : State::text;\n"),
        ("smtp/data.cc", "  if (!good) note(LineProblem::bare_line_end);\n",
         '  if (!good && !(cr == std::string_view::npos && mutant("lf_ends"))) note(LineProblem::bare_line_end);\n'))),
    Mutant("bdat_miscounts", "smuggling", ((
        "smtp/commands/bdat.cc", "take_chunk(talk.connection, parsed->size, refused",
        'take_chunk(talk.connection, mutant("bdat_miscounts") && parsed->size > 36 ? parsed->size - 36 : parsed->size, refused'),)),
    Mutant("injection", "starttls", (
        ("smtp/commands/starttls.cc", "  if (!talk.connection.buffered().empty())\n",
         '  if (!talk.connection.buffered().empty() && !mutant("injection"))\n'),
        ("net/connection.cc", 'co_return fail(ErrorKind::denied, "plain text arrived before the TLS handshake");\n'
         "  co_return co_await handshake(make_tls_server_stream(std::move(stream_), server));\n",
         '{\n    if (!mutant("injection")) co_return fail(ErrorKind::denied, "plain text arrived before the TLS handshake");\n  }\n'
         "  co_return co_await handshake(make_tls_server_stream(std::move(stream_), server));\n"))),
    Mutant("remembers", "starttls", (
        ("smtp/commands/starttls.cc", "  talk.transaction.reset();\n", '  if (!mutant("remembers")) talk.transaction.reset();\n'),
        ("smtp/session.cc", "  talk_.helo.clear();\n  talk_.esmtp = false;\n  talk_.transaction.reset();\n",
         '  if (mutant("remembers")) co_return true;\n'
         "  talk_.helo.clear();\n  talk_.esmtp = false;\n  talk_.transaction.reset();\n"))),
    Mutant("old_tls", "tls", ((
        "net/tls_context.cc", "bool set_least_version(SSL_CTX* context, TlsVersion least) {\n",
        "bool set_least_version(SSL_CTX* context, TlsVersion least) {\n"
        '  if (mutant("old_tls")) least = TlsVersion::tls1_0;\n'),), least=2),
    Mutant("plain_auth", "logins", (
        ("submission/handler.cc", "  origin.tls = talk.tls();\n", '  origin.tls = talk.tls() || mutant("plain_auth");\n'),
        ("submission/handler.cc", "  if (talk.tls() && !login_) offer.auth",
         '  if ((talk.tls() || mutant("plain_auth")) && !login_) offer.auth'),
        ("submission/handler.cc", "  if (!talk.tls()) co_return reply(status::tls_required);\n",
         '  if (!talk.tls() && !mutant("plain_auth")) co_return reply(status::tls_required);\n')), least=2),
    Mutant("vrfy_tells", "names", ((
        "smtp/commands/simple.cc", "Reply run_vrfy(Context& /*context*/, std::string_view arguments) {\n",
        "Reply run_vrfy(Context& context, std::string_view arguments) {\n"
        "  const auto asked = mail::Address::parse(arguments);\n"
        '  if (mutant("vrfy_tells") && asked && context.talk.parts.directory.resolve(*asked)) return reply(status::ok);\n'),)),
    Mutant("auth_tells", "names", ((
        "submission/handler.cc", "    return refuse(talk, *step.refusal);\n",
        '    if (mutant("auth_tells") && step.reason.contains("unknown")) return reply(status::no_such_mailbox);\n'
        "    return refuse(talk, *step.refusal);\n"),)),
    Mutant("guess_on", "names", (
        ("smtp/session.cc", "tally.errors >= limits.errors ||",
         'tally.errors - (mutant("guess_on") ? tally.unknown_recipients : 0) >= limits.errors ||'),
        ("smtp/session.cc", "tally.unknown_recipients >= limits.unknown_recipients;\n",
         'tally.unknown_recipients >= limits.unknown_recipients + (mutant("guess_on") ? 1000 : 0);\n'),
        ("smtp/session.cc", "  if (unknown <= tarpit_from) co_return;\n",
         '  if (unknown <= tarpit_from || mutant("guess_on")) co_return;\n'))),
    Mutant("all_known", "names", ((
        "smtp/handler.cc", "const auth::Writer& writer) {\n  if (const auto relay",
        "const auth::Writer& writer) {\n"
        '  if (recipient.address.local().starts_with("audit-nobody") && mutant("all_known")) return Route{};\n'
        "  if (const auto relay"),)),
    Mutant("spoof_passes", "spoofing", ((
        "policy/checks_spoof.cc", "  if (proven) return note", '  if (proven || mutant("spoof_passes")) return note'),), least=10),
    Mutant("results_believed", "spoofing", ((
        "smtp/inbound.cc", "  auto& transaction = *talk.transaction;\n  const auto settings = settings_of(talk);\n  auto verdict",
        "  auto& transaction = *talk.transaction;\n"
        '  if (mutant("results_believed") && header.contains("dmarc=pass")) transaction.spoof_permitted = true;\n'
        "  const auto settings = settings_of(talk);\n  auto verdict"),)),
    Mutant("received_believed", "spoofing", ((
        "smtp/inbound.cc", "  const auto ip = talk.ip();\n  const auto& gate = *talk.config->gate;\n",
        "  const auto ip = talk.ip();\n"
        '  if (mutant("received_believed") && header.contains("from localhost")) talk.transaction->spoof_permitted = true;\n'
        "  const auto& gate = *talk.config->gate;\n"),)),
    Mutant("long_lines", "sizes", ((
        "smtp/session.cc", "  const auto& limits = talk_.config->limits;\n  return handler_.has_logins()",
        '  if (mutant("long_lines")) return std::size_t{1} << 20U;\n'
        "  const auto& limits = talk_.config->limits;\n  return handler_.has_logins()"),)),
    Mutant("loops", "sizes", ((
        "smtp/inbound.cc", "  evidence.received_hops_max = talk.config->limits.received_hops;\n",
        '  evidence.received_hops_max = mutant("loops") ? 1000000 : talk.config->limits.received_hops;\n'),)),
    Mutant("nul_taken", "sizes", ((
        "smtp/data.cc", '    case LineProblem::nul: return refuse(reply(status::bad_message, "NUL octet in the message"));\n',
        '    case LineProblem::nul:\n      if (mutant("nul_taken")) return;\n'
        '      return refuse(reply(status::bad_message, "NUL octet in the message"));\n'),)),
    Mutant("no_reset", "order", ((
        "smtp/commands/simple.cc", "  context.talk.transaction.reset();\n  return reply(status::ok);\n",
        '  if (!mutant("no_reset")) context.talk.transaction.reset();\n  return reply(status::ok);\n'),), least=1),
    Mutant("nested_mail", "order", ((
        "smtp/commands.cc", "  if ((command.needs & needs_no_transaction) != 0 && talk.transaction) {\n",
        '  if ((command.needs & needs_no_transaction) != 0 && talk.transaction && !mutant("nested_mail")) {\n'),)),
    Mutant("xclient", "order", ((
        "smtp/commands.cc", "const Command* find_command(std::string_view verb) {\n",
        "const Command* find_command(std::string_view verb) {\n"
        '  if (mutant("xclient") && ascii::iequals(verb, "XCLIENT")) verb = "NOOP";\n'),)),
    Mutant("http", "order", ((
        "smtp/session.cc", "  if (is_foreign(line)) co_return", '  if (is_foreign(line) && !mutant("http")) co_return'),), least=1),
    Mutant("version_told", "banners", ((
        "smtp/session.cc", "  send(reply(status::ready, talk_.config->server.hostname + ' ' + smtp.banner));\n",
        "  send(reply(status::ready, talk_.config->server.hostname + ' ' + smtp.banner + (mutant(\"version_told\") ? \" Postern\" : \"\")));\n"),)),
    Mutant("imap_banner", "banners", ((
        "imap/session.cc", '+ capabilities, current->server.hostname + " ready"));',
        '+ capabilities, current->server.hostname + (mutant("imap_banner") ? " Postern ready" : " ready")));'),)),
    Mutant("imap_early", "retrieval", ((
        "imap/session.cc", '  if (row != nullptr) reply = refused', '  if (mutant("imap_early")) co_return ok("", "done");\n'
        "  if (row != nullptr) reply = refused"),), least=2),
    Mutant("imap_literal", "retrieval", ((
        "imap/assembly.cc", "  if (mark_->size > limits_.literal || text_.size() + mark_->size > limits_.command) {\n",
        "  if (const bool large = mark_->size > limits_.literal || text_.size() + mark_->size > limits_.command;\n"
        '      large && !mutant("imap_literal")) {\n'),)),
    Mutant("pop_early", "retrieval", ((
        "pop3/session.cc", "      co_return Reply::error(state_",
        '      if (mutant("pop_early")) co_return Reply::ok("1 100");\n      co_return Reply::error(state_'),), least=2),
]


def faults():
    """What is wrong with the list: a place that is not there exactly once in its file."""
    for mutant in MUTANTS:
        for file, old, _ in mutant.edits:
            path = TREE / file
            found = path.read_text().count(old) if path.exists() else 0
            if found != 1:
                yield f"{mutant.name}: {file} has {found} times: {old.strip().splitlines()[0]}"


def apply(folder):
    folder = Path(folder).resolve()
    if folder == TREE:
        sys.exit("mutants.py: not into the tree itself, give a copy of it")
    (folder / "base" / "mutant.h").write_text(HEADER)
    touched = set()
    for mutant in MUTANTS:
        for file, old, new in mutant.edits:
            path = folder / file
            text = path.read_text()
            if text.count(old) != 1:
                sys.exit(f"mutants.py: {mutant.name}: {file}: {old!r} is there {text.count(old)} times")
            path.write_text(text.replace(old, new))
            touched.add(path)
    for path in touched:
        path.write_text('#include "base/mutant.h"\n' + path.read_text())
    print(f"{len(MUTANTS)} mutants in {len(touched)} files")


def main(words):
    if words[:1] == ["--apply"] and len(words) == 2:
        return apply(words[1])
    if words != ["--check"]:
        sys.exit(__doc__)
    wrong = list(faults())
    print(*wrong, sep="\n", end="\n" if wrong else "")
    sys.exit(1 if wrong else 0)


if __name__ == "__main__":
    main(sys.argv[1:])
