"""Spleeter's two U-Nets: their checkpoints, two back-ends that compute them, and the engine that uses their masks."""
