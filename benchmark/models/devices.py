"""What torch can compute on here, asked in a worker so that no one else imports torch for it."""

import torch


class DeviceActor:
    """Knows the devices of this machine. Start it with `Worker("benchmark.models.devices:DeviceActor", …)`."""

    def has_cuda(self) -> bool:
        """Whether torch sees a CUDA device."""
        return torch.cuda.is_available()
