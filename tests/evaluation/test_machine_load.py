import subprocess
import sys
import time
from pathlib import Path

from benchmark.evaluation.machine_load import LoadMeter
from benchmark.results.environment import available_cores

SPIN = """
import sys, time
while time.process_time() < float(sys.argv[1]):
    pass
print("done", flush=True)
sys.stdin.read()
"""


def test_the_time_of_our_own_workers_is_not_that_of_others() -> None:
    meter = LoadMeter()
    begin = time.monotonic()
    command = [sys.executable, "-c", SPIN, "0.8"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as worker:
        assert worker.stdout is not None
        worker.stdout.readline()
        load = meter.read()
        elapsed_s = time.monotonic() - begin
        worker.communicate()
    assert load.busy is not None
    assert load.others is not None
    assert load.busy - load.others >= 0.5 * 0.8 / (elapsed_s * available_cores())


def test_a_process_that_is_not_ours_is_seen(tmp_path: Path) -> None:
    done = tmp_path / "done"
    spin = f"import time\nwhile time.process_time() < 0.8: pass\nopen({str(done)!r}, 'w').close()"
    # The shell ends at once, so that the process it leaves behind is nobody's child.
    subprocess.run(["sh", "-c", '"$0" -c "$1" </dev/null >/dev/null 2>&1 &', sys.executable, spin], check=True)
    meter = LoadMeter()
    begin = time.monotonic()
    while not done.exists() and time.monotonic() - begin < 30:
        time.sleep(0.05)
    load = meter.read()
    assert done.exists()
    assert (load.others or 0) >= 0.5 * 0.7 / ((time.monotonic() - begin) * available_cores())


def test_over_a_moment_nothing_is_said() -> None:
    assert LoadMeter().read().others is None
