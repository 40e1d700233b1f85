// Everything that runs, wired together: the one place that knows all rooms. Started and stopped by
// one thread; Reload may be called from any.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "base/result.h"
#include "server/flags.h"

namespace tsdb::server {

class App {
 public:
  // Opens the store, starts rules and notifications, and at last listens; it is ready when this
  // returns. On an error everything that was started has been stopped. `quit` is called from a
  // handler when a client asks the process to end.
  static Result<std::unique_ptr<App>> Start(AppOptions options, std::function<void()> quit);
  // Stops in reverse order; nothing is left to replay.
  virtual ~App() = default;

  // Reads the configuration files again. On an error the old configuration stays in force.
  virtual Status Reload() = 0;
  virtual std::vector<std::string> addresses() const = 0;
};

// Reads and checks the configuration files and nothing else (--check-config).
Status CheckConfigFiles(const AppOptions& options);

}  // namespace tsdb::server
