"""Long work in the background: kept on disk, so that it goes on where it stopped and every worker process sees it."""
