"""From passages to an answer: windows are chosen and read, the best span's sentences are said and cited."""
