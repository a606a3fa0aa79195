"""Crashes, failing disks and damaged files, at every call: ``python -m crash`` runs it all; see docs/durability.md."""
