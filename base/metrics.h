// SPDX-License-Identifier: Apache-2.0
// Metrics: counters, gauges and histograms over prometheus-cpp's core. Names are made once, at construction of the part
// that counts; counting is one atomic addition.
#pragma once

#include <initializer_list>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace postern {

class Counter {
 public:
  void add(double by = 1) const;

 private:
  friend class Metrics;
  void* impl_ = nullptr;
};

class Gauge {
 public:
  void set(double value) const;
  void add(double by) const;

 private:
  friend class Metrics;
  void* impl_ = nullptr;
};

class Histogram {
 public:
  void observe(double value) const;

 private:
  friend class Metrics;
  void* impl_ = nullptr;
};

/// Owns the registry. Thread-safe; handles stay valid as long as it lives. Asking for the same name and labels again gives
/// the same series.
class Metrics {
 public:
  using Labels = std::initializer_list<std::pair<const char*, std::string>>;
  Metrics();
  ~Metrics();
  Counter counter(std::string_view name, std::string_view help, Labels labels = {});
  Gauge gauge(std::string_view name, std::string_view help, Labels labels = {});
  Histogram histogram(std::string_view name, std::string_view help, std::vector<double> bounds, Labels labels = {});
  /// The Prometheus text exposition format, version 0.0.4.
  std::string exposition() const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace postern
