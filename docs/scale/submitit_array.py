"""Twenty shards as an array of jobs, by submitit (pip install submitit); then the reports."""

import submitit

import benchmark


def run(shard: str) -> int:
    """Compute one shard, in a job."""
    asked = benchmark.run_shard(candidates="candidates.yaml", corpora=["folder:clips"], shard=shard, progress="silent")
    return asked.exit_code


executor = submitit.AutoExecutor(folder="submitit-logs")
executor.update_parameters(timeout_min=240, cpus_per_task=4, mem_gb=16)
for job in executor.map_array(run, [f"{index}/20" for index in range(1, 21)]):
    job.wait()
raise SystemExit(benchmark.merge([".bench"], output="reports").exit_code)
