"""Our worker in service with a meter around its stages; writes its profile as JSON when it is ended.

Run as ``python -m deploy.bench.contenders.profiled FILE`` with the settings of ``ioc stream``.
"""

from __future__ import annotations

import sys
import threading
import time
from pathlib import Path

import msgspec

from deploy.bench.stages import FETCH, MAIN, NETWORK, Meter, Profile, wrap
from ioc import settings, topics

_ASK_S = 0.1


class ThreadTimes(threading.Thread):
    """Asks the kernel for the processor time of each thread, by the name that Python gave it."""

    def __init__(self) -> None:
        super().__init__(daemon=True, name="bench-thread-times")
        self.by_thread: dict[tuple[str, int], float] = {}

    def run(self) -> None:
        while True:
            for thread in threading.enumerate():
                if thread.ident is not None and thread is not self:
                    clock = time.pthread_getcpuclockid(thread.ident)
                    self.by_thread[thread.name, thread.ident] = time.clock_gettime(clock)
            time.sleep(_ASK_S)

    def of_main(self) -> float:
        """Seconds of the main thread."""
        return sum(s for (_, ident), s in self.by_thread.items() if ident == threading.main_thread().ident)

    def of_others(self) -> float:
        """Seconds of all other threads: the consumer's, mostly."""
        return sum(self.by_thread.values()) - self.of_main()


def queued_s() -> float:
    """Seconds for which the main thread has waited for a core so far."""
    times = Path(f"/proc/self/task/{threading.main_thread().native_id}/schedstat").read_text()
    return int(times.split()[1]) / 1e9


def main(target: Path) -> None:
    """Run the worker until SIGTERM."""
    from streams.worker import run

    meter, threads = Meter(), ThreadTimes()
    wrap(meter)
    began = time.thread_time()  # imports are not the worker's work
    queued = queued_s()
    threads.start()
    try:
        run(settings.load(), only=(topics.WIFI,))
    finally:
        in_main = sum(seconds for stage, seconds in meter.cpu.items() if stage != FETCH)
        stages = {
            **meter.cpu,
            NETWORK: max(0.0, threads.of_others() - meter.cpu[FETCH]),
            MAIN: max(0.0, threads.of_main() - began - in_main),
        }
        profile = Profile(
            cpu_s=stages,
            calls=dict(meter.calls),
            wall_s=meter.commit_wall_s,
            batches=meter.commits,
            process_cpu_s=time.process_time() - began,
            queued_s=queued_s() - queued,
        )
        target.write_bytes(msgspec.json.encode(profile))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
