"""The worker of the inspection: it looks at configurations, and never at weights."""

from typing import Any

from transformers import AutoConfig

from benchmark.models.skeleton import SkeletonActor


class InspectionActor(SkeletonActor):
    """Validates configurations and builds skeletons of them, without weights.

    Start it with `Worker("benchmark.verification.inspection_actor:InspectionActor", …)`.
    """

    def check_config(self, config: dict[str, Any]) -> None:
        """Let transformers validate a configuration (see `check_config`)."""
        check_config(config)


def check_config(config: dict[str, Any]) -> None:
    """Let transformers validate a configuration; nothing is made of it but the configuration itself.

    Args:
        config: The content of a `config.json`, of a model type that transformers knows.

    Raises:
        Exception: Whatever transformers raises for a configuration that is not valid.
    """
    fields = {name: value for name, value in config.items() if name != "model_type"}
    type(AutoConfig.for_model(config["model_type"])).from_dict(fields)
