"""Which libraries that compute can be imported, asked in a worker so that no one else imports them for it."""

import importlib
from typing import Any


class ToolkitActor:
    """Knows the libraries. Start it with `Worker("benchmark.models.toolkits:ToolkitActor", …)`."""

    def torch(self) -> dict[str, Any]:
        """Import torch and transformers, and tell the CUDA devices."""
        torch = importlib.import_module("torch")
        importlib.import_module("transformers.models.auto.modeling_auto")
        count = torch.cuda.device_count() if torch.cuda.is_available() else 0
        return {"devices": [torch.cuda.get_device_name(index) for index in range(count)]}

    def openvino(self) -> dict[str, Any]:
        """Import OpenVINO, and tell what it can compute on."""
        return {"devices": list(importlib.import_module("openvino").Core().available_devices)}

    def onnxruntime(self) -> dict[str, Any]:
        """Import ONNX Runtime, and tell what it can compute with."""
        providers = importlib.import_module("onnxruntime").get_available_providers()
        return {"devices": [name.removesuffix("ExecutionProvider") for name in providers]}
