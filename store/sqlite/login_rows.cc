// SPDX-License-Identifier: Apache-2.0
#include "store/sqlite/login_rows.h"

#include <set>

namespace postern::store::sqlite {

namespace {

constexpr UnixTime day = 86'400;
constexpr std::string_view success = "success";

/// A series of rows with a bound of its own, so that failures push out no success.
struct Series {
  AccountId account = 0;
  bool success = false;
  auto operator<=>(const Series&) const = default;
};

void insert(Database& db, const LoginRow& row) {
  db.run(
      "INSERT INTO login(account, at, success, name, protocol, ip, credential, label, mechanism, outcome, reason) "
      "VALUES (?1,?2,?3,?4,?5,?6,?7,?8,?9,?10,?11)",
      row.account, row.at, row.outcome == success, row.name, row.protocol, row.ip, row.credential, row.label, row.mechanism,
      row.outcome, row.reason);
  if (row.outcome != success || row.credential == 0) return;
  db.run("UPDATE credential SET last_at=?1, last_ip=?2, last_protocol=?3 WHERE id=?4 AND account=?5 AND last_at<=?1", row.at,
         row.ip, row.protocol, row.credential, row.account);
}

void forget_networks(Database& db, AccountId account, std::size_t most) {
  db.run(
      "DELETE FROM known_network WHERE account=?1 AND network IN "
      "(SELECT network FROM known_network WHERE account=?1 ORDER BY last DESC, network LIMIT -1 OFFSET ?2)",
      account, most);
}

void forget_logins(Database& db, const std::set<Series>& touched, const LoginRetention& keep) {
  for (const auto& series : touched) {
    db.run(
        "DELETE FROM login WHERE id IN "
        "(SELECT id FROM login WHERE account=?1 AND success=?2 ORDER BY id DESC LIMIT -1 OFFSET ?3)",
        series.account, series.success, keep.rows);
  }
  db.run("DELETE FROM login WHERE at<?1", keep.oldest);
}

std::size_t learnt_since(Database& db, AccountId account, UnixTime since) {
  return static_cast<std::size_t>(
      db.integer(0, "SELECT count(*) FROM known_network WHERE account=?1 AND first>?2", account, since));
}

}  // namespace

bool learn_network(Database& db, const KnownNetwork& network) {
  const auto again = db.run("UPDATE known_network SET last=max(last, ?3) WHERE account=?1 AND network=?2", network.account,
                            network.network, network.last);
  if (again > 0) return false;
  db.run("INSERT INTO known_network(account, network, first, last) VALUES (?1,?2,?3,?4)", network.account, network.network,
         network.first, network.last);
  return true;
}

std::vector<NewNetwork> record_logins(Database& db, const std::vector<LoginRow>& rows, const LoginRetention& keep) {
  std::vector<NewNetwork> out;
  std::set<Series> touched;
  for (std::size_t i = 0; i < rows.size(); ++i) {
    const auto& row = rows[i];
    insert(db, row);
    touched.insert({row.account, row.outcome == success});
    if (row.account == 0 || row.network.empty()) continue;
    const bool first = db.integer(0, "SELECT count(*) FROM known_network WHERE account=?1", row.account) == 0;
    if (!learn_network(db, {row.account, row.network, row.at, row.at})) continue;
    out.push_back({i, first, learnt_since(db, row.account, row.at - day)});
    forget_networks(db, row.account, keep.networks);
  }
  forget_logins(db, touched, keep);
  return out;
}

std::vector<LoginRow> read_logins(Database& db, const LoginQuery& query) {
  std::vector<LoginRow> out;
  auto row = db.query(
      "SELECT account, at, name, protocol, ip, credential, label, mechanism, outcome, reason FROM login "
      "WHERE (?1=0 OR account=?2) AND (?3=0 OR success=0) AND at>=?4 ORDER BY id DESC LIMIT ?5",
      query.account.has_value(), query.account.value_or(0), query.failed_only, query.since, query.most);
  while (row.step()) {
    LoginRow one;
    one.account = static_cast<AccountId>(row.integer(0));
    one.at = row.integer(1);
    one.name = row.text(2);
    one.protocol = row.text(3);
    one.ip = row.text(4);
    one.credential = row.unsigned_integer(5);
    one.label = row.text(6);
    one.mechanism = row.text(7);
    one.outcome = row.text(8);
    one.reason = row.text(9);
    out.push_back(std::move(one));
  }
  return out;
}

std::vector<KnownNetwork> read_known_networks(Database& db, std::optional<AccountId> account) {
  std::vector<KnownNetwork> out;
  auto row = db.query(
      "SELECT account, network, first, last FROM known_network WHERE ?1=0 OR account=?2 ORDER BY account, last DESC, network",
      account.has_value(), account.value_or(0));
  while (row.step()) {
    out.push_back({static_cast<AccountId>(row.integer(0)), std::string(row.text(1)), row.integer(2), row.integer(3)});
  }
  return out;
}

}  // namespace postern::store::sqlite
