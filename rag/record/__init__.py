"""What ``rag.library`` is made of: tables, rows with their hashes, reading what changed, and writing."""
