"""Downloads: the queue, the one that runs, its unfinished files."""
