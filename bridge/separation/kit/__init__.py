"""Splits a drum stem into the drums of its kit, at hits that are known, without weights."""
