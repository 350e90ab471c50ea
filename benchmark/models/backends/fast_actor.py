"""A converted model in a worker: no torch is imported for models that read samples."""

from pathlib import Path
from typing import Any

from benchmark.models.asked_actor import AskedActor
from benchmark.models.backends.answering import SideBySide
from benchmark.models.backends.converted import ConvertedModel
from benchmark.models.backends.fast_model import FastModel, open_fast_model
from benchmark.models.backends.protocol import BackendError, Engine, Streams


class FastActor(AskedActor[FastModel]):
    """Holds one converted model. Start it with `Worker("benchmark.models.backends.fast_actor:FastActor", …)`."""

    def load(
        self,
        converted: str,
        digest: str,
        engine: dict[str, Any],
        streams: dict[str, int],
        folder: str,
        preprocessor: dict[str, Any] | None,
    ) -> dict[str, Any]:
        """Compile a converted model.

        Args:
            converted: The converted model's folder.
            digest: Of the converted model that was held against the reference.
            engine: `Engine.as_plain()`.
            streams: `Streams.as_plain()`.
            folder: The checkpoint's folder.
            preprocessor: The registry's override of the feature extractor.

        Returns:
            `LoadReport.as_plain()`.

        Raises:
            BackendError: The converted model is not the one that it was, or this machine cannot compute it so.
        """
        model = ConvertedModel.open(Path(converted))
        if model is None or model.digest != digest:
            raise BackendError("the converted model is not the one that was held against the reference")
        self._drop()
        shared = Streams(**streams)
        opened = open_fast_model(
            model, Engine(**engine), streams=shared, folder=Path(folder), preprocessor=preprocessor
        )
        self._hold(opened, SideBySide(opened.window_logits, streams=shared.count))
        return opened.report.as_plain()
