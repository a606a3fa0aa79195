"""The reader that is in training: windows of passages, and what it makes of them. The service does not use it yet."""
