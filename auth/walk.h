// SPDX-License-Identifier: Apache-2.0
// Walk: one resolution under way. It follows rows depth first with the path it came by, so that a loop is seen when it closes
// and the depth is bounded. Nothing of it outlives the Index. For auth/index.cc alone.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <unordered_set>
#include <utility>
#include <vector>

#include "auth/index.h"

namespace postern::auth {

class Index::Walk {
 public:
  Walk(const Index& index, Question question) : index_(index), question_(std::move(question)) {}

  /// `detail`: of the address that led here. Error limit: a loop, a chain or a list that is too long.
  Result<> follow(const mail::Address& given, const std::string& detail);

  Targets& targets() { return targets_; }
  /// Keys of ours that the walk came by.
  const std::vector<std::string>& visited() const { return done_; }
  /// Why a group was left out, error unsupported with a text for the writer.
  const std::optional<Error>& refusal() const { return refusal_; }

 private:
  Result<> enter(const Place& place, const std::string& detail);
  Result<> follow_rows(const Rows& rows, const std::string& detail);
  Result<> follow_group(const store::GroupRow& group, const std::string& detail);
  Result<> follow_catch_all(const Place& place);
  /// An alias of an account means its address, with the copies that its owner has sent elsewhere.
  Result<> follow_account(const store::AccountRow& account, const std::string& came_from, const std::string& detail);
  Result<> add_account(const store::AccountRow& account, const std::string& detail);
  /// Sends a copy to where the account forwards to. True: somebody gets it.
  Result<bool> send_on(const store::AccountRow& account, const std::vector<mail::Address>& forwards);
  /// `owner`: the domain of ours that sends it on.
  Result<> add_elsewhere(const mail::Address& address, std::string_view owner);
  std::size_t found() const { return targets_.accounts.size() + targets_.elsewhere.size(); }
  Result<> within_limit() const;
  bool may_write_to(const store::GroupRow& group);
  void note(std::string address, std::string text);

  const Index& index_;
  Question question_;
  Targets targets_;
  std::unordered_set<const store::AccountRow*> known_accounts_;
  std::unordered_set<std::string> known_elsewhere_;
  std::vector<std::string> path_;
  std::vector<std::string> done_;
  std::optional<Error> refusal_;
};

}  // namespace postern::auth
