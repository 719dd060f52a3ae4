// Sets the level of logging of TensorFlow's library, and of Abseil inside it. TensorFlow reads the level from its
// environment, but passes it to Abseil only after the library's own start, which writes a line about oneDNN. Abseil
// calls `MinLogLevel()` for each line. The loader finds this function first, since this file is loaded before the
// library, and for all libraries. Level 0 shows everything and level 2 only errors; fatal errors always show.
#include <cstdlib>

namespace {
int level = 2;
constexpr const char* kVariable = "TF_CPP_MIN_LOG_LEVEL";
}  // namespace

namespace absl {
inline namespace lts_20250814 {
enum class LogSeverityAtLeast : int {};
LogSeverityAtLeast MinLogLevel() { return static_cast<LogSeverityAtLeast>(level); }
}  // namespace lts_20250814
}  // namespace absl

// Node calls this when it loads the file. The level is set here because a change of `process.env` in one of Node's
// threads does not reach the library.
extern "C" void* napi_register_module_v1(void* /* env */, void* exports) {
  setenv(kVariable, "2", 0);
  level = std::atoi(std::getenv(kVariable));
  return exports;
}
