from pathlib import Path

import pytest

from benchmark.cli.console import set_up_logging
from benchmark.errors import RequestError


@pytest.mark.parametrize("inside", ["", "file/log.txt"])
def test_a_log_file_that_cannot_be_written_is_a_wrong_request(tmp_path: Path, inside: str) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(RequestError, match="--log-file"):
        set_up_logging(verbose=False, log_file=tmp_path / inside)
