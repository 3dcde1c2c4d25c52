// SPDX-License-Identifier: Apache-2.0
// LazyRemote: connects at the first call: to the control socket of the running server, else to the store itself. Never both
// (design.md §6): the offline opener takes the data folder's lock.
#pragma once

#include "admin/cli/app.h"

namespace postern::admin::cli {

class LazyRemote final : public Remote {
 public:
  LazyRemote(std::filesystem::path config_path, OfflineOpener offline)
      : config_path_(std::move(config_path)), offline_(std::move(offline)) {}
  Reply call(std::string_view command, boost::json::object arguments) override;
  void close() override { opened_.reset(); }

 private:
  Answer call_server(const std::string& socket, std::string_view command, const boost::json::object& arguments);
  std::filesystem::path config_path_;
  OfflineOpener offline_;
  std::unique_ptr<Remote> opened_;
};

}  // namespace postern::admin::cli
