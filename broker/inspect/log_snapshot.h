// LogSnapshot: the log's segments as they were at one moment, also beside a broker that writes.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "broker/log/log_files.h"
#include "common/result.h"

namespace tako::broker {

// Holds every segment open, so that one that the broker removes can still be read, and no further
// than it went when the snapshot was taken. Whatever would write fails with EROFS.
class LogSnapshot final : public LogFolder {
 public:
  // Errors: LogUnusable: the folder or a segment can't be opened.
  [[nodiscard]] static Result<std::unique_ptr<LogSnapshot>> take(const LogFolder& folder);

  // Segments, and whatever else is in the folder.
  [[nodiscard]] FileResult<std::vector<std::string>> list() const override { return names_; }
  // Segments only.
  [[nodiscard]] FileResult<std::shared_ptr<LogFile>> open(const std::string& name,
                                                          bool writes) const override;
  [[nodiscard]] FileResult<std::shared_ptr<LogFile>> create(const std::string& name) override;
  [[nodiscard]] FileResult<void> remove(const std::string& name) override;
  [[nodiscard]] FileResult<void> rename(const std::string& from, const std::string& to) override;
  [[nodiscard]] FileResult<void> sync() override;

 private:
  // Opens what is there at this moment; a segment that has gone meanwhile is left out.
  [[nodiscard]] Result<void> open_all(const LogFolder& folder);

  std::vector<std::string> names_;
  std::map<std::string, std::shared_ptr<LogFile>> segments_;
};

}  // namespace tako::broker
