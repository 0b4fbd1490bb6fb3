"""Video jobs: the queue, the worker, the limits, the annotated videos."""
