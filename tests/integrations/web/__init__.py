"""The faces towards web frameworks and queues."""
