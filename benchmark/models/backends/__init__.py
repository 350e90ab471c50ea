"""The engines that compute a model's answers: torch, which is the reference, and faster ones held against it."""
