// SPDX-License-Identifier: Apache-2.0
// prometheus-cpp's registry behind plain handles. A handle that no Metrics has made counts nothing.
#include "base/metrics.h"

#include <prometheus/counter.h>
#include <prometheus/gauge.h>
#include <prometheus/histogram.h>
#include <prometheus/registry.h>
#include <prometheus/text_serializer.h>

namespace postern {
namespace {

prometheus::Labels to_labels(Metrics::Labels labels) {
  prometheus::Labels out;
  for (const auto& [name, value] : labels) out[name] = value;
  return out;
}

}  // namespace

struct Metrics::State {
  prometheus::Registry registry;
};

Metrics::Metrics() : state_(std::make_unique<State>()) {}
Metrics::~Metrics() = default;

void Counter::add(double by) const {
  if (impl_ != nullptr) static_cast<prometheus::Counter*>(impl_)->Increment(by);
}

void Gauge::set(double value) const {
  if (impl_ != nullptr) static_cast<prometheus::Gauge*>(impl_)->Set(value);
}

void Gauge::add(double by) const {
  if (impl_ != nullptr) static_cast<prometheus::Gauge*>(impl_)->Increment(by);
}

void Histogram::observe(double value) const {
  if (impl_ != nullptr) static_cast<prometheus::Histogram*>(impl_)->Observe(value);
}

Counter Metrics::counter(std::string_view name, std::string_view help, Labels labels) {
  auto& family = prometheus::BuildCounter().Name(std::string(name)).Help(std::string(help)).Register(state_->registry);
  Counter handle;
  handle.impl_ = &family.Add(to_labels(labels));
  return handle;
}

Gauge Metrics::gauge(std::string_view name, std::string_view help, Labels labels) {
  auto& family = prometheus::BuildGauge().Name(std::string(name)).Help(std::string(help)).Register(state_->registry);
  Gauge handle;
  handle.impl_ = &family.Add(to_labels(labels));
  return handle;
}

Histogram Metrics::histogram(std::string_view name, std::string_view help, std::vector<double> bounds, Labels labels) {
  auto& family = prometheus::BuildHistogram().Name(std::string(name)).Help(std::string(help)).Register(state_->registry);
  Histogram handle;
  handle.impl_ = &family.Add(to_labels(labels), std::move(bounds));
  return handle;
}

std::string Metrics::exposition() const { return prometheus::TextSerializer().Serialize(state_->registry.Collect()); }

}  // namespace postern
