"""The worker of the load check: a model actor that can also be asked about a configuration alone."""

from typing import Any

from transformers import AutoConfig

from benchmark.models.actors import ModelActor


class LoadActor(ModelActor):
    """Checks a configuration, and loads. Start it with `Worker("benchmark.verification.load_actor:LoadActor", …)`."""

    def check_config(self, config: dict[str, Any]) -> None:
        """Let transformers validate a configuration; nothing is made of it but the configuration itself.

        Args:
            config: The content of a `config.json`, of a model type that transformers knows.

        Raises:
            Exception: Whatever transformers raises for a configuration that is not valid.
        """
        fields = {name: value for name, value in config.items() if name != "model_type"}
        type(AutoConfig.for_model(config["model_type"])).from_dict(fields)
