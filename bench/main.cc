// The benchmark program. bench/run runs it, one benchmark a time, and puts pairs side by side.
#include <benchmark/benchmark.h>
#include <sqlite3.h>

int main(int argc, char** argv) {
  benchmark::AddCustomContext("sqlite", sqlite3_libversion());
#ifdef NDEBUG
  benchmark::AddCustomContext("assertions", "off");
#else
  benchmark::AddCustomContext("assertions", "on");
#endif
  benchmark::Initialize(&argc, argv);
  if (benchmark::ReportUnrecognizedArguments(argc, argv)) return 1;
  benchmark::RunSpecifiedBenchmarks();
  benchmark::Shutdown();
  return 0;
}
