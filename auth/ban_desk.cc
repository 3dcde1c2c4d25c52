// SPDX-License-Identifier: Apache-2.0
#include "auth/ban_desk.h"

#include "auth/exchange.h"

namespace postern::auth {
namespace {

/// Written before the answer, when there is a ledger.
async::Task<std::optional<Error>> kept(LoginDesk& desk, store::BanRow row) {
  auto* book = desk.parts().guard_book;
  if (book == nullptr) co_return std::nullopt;
  auto changes = desk.guard().collect();
  changes.bans.push_back(std::move(row));
  const auto saved = co_await book->save(std::move(changes));
  co_return saved ? std::nullopt : std::optional(saved.error());
}

}  // namespace

bool BanDesk::turns_away(const IpAddress& address) const { return workshop_->desk->guard().bans().turns_away(address); }

std::vector<BanInForce> BanDesk::list(Bans::Which which) const { return workshop_->desk->guard().bans().list(which); }

async::Task<Result<BanDone>> BanDesk::add(BanOrder order) {
  auto& desk = *workshop_->desk;
  desk.follow_reload();
  const auto network = order.network;
  auto row = desk.guard().bans().add(std::move(order));
  if (!row) co_return std::unexpected(row.error());
  desk.parts().log.warning("auth", "banned", {{"network", row->network}, {"until", row->until}, {"reason", row->reason}});
  BanDone done{*row, desk.guard().known_to(network), {}};
  done.not_kept = co_await kept(desk, std::move(*row));
  co_return done;
}

async::Task<Result<BanDone>> BanDesk::remove(IpNetwork network) {
  auto& desk = *workshop_->desk;
  auto row = desk.guard().bans().lift(network);
  if (!row) co_return std::unexpected(row.error());
  desk.guard().pardon(network);
  desk.parts().log.info("auth", "ban_lifted", {{"network", row->network}});
  BanDone done{*row, {}, {}};
  done.not_kept = co_await kept(desk, std::move(*row));
  co_return done;
}

AddressReport BanDesk::explain(const IpAddress& address) const {
  workshop_->desk->follow_reload();
  return workshop_->desk->guard().report(address);
}

Result<NameReport> BanDesk::explain(std::string_view login) const {
  auto& desk = *workshop_->desk;
  desk.follow_reload();
  const auto account = desk.parts().directory.account(login);
  if (!account) return fail(ErrorKind::not_found, std::string(login) + " is no account; `postern account list` shows all");
  return desk.guard().report(account->login);
}

}  // namespace postern::auth
