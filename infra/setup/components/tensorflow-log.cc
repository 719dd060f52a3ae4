// TensorFlow's level of logging, for its library and for Abseil's. TensorFlow reads the level from its environment, but hands it to
// Abseil only after the library's own start, which writes a line about oneDNN. Abseil asks `MinLogLevel()` for each line. The
// loader finds this one first, since it is loaded before the library and for all libraries. 0 shows all, 2 errors alone; what is
// fatal always shows.
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

// Called by Node when it loads the file. In a thread of Node's, `process.env` does not reach the library; this does.
extern "C" void* napi_register_module_v1(void* /* env */, void* exports) {
  setenv(kVariable, "2", 0);
  level = std::atoi(std::getenv(kVariable));
  return exports;
}
