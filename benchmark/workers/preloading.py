"""For the fork server of workers: what its forks need to restrict themselves, found once."""

from benchmark.workers.protection import landlock_version

landlock_version()
