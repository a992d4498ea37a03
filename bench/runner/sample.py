"""Taking one sample: one side of one piece of work, in one process of its own."""
import json
import os
import subprocess


class Failed(Exception):
    """A program did not give a sample."""


class Settings:
    """What holds for all samples: where the programs and the files are, how long, how often."""

    def __init__(self, programs, peers, directory, runs, quick):
        self.programs, self.peers, self.directory = programs, peers, directory
        self.runs, self.quick = runs, quick


def run_program(settings, name, arguments):
    """The JSON that a program printed."""
    command = [os.path.join(settings.programs, name), *arguments]
    done = subprocess.run(command, capture_output=True, text=True, check=False,
                          env={**os.environ, "TURNSTILE_BENCH_DIR": settings.directory})
    if done.returncode != 0:
        raise Failed(f"{' '.join([name, *arguments])} ended with status {done.returncode}:\n"
                     f"{done.stderr.strip()}")
    return json.loads(done.stdout)


class Pair:
    """One side of a benchmark of turnstile_bench, the program with Google Benchmark."""
    program = "turnstile_bench"

    def __init__(self, work, side, seconds):
        self.key, self.work, self.side, self.seconds = f"{work} {side}", work, side, seconds

    def take(self, settings):
        arguments = [f"--benchmark_filter=^{self.work}/{self.side}(/|$)",
                     "--benchmark_format=json"]
        if self.seconds is not None:
            seconds = self.seconds / 5 if settings.quick else self.seconds
            arguments.append(f"--benchmark_min_time={seconds}")
        report = run_program(settings, self.program, arguments)
        if len(report["benchmarks"]) != 1:
            raise Failed(f"{self.program} has {len(report['benchmarks'])} benchmarks of the name "
                         f"{self.work}/{self.side}")
        context = report["context"]
        return {**report["benchmarks"][0], "sqlite": context["sqlite"],
                "assertions": context["assertions"] == "on"}


class Contention:
    """One side of a scenario of turnstile_contention."""
    program = "turnstile_contention"

    def __init__(self, scenario, side, seconds=1.0, warm_up=0.25, starts=None, **options):
        self.scenario, self.side, self.starts = scenario, side, starts
        self.seconds, self.warm_up, self.options = seconds, warm_up, options
        self.key = " ".join([scenario, side] + [f"{k}={v}" for k, v in sorted(options.items())])

    def take(self, settings):
        shorter = 5 if settings.quick else 1
        arguments = [self.scenario, self.who(settings), f"--seconds={self.seconds / shorter}",
                     f"--warm-up={self.warm_up / shorter}"]
        arguments += [f"--{name.replace('_', '-')}={value}" for name, value in self.options.items()]
        if self.starts is not None:
            # So many over all runs, fewer only when it is to be quick.
            arguments.append(f"--count={-(-self.starts // (settings.runs * shorter))}")
        return run_program(settings, self.program, arguments)

    def who(self, _settings):
        return f"--side={self.side}"


class Peer(Contention):
    """A program of bench/peers, which turnstile_contention starts and checks."""

    def __init__(self, peer, **options):
        super().__init__("peer", peer, **options)
        self.peer = peer

    def who(self, settings):
        return f"--peer={os.path.join(settings.peers, self.peer, 'writers')}"
