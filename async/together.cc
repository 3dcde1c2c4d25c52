// SPDX-License-Identifier: Apache-2.0
// A parallel group of Asio, which carries a cancellation to its members and waits for all of them.
#include "async/together.h"

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/deferred.hpp>
#include <boost/asio/experimental/parallel_group.hpp>
#include <boost/asio/use_awaitable.hpp>

#include "async/executor.h"

namespace postern::async {

namespace asio = boost::asio;

Task<> together(std::vector<Task<>> tasks) {
  if (tasks.empty()) co_return;
  const Executor executor = co_await this_executor();
  using Operation = decltype(asio::co_spawn(executor, std::move(tasks.front()), asio::deferred));
  std::vector<Operation> operations;
  operations.reserve(tasks.size());
  for (auto& task : tasks) operations.push_back(asio::co_spawn(executor, std::move(task), asio::deferred));
  tasks.clear();
  auto [order, errors] = co_await asio::experimental::make_parallel_group(std::move(operations))
                             .async_wait(asio::experimental::wait_for_all(), asio::use_awaitable);
  for (const auto& error : errors) {
    if (error) std::rethrow_exception(error);
  }
}

}  // namespace postern::async
