"""Faults injected into real bridges, from outside only; `docs/reliability.md` shows what came of them."""
