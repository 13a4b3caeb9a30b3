// Metrics: names for the counters that the parts keep anyway, printed for Prometheus when asked.
#pragma once

#include <cstdint>
#include <functional>
#include <list>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "common/limit_counters.h"

namespace tako {

// Hot paths only do `++` on a std::uint64_t of their own; what is registered here is read when
// /metrics is asked for, on the loop's thread. Everything that is registered outlives the registry.
// Names: `tako_edge_…`, `tako_broker_…`; counters end in `_total`, sizes in `_bytes`.
class Metrics {
 public:
  using Labels = std::vector<std::pair<std::string, std::string>>;
  using Read = std::function<double()>;

  Metrics();
  ~Metrics();
  Metrics(const Metrics&) = delete;
  Metrics& operator=(const Metrics&) = delete;

  // Only ever rises. The same name again, with other labels, is another series of it.
  void counter(const std::string& name, const std::string& help, const std::uint64_t& value,
               Labels labels = {});
  void counter(const std::string& name, const std::string& help, Read read, Labels labels = {});
  // Rises and falls.
  void gauge(const std::string& name, const std::string& help, Read read, Labels labels = {});
  // Several series of one gauge that come and go, such as one per linked edge.
  using ReadAll = std::function<std::vector<std::pair<Labels, double>>()>;
  void gauges(const std::string& name, const std::string& help, ReadAll read_all);

  // tako_limit_hits_total{limit="outbox_bytes_max"}, one series per bound of limits.h.
  void limits(const LimitCounters& counters);
  // Adds `count` to the series of `name` (a member of LimitCounters): for parts that know no limits
  // by name, and for those that there may be several of.
  void limit(std::string_view name, const std::uint64_t& count);
  // tako_build_info{program,version}, and process_*: resident memory, CPU, descriptors, start.
  void process(std::string_view program);

  // Prometheus text format 0.0.4.
  [[nodiscard]] std::string text() const;

 private:
  enum class Type : std::uint8_t { Counter, Gauge };
  struct Series {
    Labels labels;
    Read read;
  };
  struct Family {
    std::string name;
    std::string help;
    Type type;
    std::vector<Series> series;
    ReadAll read_all;  // instead of `series`
  };
  struct LimitSeries {
    std::string name;
    std::vector<const std::uint64_t*> counts;  // the series is their sum
  };
  LimitSeries& limit_series(std::string_view name);
  Family& family(const std::string& name, const std::string& help, Type type);

  std::vector<Family> families_;
  std::list<LimitSeries> limits_;  // in place: their readers point to them
};

}  // namespace tako
