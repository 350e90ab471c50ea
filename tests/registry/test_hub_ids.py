"""What can be the name of a repository."""

import pytest
from huggingface_hub.errors import HFValidationError
from huggingface_hub.utils._validators import validate_repo_id

from benchmark.registry.hub_ids import is_hub_id

IDS = [
    "", "gpt2", "superb/wav2vec2-base-superb-er", "123", "a/b/c", "datasets/a/b", ".repo", "repo.", "-repo", "repo-",
    "a--b", "a..b", "a/b.git", "a/b.gitx", "a b", "a/b\n", "/a", "a/", "ñ/b", "_a/_b", "o" * 96, "o" * 97,
    f"{'o' * 96}/{'n' * 96}", "a/b@main", "a:b", "a/-b", "a-/b", "MIT/ast-finetuned-audioset-10-10-0.4593",
]  # fmt: skip


@pytest.mark.parametrize("text", IDS)
def test_the_rule_is_that_of_the_hub_client(text: str) -> None:
    try:
        validate_repo_id(text)
    except HFValidationError:
        assert not is_hub_id(text)
    else:
        assert is_hub_id(text)
